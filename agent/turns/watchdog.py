"""Which state a call is in, how long it may last without progress, and what ends it then."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum


class State(Enum):
    """What the caller is waiting for."""

    IDLE = "idle"
    CALLER = "caller"
    """Nothing: they speak, as far as can be told without their words."""
    WORDS = "words"
    """They spoke clearly, and the recogniser has not said a word."""
    TURN = "turn"
    """Words came, and the turn is not taken to be over."""
    THINKING = "thinking"
    """The turn went to the language model, and nothing has come back."""
    TOOL = "tool"
    VOICING = "voicing"
    """There are words to say, and no sound yet."""
    SPEAKING = "speaking"
    APOLOGISING = "apologising"


_PAUSE_S = 3.0
"""Silence, after which sound is no longer the same one going on."""
_ASKS_AGAIN_S = 15.0
"""The least time between two questions about what is likely to be noise."""


class Apology(Enum):
    """What the caller is told. The second failure in a row and the third have their own."""

    UNHEARD = "unheard"
    TROUBLE = "trouble"
    CALL_AGAIN = "call_again"
    GOODBYE = "goodbye"


@dataclass(frozen=True)
class Cancel:
    """Stop what is being done in this state."""

    state: State


@dataclass(frozen=True)
class Apologise:
    """Say so."""

    kind: Apology


@dataclass(frozen=True)
class End:
    """End the call: the goodbye was said, or could not be."""


Action = Cancel | Apologise | End


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Seconds without progress; 0 for never. The engines have deadlines of their own, which are
    shorter: these are the last net."""

    caller_s: float = 30.0
    """Of the caller's speech without a pause or a word: a VAD that noise holds open, or a recogniser
    that is deaf."""
    words_s: float = 3.0
    turn_s: float = 6.0
    """Longer than the longest silence that may be a pause in the caller's turn."""
    thinking_s: float = 6.0
    """Until the first piece of text, and between two."""
    tool_s: float = 20.0
    voice_s: float = 4.0
    """From the last text to the first sound."""
    sound_s: float = 2.5
    """Between two sounds, when all the text is there."""
    apology_s: float = 8.0
    """Without sound. livekit waits 5 s for cancelled speech to end before it begins another."""
    least_speech_s: float = 0.8
    """Shorter speech without words may be a cough."""

    def scaled(self, factor: float) -> Limits:
        """All of them but for the length of speech; factor 0 is no limit at all."""
        return Limits(
            caller_s=self.caller_s * factor,
            words_s=self.words_s * factor,
            turn_s=self.turn_s * factor,
            thinking_s=self.thinking_s * factor,
            tool_s=self.tool_s * factor,
            voice_s=self.voice_s * factor,
            sound_s=self.sound_s * factor,
            apology_s=self.apology_s * factor,
            least_speech_s=self.least_speech_s,
        )


@dataclass(frozen=True, kw_only=True)
class View:
    """The call at one moment."""

    caller_active: bool = False
    """They speak, or the agent is held so that they can."""
    agent_busy: bool = False
    """A speech of the agent's, other than an apology, is to be made and was not stopped."""
    agent_speaking: bool = False
    tool_running: bool = False
    llm_writing: bool = False
    """The language model has not ended its text."""
    apologising: bool = False


@dataclass(kw_only=True)
class Watchdog:
    """One call's. `process` is to be called when the view changes and at `due_s`, the other methods
    when what they are named after has happened. All times are on one clock, in seconds.

    At most one apology between two signs of the caller; a third failure in a row ends the call. Speech
    without words is no failure of a recogniser that has said words in this call: it is more likely
    a noise, which is asked about now and then and ends nothing.
    """

    limits: Limits = field(default_factory=Limits)
    failures: int = 0
    """Apologies since the last answer."""
    _view: View = field(default_factory=View)
    _state: State = State.IDLE
    _since_s: float = 0.0
    """When the state began, or the last progress in it."""
    _paused: tuple[State, float] | None = None
    """What the caller's sound came into, and how long that had lasted."""
    _sound: tuple[float, float] = (0.0, float("-inf"))
    """How long the caller's sound had lasted without a word, and when it paused."""
    _heard_s: float | None = None
    _asked_s: float | None = None
    """When speech without words was asked about, and nothing was understood since."""
    _awaits_words: bool = False
    _is_turn_open: bool = False
    _has_final: bool = False
    _has_text: bool = False
    _may_apologise: bool = True
    _is_ending: bool = False

    @property
    def state(self) -> State:
        return self._state

    @property
    def due_s(self) -> float | None:
        """When the state will have lasted too long; None when it may last for ever."""
        limit_s = self._limit_s
        return self._since_s + limit_s if limit_s else None

    def process(self, now_s: float, view: View) -> list[Action]:
        """What is to be done now."""
        has_apologised = self._view.apologising and not view.apologising
        self._view = view
        if view.agent_speaking and view.agent_busy:
            self._awaits_words = self._is_turn_open = self._has_final = False
        self._settle(now_s)
        if has_apologised and self._is_ending:
            self._is_ending = False
            return [End()]
        if self.due_s is None or now_s < self.due_s:
            return []
        return self._bark(now_s)

    def spoke(self, now_s: float, speech_s: float) -> None:
        """The caller has paused after clear speech that was not over the agent's."""
        if speech_s < self.limits.least_speech_s:
            return
        if self._heard_s is None or self._heard_s < now_s - speech_s:
            self._awaits_words = self._may_apologise = True
            self._progress(now_s, State.WORDS)

    def heard(self, now_s: float) -> None:
        """The recogniser has said a word, whether or not it is meant for the agent."""
        self._heard_s, self._asked_s = now_s, None
        self._awaits_words = False
        self._progress(now_s, State.CALLER)

    def took(self, now_s: float, *, has_words: bool, is_final: bool) -> None:
        """A transcript went to the session."""
        if has_words:
            self._is_turn_open = True
            self._has_final |= is_final
        elif is_final and not self._has_final:
            self._is_turn_open = False  # the words are taken back
        self._progress(now_s, State.TURN)

    def committed(self, now_s: float) -> None:
        """A turn of the caller's, spoken or typed, is over and will be answered."""
        self._awaits_words = self._is_turn_open = self._has_final = self._has_text = False
        self._may_apologise = True
        self._progress(now_s, *State)

    def wrote(self, now_s: float, *, is_text: bool) -> None:
        """The language model has given a piece of its answer, to be spoken or not."""
        self._has_text |= is_text
        self._progress(now_s, State.THINKING, State.VOICING, State.SPEAKING, State.CALLER)

    def used_tool(self, now_s: float) -> None:
        """A tool has begun or ended: text is awaited anew."""
        self._has_text = False
        self._progress(now_s, State.THINKING, State.VOICING, State.TOOL, State.CALLER)

    def sounded(self, now_s: float) -> None:
        """A frame of the agent's voice was played."""
        self._progress(now_s, State.SPEAKING, State.APOLOGISING, State.CALLER)

    def answered(self) -> None:
        """The caller has heard an answer."""
        self.failures = 0

    def failed(self, now_s: float) -> list[Action]:
        """Something that the agent was to say was not said, and nothing is stuck."""
        return self._apologise(now_s, Apology.TROUBLE)

    def _bark(self, now_s: float) -> list[Action]:
        state = self._state
        if state is State.CALLER:
            state = self._below_caller()
            self._may_apologise |= state is State.WORDS  # so much sound is a sign of them
        self._since_s = now_s
        self._awaits_words = self._is_turn_open = self._has_final = False
        if state is State.APOLOGISING:
            is_ending, self._is_ending = self._is_ending, False
            return [Cancel(state), End()] if is_ending else [Cancel(state)]
        is_unheard = state in (State.WORDS, State.TURN)
        # A recogniser that is late may still say them; at the second trouble it is begun anew.
        is_second = self.failures > 0 or self._asked_s is not None or not self._may_apologise
        actions: list[Action] = [Cancel(state)] if state is not State.WORDS or is_second else []
        self._settle(now_s)
        if state is State.WORDS and self._heard_s is not None:
            return actions + self._ask(now_s)
        kind = Apology.UNHEARD if is_unheard else Apology.TROUBLE
        return actions + self._apologise(now_s, kind)

    def _ask(self, now_s: float) -> list[Action]:
        if self._asked_s is not None and now_s - self._asked_s < _ASKS_AGAIN_S:
            return []
        self._asked_s = now_s
        return self._tell(now_s, Apology.UNHEARD)

    def _apologise(self, now_s: float, kind: Apology) -> list[Action]:
        if not self._may_apologise:
            return []
        self.failures += 1
        if self.failures > 1:
            self._is_ending = self.failures > 2
            kind = Apology.GOODBYE if self._is_ending else Apology.CALL_AGAIN
        return self._tell(now_s, kind)

    def _tell(self, now_s: float, kind: Apology) -> list[Action]:
        self._may_apologise = False
        self._view = replace(self._view, apologising=True)
        self._settle(now_s)
        return [Apologise(kind)]

    def _progress(self, now_s: float, *states: State) -> None:
        self._settle(now_s)
        if self._state in states:
            self._since_s = now_s
        if State.CALLER in states:
            self._sound = (0.0, now_s)
        if self._paused is not None and self._paused[0] in states:
            self._paused = None

    def _settle(self, now_s: float) -> None:
        state = self._state_now()
        if state is self._state:
            return
        lasted_s = 0.0
        if state is State.CALLER:
            self._paused = (self._state, now_s - self._since_s)
            sound_s, paused_s = self._sound
            lasted_s = sound_s if now_s - paused_s < _PAUSE_S else 0.0
        elif self._state is State.CALLER:
            self._sound = (now_s - self._since_s, now_s)
        if self._state is State.CALLER and self._paused is not None and self._paused[0] is state:
            # Sounds that are no turn give a state no more time.
            lasted_s = self._paused[1]
        self._state, self._since_s = state, now_s - lasted_s

    def _below_caller(self) -> State:
        """What is stuck where the caller has made a sound for too long."""
        state = self._state_without_caller()
        return State.WORDS if state is State.IDLE else state

    def _state_now(self) -> State:
        return State.CALLER if self._view.caller_active else self._state_without_caller()

    def _state_without_caller(self) -> State:
        view = self._view
        if view.apologising:
            return State.APOLOGISING
        if view.agent_busy:
            return self._busy_state()
        if self._is_turn_open:
            return State.TURN
        return State.WORDS if self._awaits_words else State.IDLE

    def _busy_state(self) -> State:
        if self._view.agent_speaking:
            return State.SPEAKING
        if self._view.tool_running:
            return State.TOOL
        return State.VOICING if self._has_text else State.THINKING

    @property
    def _limit_s(self) -> float:
        limits = self.limits
        match self._state:
            case State.VOICING:
                return limits.thinking_s if self._view.llm_writing else limits.voice_s
            case State.SPEAKING:
                return limits.thinking_s if self._view.llm_writing else limits.sound_s
            case State.CALLER:
                return limits.caller_s
            case State.WORDS:
                return limits.words_s
            case State.TURN:
                return limits.turn_s
            case State.THINKING:
                return limits.thinking_s
            case State.TOOL:
                return limits.tool_s
            case State.APOLOGISING:
                return limits.apology_s
            case _:
                return 0.0

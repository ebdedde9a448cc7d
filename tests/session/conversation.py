"""A call without a room: a real session, our assistant, tools and recorder, made sound."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from livekit.agents import AgentSession, llm, stt, tts, vad
from livekit.plugins import simulated
from livekit.plugins.speechcore import EngineError, Word

from agent.announcer import Announcer, after_speech
from agent.apology import Apologies, Voice
from agent.assistant import Assistant
from agent.attention import Attention, SilenceOptions
from agent.continuity import Keeper
from agent.continuity.unfinished import UnfinishedTurn
from agent.filler import Filler
from agent.joining import new_session
from agent.read_ahead import ReadAhead
from agent.speech import clause_tts
from agent.turn_record import TurnRecord
from agent.turn_recorder import TurnRecorder
from agent.turn_taking import TurnTaking, Words
from agent.turns.endpointing import EndpointingPolicy, HazardPolicy
from agent.turns.fillers import Fillers
from agent.turns.watchdog import Apology, Limits
from agent.turns.words import WordsJudge
from agent.watch import Watch, tolerance
from tests.fakes.audio import SPEECH_DBFS
from tests.fakes.audio_io import Loudspeaker, Microphone, Subtitles
from tests.fakes.eventually import eventually
from tests.fakes.hearing import LoudnessVAD, SettledTurnDetector
from tests.session.wiring import close, connect, toolbox_of

ENGINES = {"stt": "ears", "llm": "brain", "tts": "mouth", "turn": "settled"}
WORD_S = 0.3
NO_FILLERS = Fillers(delay_s=0, phrases=())
NO_LIMITS = Limits().scaled(0)
APOLOGIES = {kind: f"{kind.value} sentence." for kind in Apology}
NO_END = SilenceOptions(prompt_after_s=0, end_after_s=0, prompt="", goodbye="")
_DEADLINE_S = 60.0


@dataclass(kw_only=True)
class Conversation:
    """What a test does and sees; times are on the loop's clock."""

    session: AgentSession[None]
    microphone: Microphone
    loudspeaker: Loudspeaker
    subtitles: Subtitles
    ears: stt.STT[Any]
    turns: SettledTurnDetector
    records: list[TurnRecord] = field(default_factory=list)
    hang_ups: list[float] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)
    """When the watchdog would have ended the call."""

    def say(self, text: str, *, pause_s: float = 0.0, level_dbfs: float = SPEECH_DBFS) -> float:
        """Begins to speak, 0.3 s a word; returns when the last word will end.

        A "…" in the text is a pause of `pause_s`.
        """
        words: list[Word] = []
        at_s = 0.0
        begun_s = self.microphone.next_frame_s
        for word in text.split():
            if word == "…":
                at_s += pause_s
                continue
            words.append(Word(word, at_s, at_s + WORD_S))
            self.microphone.speak(begun_s + at_s, WORD_S, level_dbfs)
            at_s += WORD_S
        if isinstance(self.ears, simulated.STT):
            self.ears.expect_words(words)
        return begun_s + at_s

    async def until(self, at_s: float) -> None:
        await asyncio.sleep(at_s - asyncio.get_running_loop().time())

    async def record(self, number: int) -> TurnRecord:
        """Waits until so many records were published; returns the last of them."""
        await eventually(lambda: len(self.records) >= number, deadline_s=_DEADLINE_S)
        return self.records[number - 1]

    async def until_agent_speaks(self) -> None:
        await eventually(lambda: self.loudspeaker.is_playing, deadline_s=_DEADLINE_S)

    def spoken(self, role: str = "assistant") -> list[str]:
        """The texts of one side in the chat context, which the LLM will read."""
        messages = self.session.history.messages()
        return [message.text_content or "" for message in messages if message.role == role]


def no_voice(text: str) -> bytes:
    """As where espeak is not installed: the TTS of the conversation has to say it."""
    raise EngineError("espeak-ng is not installed")


@contextlib.asynccontextmanager
async def conversation(
    *,
    brain: llm.LLM[Any],
    ears: stt.STT[Any] | None = None,
    mouth: tts.TTS[Any] | None = None,
    activity: vad.VAD | None = None,
    turn_detector: Any = None,
    policy: EndpointingPolicy | None = None,
    microphone: Microphone | None = None,
    silence: SilenceOptions = NO_END,
    fillers: Fillers = NO_FILLERS,
    limits: Limits = NO_LIMITS,
    voice: Voice = no_voice,
    keeper: Keeper | None = None,
    asks_model: bool = False,
) -> AsyncIterator[Conversation]:
    """Starts a session with the turn handling of a real call; closes it, the engines and `keeper`.

    `asks_model`: the brain reads ahead and tells where a turn may end.
    """
    ears = ears or simulated.STT(delay_s=0.08)
    mouth = mouth or simulated.TTS(delay_s=0.07)
    detector = turn_detector or SettledTurnDetector()
    loudspeaker = Loudspeaker()
    turn_taking = _turn_taking(
        policy or HazardPolicy(), loudspeaker, ears, activity or LoudnessVAD(), detector
    )
    session = _session(ears, brain, mouth, turn_taking, limits)
    call = Conversation(
        session=session,
        microphone=microphone or Microphone(),
        loudspeaker=loudspeaker,
        subtitles=Subtitles(),
        ears=ears,
        turns=detector,
    )
    synchroniser = connect(session, call.microphone, loudspeaker, call.subtitles)
    beside = _Beside(call, turn_taking, silence, fillers, limits, Apologies(APOLOGIES, voice))
    try:
        ahead = _asking(brain, turn_taking) if asks_model else ReadAhead([brain], _unread)
        await beside.begin(turn_taking, ahead, keeper)
        yield call
    finally:
        if keeper:
            await keeper.aclose()
        await beside.aclose()
        await close(session, beside.recorder, turn_taking, synchroniser, loudspeaker)
        await close(ears, brain, mouth)


class _Beside:
    """What works for the session of a call."""

    def __init__(
        self,
        call: Conversation,
        turn_taking: TurnTaking,
        silence: SilenceOptions,
        fillers: Fillers,
        limits: Limits,
        apologies: Apologies,
    ) -> None:
        self.session = call.session
        self.announcer = Announcer(call.session)
        self.toolbox = toolbox_of(self.announcer, _hang_up(call))
        self.attention = Attention(
            call.session,
            silence,
            is_held=lambda: self.toolbox.has_timer,
            hang_up=_hang_up(call),
        )
        self.filler = Filler(call.session, fillers)
        self.recorder = _recorder(call, lambda record: self.watch.finished(record))
        self.recorder.attach(call.session, call.loudspeaker)
        self.watch = _watch(call, self.recorder, turn_taking, limits, apologies)

    async def begin(
        self, turn_taking: TurnTaking, read_ahead: ReadAhead, keeper: Keeper | None
    ) -> None:
        """Starts the session."""
        assistant = Assistant(
            instructions="Be brief.",
            toolbox=self.toolbox,
            recorder=self.recorder,
            turn_taking=turn_taking,
            read_ahead=read_ahead,
            watch=self.watch,
            turn=keeper.turn if keeper else UnfinishedTurn(),
        )
        if keeper:
            turn_taking.on_words = keeper.heard
        await self.session.start(assistant, record=False)
        self.filler.attach()
        self.attention.attach()
        self.watch.attach(self.session)
        if keeper:
            keeper.attach(self.session, assistant)

    async def aclose(self) -> None:
        await close(self.toolbox, self.filler, self.attention, self.announcer, self.watch)


def _turn_taking(
    policy: EndpointingPolicy,
    loudspeaker: Loudspeaker,
    ears: stt.STT[Any],
    activity: vad.VAD,
    detector: Any,
) -> TurnTaking:
    return TurnTaking(
        policy,
        Words.of("en", WordsJudge.load()),
        loudspeaker,
        has_partials=ears.capabilities.interim_results,
        voice=activity,
        end_of_turn=detector,
    )


def _session(
    ears: stt.STT[Any],
    brain: llm.LLM[Any],
    mouth: tts.TTS[Any],
    turn_taking: TurnTaking,
    limits: Limits,
) -> AgentSession[None]:
    engines: Any = SimpleNamespace(stt=ears, llm=brain, tts=clause_tts(mouth))
    session = new_session(engines, turn_taking, tolerance(limits))
    turn_taking.attach(session)
    return session


def _watch(
    call: Conversation,
    recorder: TurnRecorder,
    turn_taking: TurnTaking,
    limits: Limits,
    apologies: Apologies,
) -> Watch:
    loop = asyncio.get_running_loop()
    watch = Watch(
        limits,
        apologies,
        recorder,
        call.loudspeaker,
        end=lambda: call.ends.append(loop.time()),
    )
    turn_taking.on_spoke = watch.spoke
    call.loudspeaker.on_played = lambda samples, at_s: watch.sounded()
    return watch


def _asking(brain: llm.LLM[Any], turn_taking: TurnTaking) -> ReadAhead:
    tasks: set[asyncio.Task[None]] = set()

    def spawn(work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    return ReadAhead([brain], spawn, turn_taking.on_model)


def _unread(work: Coroutine[Any, Any, None]) -> None:
    raise AssertionError("these language models do not read ahead")


def _hang_up(call: Conversation) -> Callable[[], None]:
    loop = asyncio.get_running_loop()
    return lambda: after_speech(call.session, lambda: call.hang_ups.append(loop.time()))


def _recorder(call: Conversation, finished: Callable[[TurnRecord], None]) -> TurnRecorder:
    def publish(record: TurnRecord) -> None:
        call.records.append(record)
        finished(record)

    return TurnRecorder(
        call="room",
        profile="tested",
        engines=ENGINES,
        publish=publish,
        clock=asyncio.get_running_loop().time,
        wall=lambda: time.time(),  # looked up late: virtual time replaces it
    )

"""One request of a chain: whoever of its voices can, speaks; the next one goes on where it stopped."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence

from livekit.agents import APIError
from livekit.plugins.speechcore import Word, duration_s

from .events import BrokeOff, Hedged, Switched
from .faults import Fault, FaultKind, late, nobody_left
from .tts_attempt import Attempt, Piece
from .tts_crew import Crew, Speaker, TTSMember
from .tts_script import Script
from .tts_take import Released
from .tts_words import has_words, tokens

STALL_S = 1.0
"""So long, or as long as its deadline if that is longer, may a voice pause that owes more."""
_RESUME_S = 0.5
"""What the next voice needs to begin: a voice has not stalled while more than that is left to play."""
_LONGEST_SILENCE_S = 2.0
_POLL_S = 0.25

_STUTTERS = Fault(FaultKind.TIMEOUT, "spoke more slowly than its sound is played")
_SILENT = Fault(FaultKind.PROTOCOL, "gave silence for words")
_TOO_SHORT = Fault(FaultKind.PROTOCOL, "ended before it had spoken all of the text")

Sink = Callable[[bytes, Sequence[Word]], None]
"""Takes mono int16 PCM at the chain's rate, and the words spoken in it with their times from the
first sample handed on."""


class Speech:
    """Speaks a script. Raises an APIError, once, if nobody can."""

    def __init__(
        self,
        crew: Crew,
        script: Script,
        sink: Sink,
        *,
        timeout_s: float,
        on_start: Callable[[], None] = lambda: None,
    ) -> None:
        """`on_start` is called when the first text goes to an engine."""
        self._crew = crew
        self._script = script
        self._sink = sink
        self._timeout_s = timeout_s
        self._on_start = on_start
        self._news = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._offset = 0
        """Of what has not been spoken yet."""
        self._sent_s = 0.0
        self._may_hedge = False
        self._running: list[Attempt] = []
        """Those of which one will speak, and the one that does."""
        self._next: TTSMember | None = None
        self._faults: list[tuple[str, Fault]] = []

    def tell(self) -> None:
        """The script has grown or is complete."""
        for attempt in self._running:
            attempt.grown.set()
        self._news.set()

    async def run(self) -> None:
        """Returns when all of the script is spoken: at once if there is nothing to speak in it."""
        while not has_words(self._script.text):
            if self._script.is_complete:
                return
            await self._wait(math.inf)
        self._on_start()
        crew = self._crew
        is_first = crew.reply.begin(self._loop.time())
        self._may_hedge = is_first and crew.hedge_s is not None
        crew.prober.watch()
        crew.listeners.add(self._news)
        try:
            self._choose_anew()
            await self._speak()
        finally:
            crew.listeners.discard(self._news)
            crew.reply.end(self._loop.time())
            for attempt in self._running:
                attempt.leave()

    async def _speak(self) -> None:
        while has_words(self._script.text[self._offset :]) or not self._script.is_complete:
            attempt = await self._first_to_speak()
            if attempt is None:
                raise self._nobody_speaks()
            if await self._play(attempt):
                return

    async def _first_to_speak(self) -> Attempt | None:
        """The one whose audio came first; None if nobody is left."""
        while True:
            self._drop_superseded()
            self._begin_due()
            if not self._running:
                return None
            for attempt in list(self._running):
                attempt.look_at_script()
                if attempt.first_at_s is not None:
                    self._win(attempt)
                    return attempt
                if (fault := self._fault_before_audio(attempt)) is not None:
                    self._fail(attempt, fault)
            if self._running:
                await self._wait(self._next_look_s())

    def _choose_anew(self) -> None:
        self._order = self._crew.order()
        self._next = self._order.take()

    def _drop_superseded(self) -> None:
        """Those that have given nothing while another request of the reply went on to another voice."""
        reply = self._crew.reply
        for attempt in list(self._running):
            if attempt.switches != reply.switches and attempt.speaker.place != reply.member:
                self._running.remove(attempt)
                attempt.leave()
                if not self._running:
                    self._choose_anew()

    def _begin_due(self) -> None:
        if not self._running and self._next is not None:
            self._begin(self._next)
            self._next = None
        elif self._loop.time() >= self._hedge_at_s():
            self._may_hedge = False
            if (second := self._order.take(only_new=True)) is not None:
                self._begin(second)

    def _begin(self, member: TTSMember) -> None:
        crew = self._crew
        attempt = Attempt(
            crew.speaker(member),
            self._script,
            self._offset,
            rate_hz=crew.rate_hz,
            timeout_s=self._timeout_s,
            news=self._news,
            strays=crew.strays,
            switches=crew.reply.switches,
        )
        attempt.look_at_script()
        self._running.append(attempt)

    def _hedge_at_s(self) -> float:
        hedge_s = self._crew.hedge_s
        if not self._may_hedge or hedge_s is None or len(self._running) != 1:
            return math.inf
        since_s = self._running[0].due_since_s
        return math.inf if since_s is None else since_s + hedge_s

    def _next_look_s(self) -> float:
        late_at_s = (one.late_at_s(self._deadline_s(one.speaker)) for one in self._running)
        return min([self._hedge_at_s(), *late_at_s])

    def _win(self, winner: Attempt) -> None:
        for loser in [one for one in self._running if one is not winner]:
            loser.leave()
            self._crew.report(
                Hedged(
                    stage="tts",
                    first=self._running[0].speaker.name,
                    second=self._running[1].speaker.name,
                    winner=winner.speaker.name,
                    wasted_bytes=loser.taken_bytes,
                )
            )
        self._running = [winner]
        self._crew.reply.speak(winner.speaker.place)
        self._crew.wake()

    def _fault_before_audio(self, attempt: Attempt) -> Fault | None:
        if attempt.fault is not None or attempt.has_ended:
            return attempt.fault or _SILENT
        deadline_s = self._deadline_s(attempt.speaker)
        is_late = self._loop.time() >= attempt.late_at_s(deadline_s)
        return late(deadline_s, "audio") if is_late else None

    async def _play(self, attempt: Attempt) -> bool:
        """Whether all of the script has been spoken; else `_offset` says how much."""
        take = attempt.take
        while True:
            attempt.look_at_script()
            are_whole = [self._take_in(attempt, piece) for piece in attempt.drain()]
            fault = self._fault_while_speaking(attempt) if all(are_whole) else _TOO_SHORT
            if fault is not None:
                return self._break_off(attempt, fault)
            if attempt.has_ended:
                self._hand_on(attempt, take.whole())
                self._crew.heard_whole(attempt.speaker, take.text, take.speech_s)
                return True
            await self._wait(min(self._stall_at_s(attempt), self._dry_at_s(attempt)))

    def _break_off(self, attempt: Attempt, fault: Fault) -> bool:
        take = attempt.take
        if self._script.is_complete and take.is_all_of(take.text):
            self._hand_on(attempt, take.whole())
            attempt.speaker.breaker.failed(fault)
            self._crew.report(BrokeOff(stage="tts", name=attempt.speaker.name, fault=fault))
            return True
        released, offset = take.cut()
        self._hand_on(attempt, released)
        self._offset += offset
        self._fail(attempt, fault)
        return False

    def _fault_while_speaking(self, attempt: Attempt) -> Fault | None:
        take = attempt.take
        if attempt.fault is not None:
            return attempt.fault
        if take.is_silent and (attempt.has_ended or take.received_s >= _LONGEST_SILENCE_S):
            return _SILENT
        if attempt.has_ended:
            is_short = not self._script.is_complete or take.is_too_short(len(take.text))
            return _TOO_SHORT if is_short else None
        if self._loop.time() >= self._dry_at_s(attempt):
            return _STUTTERS
        if self._loop.time() >= self._stall_at_s(attempt):
            return late(self._stall_s(attempt.speaker), "further audio")
        return None

    def _dry_at_s(self, attempt: Attempt) -> float:
        """When its sound will have come too slowly; never while it owes nothing or is the last."""
        if self._owes_nothing(attempt) or not self._order.has_new:
            return math.inf
        return attempt.flow.too_dry_at_s(attempt.due_since_s or 0.0)

    def _stall_at_s(self, attempt: Attempt) -> float:
        """When a pause of the voice will be too long; never while it owes nothing."""
        if self._owes_nothing(attempt):
            return math.inf
        played_at_s = (attempt.first_at_s or 0.0) + attempt.take.received_s
        late_at_s = attempt.life_s() + self._stall_s(attempt.speaker)
        return max(late_at_s, played_at_s - _RESUME_S)

    def _owes_nothing(self, attempt: Attempt) -> bool:
        return not self._script.is_complete and attempt.take.is_all_of(attempt.due_text)

    def _stall_s(self, speaker: Speaker) -> float:
        return max(STALL_S, self._deadline_s(speaker))

    def _deadline_s(self, speaker: Speaker) -> float:
        return min(speaker.member.deadline_s, self._timeout_s)

    def _take_in(self, attempt: Attempt, piece: Piece) -> bool:
        """False if it ends a part of which something is missing."""
        attempt.speaker.level.add(piece.pcm)
        released = attempt.take.add(piece.pcm, piece.words, self._loop.time())
        self._hand_on(attempt, released)
        if piece.part_end is None:
            return True
        attempt.flow.end_part()
        return attempt.take.end_part(piece.part_end - attempt.offset)

    def _hand_on(self, attempt: Attempt, released: Released) -> None:
        if not released.pcm and not released.words:
            return
        length_s = duration_s(released.pcm, self._crew.rate_hz)
        attempt.flow.add(length_s, attempt.due_since_s or 0.0, self._loop.time())
        if attempt.base_s is None:
            attempt.base_s = self._sent_s + length_s - attempt.take.released_s
        base_s = attempt.base_s
        words = [Word(w.text, base_s + w.start_s, base_s + w.end_s) for w in released.words]
        gain_db = self._crew.gain_db(attempt.speaker)
        self._sink(attempt.gain.process(released.pcm, gain_db), words)
        self._sent_s += length_s

    def _fail(self, attempt: Attempt, fault: Fault) -> None:
        """The voice is out; whoever else is at work goes on, or the next one is chosen."""
        crew, speaker = self._crew, attempt.speaker
        self._running.remove(attempt)
        attempt.leave()
        speaker.breaker.failed(fault)
        self._faults.append((speaker.name, fault))
        if not self._running:
            self._next = self._order.take()
        successor = self._running[0].speaker.member if self._running else self._next
        crew.report(
            Switched(
                stage="tts",
                source=speaker.name,
                to=successor.name if successor is not None else None,
                fault=fault,
                words=len(tokens(self._script.text[: self._offset])),
                audio_s=self._sent_s,
            )
        )
        if successor is not None:
            crew.reply.fail(speaker.place, crew.speaker(successor).place)
        crew.wake()
        crew.prober.watch()

    def _nobody_speaks(self) -> APIError:
        faults = "; ".join(f"{name} {fault.message}" for name, fault in self._faults)
        message = f"no voice speaks: {faults or 'all of them are left alone'}"
        kinds = {fault.kind for _, fault in self._faults}
        return nobody_left(message, kinds - {FaultKind.BUSY})

    async def _wait(self, until_s: float) -> None:
        """For news, at most until then; the times are looked at again and again while a script grows."""
        if not self._script.is_complete:
            until_s = min(until_s, self._loop.time() + _POLL_S)
        try:
            async with asyncio.timeout_at(until_s if until_s < math.inf else None):
                await self._news.wait()
        except TimeoutError:
            pass
        self._news.clear()

"""Who listens to the caller's turn, and whose words count. Pure: time comes in as an argument.

One member is in *front*: the listener gets its events. It is replaced when it fails or leaves a flush
without a FINAL. Where it is merely silent, the next one is asked for a *second* opinion on the same
audio, for nobody can tell a noise from speech by its level: only words that the second hears are a
fault of the first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from .faults import Fault, FaultKind, late
from .stt_audio import CLEAR_SPEECH_S, DOUBTFUL_S, WORD_S, TurnAudio
from .stt_choice import Choice
from .stt_ear import Ear, Traits, new_ear
from .stt_heard import TRANSCRIPTS, Heard, HeardKind, parted
from .stt_hope import Hope
from .stt_outlet import Outlet
from .stt_stage import AllFailed, Stage

_SOME_SPEECH_S = 0.1

_DEAF = Fault(FaultKind.OTHER, "heard nothing where another engine heard words")
_REFUSED = Fault(FaultKind.KEY, "the keys of all are refused, or their limits reached")


class Turn:
    """Of one stream of a chain, turn after turn. `AllFailed` may be raised by each method."""

    def __init__(self, members: Sequence[Traits], audio: TurnAudio, stage: Stage) -> None:
        self._members = members
        self._audio = audio
        self._stage = stage
        self._keys = 0
        self._front: Ear | None = None
        self._second: Ear | None = None
        self._second_due_s = 0.0
        self._withheld: list[Heard] | None = None
        """While an empty FINAL of the front is in question: it and what came after it."""
        self._flushes: deque[float] = deque()
        self._flushed_s = 0.0
        self._salvage: Heard | None = None
        """The last words of a front that failed: better than none."""
        self._outlet = Outlet(stage.give)
        self._choice = Choice(len(members), stage.may_try, stage.is_hopeless)
        self._is_asked = False
        self._hope = Hope()
        self._has_ended = False

    @property
    def is_answered(self) -> bool:
        """Whether every flush has its FINAL."""
        return not self._flushes

    @property
    def _is_doubted(self) -> bool:
        """Whether a second is asked what the front has said or should have."""
        return self._second is not None and self._is_asked

    @property
    def due_s(self) -> float | None:
        """When to call `tick` at the latest."""
        times = [self._hope.retry_s, self._second_due_s if self._second else None]
        if self._front and not self._is_doubted:
            times.append(self._front.flush_due_s(self._audio))
            times.append(None if self._second else self._front.result_due_s())
        return min((time for time in times if time is not None), default=None)

    def begin(self, now_s: float) -> None:
        if (member := self._choice.first()) is not None:
            self._front = self._start(member, now_s)

    def pushed(self, pcm: bytes, rate_hz: int, now_s: float) -> None:
        """More audio, which the open streams have got already."""
        self._audio.push(pcm, rate_hz)
        speech_s, front = self._audio.speech_s(), self._front
        if front is None:
            if speech_s >= _SOME_SPEECH_S and not self._hope.is_tested:
                self._try_again(now_s)
        else:
            front.follow(self._audio, now_s)

    def flushed(self, now_s: float) -> bool:
        """The listener wants a FINAL; returns whether the open streams are to be flushed.

        They are not where no audio came since the last flush.
        """
        place_s = self._audio.end_s
        if place_s <= self._flushed_s:
            return False
        self._flushed_s = place_s
        self._flushes.append(place_s)
        for ear in (self._front, self._second):
            if ear:
                ear.flushes.append((place_s, now_s))
        front = self._front
        if front is None:
            self._try_again(now_s)
        elif not front.traits.answers_flush and front.is_quiet(self._audio) and not self._withheld:
            self._answer(front, Heard(HeardKind.FINAL), now_s)
        return True

    def end(self) -> None:
        """No more audio will come."""
        self._has_ended = True

    def closed(self, key: int, now_s: float) -> None:
        """A stream has given all it had, after the end of the audio."""
        while (front := self._front) and front.key == key and front.flushes:
            if self._is_doubted:
                return
            self._flush_late(front, now_s)

    def heard(self, key: int, heard: Heard, now_s: float) -> None:
        """An event of an open stream."""
        if self._second and key == self._second.key:
            self._second_heard(self._second, heard, now_s)
        elif self._front and key == self._front.key:
            if self._withheld is None:
                self._front_heard(self._front, heard, now_s)
            else:
                self._withheld.append(heard)

    def lost(self, key: int, fault: Fault, now_s: float) -> None:
        """An open stream has failed."""
        if self._second and key == self._second.key:
            self._lose_second(fault, now_s)
        elif self._front and key == self._front.key:
            self._lose_front(self._front, fault, now_s)

    def tick(self, now_s: float) -> None:
        """Does what is due."""
        while (due_s := self.due_s) is not None and due_s <= now_s:
            front = self._front
            if self._second and self._second_due_s <= now_s:
                self._second_late(self._second, now_s)
            elif front is None:
                self._try_again(now_s)
            elif front.is_late(self._audio, now_s) and not self._is_doubted:
                self._flush_late(front, now_s)
            else:
                self._ask(front, now_s, partials_only=True)

    def _front_heard(self, front: Ear, heard: Heard, now_s: float) -> None:
        if heard.kind in TRANSCRIPTS:
            said, heard = heard, front.taken.rest(heard)
            is_known = bool(said.text) and not heard.text
            front.is_trusted = not (heard.is_partial and heard.text)
            if heard.kind is HeardKind.FINAL and is_known:
                front.taken.clear()
                return
        if heard.kind is HeardKind.FINAL:
            self._front_final(front, heard, now_s)
        elif heard.is_partial:
            front.partial(heard, self._audio.end_s, now_s)
            if heard.text and front.unheard_s(self._audio) < CLEAR_SPEECH_S:
                front.voiced_s = None
                if self._second and not front.owes_end(now_s):
                    self._dismiss(front.member)
            self._outlet.give(heard)
        else:
            self._outlet.mark(front.key, heard)

    def _front_final(self, front: Ear, heard: Heard, now_s: float) -> None:
        front.taken.clear()
        is_answer = bool(front.flushes) and (
            front.traits.answers_flush or not self._audio.has_more(heard.end_s, front.flushes[0][0])
        )
        if is_answer and not heard.text:
            self._answer_empty(front, heard, now_s, DOUBTFUL_S)
        elif is_answer:
            self._answer(front, heard, now_s)
        elif heard.text:
            self._finish(front, heard, self._audio.final_place_s(heard.end_s), now_s)

    def _answer_empty(self, front: Ear, heard: Heard, now_s: float, doubtful_s: float) -> None:
        """The front heard no word; with so much speech, what does another one say?"""
        if self._audio.speech_s(front.flushes[0][0]) >= doubtful_s:
            if self._asks_another(front, now_s):
                self._withheld = [heard]
                return
        self._answer(front, heard, now_s)

    def _asks_another(self, front: Ear, now_s: float) -> bool:
        """Whether there is a second opinion to wait for."""
        if self._second is None and not self._is_asked:
            self._ask(front, now_s)
        if self._second:
            self._is_asked = True
            self._second_due_s = max(self._second_due_s, now_s + self._second.patience_s)
        return self._second is not None

    def _answer(self, front: Ear, heard: Heard, now_s: float) -> None:
        """Gives the listener the FINAL of the front's oldest flush."""
        if not heard.text and self._salvage:
            heard = replace(self._salvage, kind=HeardKind.FINAL)
        place_s = front.flushes[0][0]
        if not front.traits.answers_flush:
            if heard.text:
                place_s = self._audio.final_place_s(heard.end_s)
            elif front.is_quiet(self._audio):
                place_s = self._audio.final_s  # it may be a word, that comes by and by
        front.flushes.popleft()
        self._flushes.popleft()
        self._finish(front, heard, place_s, now_s)

    def _finish(self, front: Ear, heard: Heard, place_s: float, now_s: float) -> None:
        self._outlet.finish(heard)
        front.final(now_s)
        if heard.text:
            self._stage.succeeded(front.member)
        self._audio.settle(place_s)
        if self._second:
            self._dismiss(front.member)
        self._salvage = None
        self._hope.heard()
        self._is_asked = False
        if not self._flushes and self._audio.speech_s() < _SOME_SPEECH_S:
            self._turn_over(front, now_s)

    def _turn_over(self, front: Ear, now_s: float) -> None:
        self._choice.begin()
        self._hope.restart()
        self._outlet.end_speech_of_others(front.key)
        best = self._choice.best()
        if best is not None and best != front.member and not self._has_ended:
            self._stage.drop(front.key)
            self._front = self._start(best, now_s)

    def _flush_late(self, front: Ear, now_s: float) -> None:
        place_s = front.flushes[0][0]
        if self._audio.speech_s(place_s) < _SOME_SPEECH_S:
            self._answer(front, Heard(HeardKind.FINAL), now_s)
        elif front.traits.answers_flush or (front.interim and front.is_behind(self._audio)):
            self._lose_front(front, late(front.patience_s, "final transcript"), now_s)
        elif front.interim and (front.interim.end_s or not self._asks_another(front, now_s)):
            final = replace(front.interim, kind=HeardKind.FINAL)
            front.taken.take(final)
            self._answer(front, final, now_s)
        elif not front.interim:
            self._answer_empty(front, Heard(HeardKind.FINAL), now_s, WORD_S)

    def _ask(
        self, front: Ear, now_s: float, *, partials_only: bool = False, after: int | None = None
    ) -> None:
        """Lets the next member hear the turn as well; the next but those up to `after`."""
        front.is_trusted = front.is_checked = True
        self._is_asked = not partials_only
        others = self._choice.others(front.member)
        for member in others[others.index(after) + 1 if after in others else 0 :]:
            # The front itself may have got stuck; that it heard no word it has said.
            if self._members[member].has_partials if partials_only else member != front.member:
                self._second = self._start(member, now_s)
                self._second_due_s = now_s + self._second.patience_s
                return

    def _second_heard(self, second: Ear, heard: Heard, now_s: float) -> None:
        if heard.kind not in TRANSCRIPTS:
            second.started = heard if heard.kind is HeardKind.STARTED else second.started
            return
        second.is_trusted = True
        if heard.is_partial:
            second.interim = heard if heard.text else None
        front, is_final = self._front, heard.kind is HeardKind.FINAL
        assert front
        if heard.text and (is_final if self._withheld is not None else front.lacks(heard)):
            self._promote(now_s)
            self._front_heard(second, heard, now_s)
        elif is_final and (self._withheld is not None or second.flushes):
            self._release(now_s)

    def _second_late(self, second: Ear, now_s: float) -> None:
        if self._withheld is not None and second.interim:
            self._promote(now_s)
            self._front_heard(second, second.interim, now_s)
        elif self._withheld is not None and second.traits.answers_flush:
            self._lose_second(late(second.patience_s, "final transcript"), now_s)
        elif self._withheld is not None and not second.is_trusted and self._front:
            self._dismiss(self._front.member)  # of noise it would say nothing either
            self._ask(self._front, now_s, after=second.member)
            if self._second is None:
                self._release(now_s)
        else:
            self._release(now_s)

    def _promote(self, now_s: float) -> None:
        """The second has heard words where the front did not."""
        front, second = self._front, self._second
        assert front and second
        fault = late(front.patience_s, "transcript") if self._withheld is None else _DEAF
        self._blame(front, fault)
        self._stage.switched(front.member, second.member, fault, second.replayed_s)
        self._front, self._second, self._withheld = second, None, None
        if second.started:
            self._outlet.mark(second.key, second.started)

    def _dismiss(self, winner: int) -> None:
        front, second = self._front, self._second
        assert front and second
        self._second = None
        self._stage.drop(second.key)
        self._stage.hedged(front.member, second.member, winner, second.replayed_s)

    def _release(self, now_s: float) -> None:
        """The second knows no better: what the front said stands."""
        front = self._front
        assert front
        if self._second:
            self._dismiss(front.member)
        withheld, self._withheld = self._withheld, None
        for place, heard in enumerate(withheld or ()):
            if place == 0:
                self._answer(front, heard, now_s)
            else:
                self.heard(front.key, heard, now_s)  # unless it is not in front any more

    def _lose_second(self, fault: Fault, now_s: float) -> None:
        """That was no opinion: is there a third?"""
        lost, front = self._second, self._front
        assert lost and front
        self._second = None
        self._blame(lost, fault)
        self._ask(front, now_s, partials_only=self._withheld is None)
        to = self._second or front
        self._stage.switched(lost.member, to.member, fault, to.replayed_s if self._second else 0.0)
        if self._second is None:
            self._release(now_s)

    def _lose_front(self, front: Ear, fault: Fault, now_s: float) -> None:
        self._blame(front, fault)
        self._salvage = front.interim or self._salvage
        self._front, self._second, self._withheld = self._second, None, None
        if self._front is None:
            self._save_dropped()
            member = self._choice.next()
            if member is not None:
                self._front = self._start(member, now_s)
        if self._front:
            self._stage.switched(front.member, self._front.member, fault, self._front.replayed_s)
        else:
            self._stage.switched(front.member, None, fault, 0.0)
            self._give_up(now_s)

    def _blame(self, ear: Ear, fault: Fault) -> None:
        self._stage.drop(ear.key)
        self._choice.failed(ear.member, fault)
        self._stage.failed(ear.member, fault)

    def _save_dropped(self) -> None:
        """A turn longer than what is kept: of its beginning there are only the words."""
        if self._salvage is None or self._audio.start_s <= self._audio.final_s:
            return
        first, self._salvage = parted(self._salvage, self._audio.start_s)
        place_s = max(self._audio.final_place_s(first.end_s), self._audio.start_s)
        if first.text:
            self._outlet.give(replace(first, kind=HeardKind.FINAL))
        if not self._salvage.text:
            self._salvage = None
        self._audio.settle(place_s)

    def _give_up(self, now_s: float) -> None:
        """Nobody is left. As long as nobody speaks there is time; then, for what may pass in a moment."""
        if self._audio.speech_s() < _SOME_SPEECH_S:
            self._hope.heard()
            while self._flushes:
                self._flushes.popleft()
                self._outlet.give(Heard(HeardKind.FINAL))
        elif not self._hope.lasts(now_s, may_begin=self._choice.may_pass):
            if self._salvage:
                self._outlet.give(replace(self._salvage, kind=HeardKind.FINAL))
            raise AllFailed(self._choice.faults or [_REFUSED])
        self._hope.wait(now_s)

    def _try_again(self, now_s: float) -> None:
        self._hope.retry_s = None
        self._choice.begin()
        self.begin(now_s)
        if self._front is None:
            self._give_up(now_s)

    def _start(self, member: int, now_s: float) -> Ear:
        self._keys += 1
        audio = self._audio
        from_s = audio.replay_from_s(self._flushes[0] if self._flushes else None)
        ear = new_ear(
            self._keys,
            member,
            self._members[member],
            now_s,
            replayed_s=audio.end_s - from_s,
            flushes=self._flushes,
        )
        if audio.speech_s() >= CLEAR_SPEECH_S:
            ear.voiced_s = now_s
        self._stage.start(ear.key, member, from_s, tuple(self._flushes))
        return ear

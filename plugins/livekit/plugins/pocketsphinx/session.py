"""One caller's speech: gated, decoded in pieces, joined.

A *piece* is what the decoder heard between two pauses. Only the end of an utterance runs the decoder's
full passes (they halve the word errors), and an ended utterance cannot be continued; so a piece is ended
at each pause, and decoded anew with what follows when the speaker goes on soon.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from livekit.plugins.speechcore import BYTES_PER_SAMPLE, Transcript, Word, level_dbfs
from livekit.plugins.speechcore.gate import WINDOW_S, SpeechGate

from .guard import has_pace_of_speech, is_speech
from .native import FRAME_S, INITIAL_CEPSTRAL_MEAN, SAMPLE_RATE_HZ, RawWord
from .text import is_filler, readable_word, transcript

_WINDOW_BYTES = round(WINDOW_S * SAMPLE_RATE_HZ) * BYTES_PER_SAMPLE
_FRAME_SAMPLES = round(FRAME_S * SAMPLE_RATE_HZ)
_PREROLL_SAMPLES = round(0.30 * SAMPLE_RATE_HZ)
"""Decoded before the gate opened: soft first sounds, and quiet to learn the noise from."""

_REOPEN_GAP_SAMPLES = round(0.60 * SAMPLE_RATE_HZ)
_REOPEN_SAMPLES = round(4.0 * SAMPLE_RATE_HZ)
"""Decoding a longer piece again would make the words that follow late."""

_LONGEST_SAMPLES = round(10.0 * SAMPLE_RATE_HZ)
"""Speech without a pause is cut there; the end of such an utterance takes half a second."""

_CUT_SEARCH_S = (3.0, 0.4)
"""Where the cut may lie, counted from the end."""

_CATCH_UP_BYTES = 8 * _WINDOW_BYTES
"""Decoded at most per window that arrives, so that a step stays short while a piece is repeated."""

_INTERIM_LOUD_S = 0.30


class UtteranceDecoder(Protocol):
    """What a session needs of `native.Decoder`."""

    cepstral_mean: str

    def start(self) -> None: ...
    def process(self, pcm: bytes) -> None: ...
    def end(self) -> None: ...
    def words(self) -> list[RawWord]: ...


@dataclass(frozen=True, slots=True)
class Piece:
    """An ended utterance: its place in the stream, in samples, and what was understood."""

    start_samples: int
    end_samples: int
    words: tuple[Word, ...]
    probabilities: tuple[float, ...]
    mean_before: str
    loud_s: float


class Session:
    """See `RecogniserSession`. Holds at most 11 s of audio however long the call."""

    def __init__(self, decoder: UtteranceDecoder, release: Callable[[], None]) -> None:
        self._decoder = decoder
        self._release: Callable[[], None] | None = release
        self._gate = SpeechGate()
        self._pending = bytearray()
        self._audio = bytearray()
        self._audio_start = 0
        self._heard = 0
        self._utterance_start: int | None = None
        self._fed = 0
        self._not_before = 0
        self._mean = INITIAL_CEPSTRAL_MEAN
        self._words: list[Word] = []
        self._probabilities: list[float] = []
        self._last: Piece | None = None
        self._reopened: Piece | None = None
        self._live: Sequence[Word] = ()

    def accept(self, pcm: bytes) -> Transcript:
        """Takes mono int16 PCM at 16 kHz, any length; returns the newest hypothesis."""
        self._pending += pcm
        whole = len(self._pending) - len(self._pending) % _WINDOW_BYTES
        for start in range(0, whole, _WINDOW_BYTES):
            self._on_window(bytes(self._pending[start : start + _WINDOW_BYTES]))
        del self._pending[:whole]
        return self._newest()

    def finish(self) -> Transcript:
        """Ends what is running, returns the segment's text and starts a new segment."""
        if self._utterance_start is not None:
            self._settle()
        self._keep_last()
        final = transcript(self._words, self._probabilities, is_settled=True)
        self._words, self._probabilities = [], []
        self._not_before = self._heard
        self._gate.restart_count()
        return final

    def close(self) -> None:
        """Gives the decoder back; harmless when repeated."""
        release, self._release = self._release, None
        if release is None:
            return
        if self._utterance_start is not None:
            self._utterance_start = None
            self._decoder.end()  # the library has no way to drop an utterance
        release()

    def _on_window(self, pcm: bytes) -> None:
        self._audio += pcm
        self._heard += len(pcm) // BYTES_PER_SAMPLE
        is_open = self._gate.process(pcm)
        if self._utterance_start is None:
            if not is_open:
                self._forget_old_audio()
                return
            self._begin_or_reopen()
        self._feed(_CATCH_UP_BYTES)
        if not is_open:
            self._settle()
        elif self._heard - (self._utterance_start or 0) >= _LONGEST_SAMPLES:
            self._cut()

    def _begin_or_reopen(self) -> None:
        """Goes on with the last piece if that ended a moment ago, else begins a new one."""
        last = self._last
        if last is not None and self._may_reopen(last):
            self._begin(last.start_samples, last.mean_before, last)
            return
        self._keep_last()
        preroll = self._heard - _PREROLL_SAMPLES
        self._begin(max(self._not_before, self._audio_start, preroll), self._mean)

    def _may_reopen(self, last: Piece) -> bool:
        gap = self._heard - last.end_samples
        length = last.end_samples - last.start_samples
        return gap <= _REOPEN_GAP_SAMPLES and length <= _REOPEN_SAMPLES

    def _begin(self, start_samples: int, mean: str, reopened: Piece | None = None) -> None:
        self._forget_audio_before(start_samples)
        self._utterance_start = self._fed = self._audio_start
        self._mean = mean
        self._last = None
        self._reopened = reopened
        self._live = reopened.words if reopened else ()
        self._decoder.cepstral_mean = mean
        self._decoder.start()

    def _feed(self, limit_bytes: int | None = None) -> None:
        """Decodes audio not decoded yet, `limit_bytes` of it at most."""
        start = (self._fed - self._audio_start) * BYTES_PER_SAMPLE
        end = len(self._audio) if limit_bytes is None else start + limit_bytes
        pcm = bytes(self._audio[start:end])
        if pcm:
            self._decoder.process(pcm)
            self._fed += len(pcm) // BYTES_PER_SAMPLE

    def _end_utterance(self) -> tuple[int, list[RawWord]]:
        """Returns where it started, and its words; none when it was a noise."""
        self._feed()
        self._decoder.end()
        start, self._utterance_start = self._utterance_start or 0, None
        raw = self._decoder.words()
        found = [word.posterior for word in raw if not is_filler(word.text)]
        return start, raw if is_speech(found, self._loud_s) else []

    @property
    def _loud_s(self) -> float:
        """How much of the utterance was louder than a pause."""
        return self._gate.loud_s + (self._reopened.loud_s if self._reopened else 0.0)

    def _piece(self, start: int, end: int, raw: Sequence[RawWord]) -> Piece:
        """What came of an utterance; of a noise after words, those words."""
        words, probabilities = _words(raw, start)
        mean_before = self._mean
        if words:
            self._mean = self._decoder.cepstral_mean
        elif self._reopened is not None:
            return replace(self._reopened, end_samples=end)
        return Piece(start, end, tuple(words), tuple(probabilities), mean_before, self._loud_s)

    def _settle(self) -> None:
        start, raw = self._end_utterance()
        self._last = self._piece(start, self._heard, raw)
        self._not_before = self._heard

    def _cut(self) -> None:
        """Ends an utterance that has no pause at its quietest word boundary, and goes on from there."""
        start, raw = self._end_utterance()
        cut = start + self._quietest_boundary(raw, start)
        kept = [word for word in raw if start + (word.end_frame + 1) * _FRAME_SAMPLES <= cut]
        self._last = self._piece(start, cut, kept)
        self._keep_last()
        self._gate.restart_count()
        self._begin(cut, self._mean)

    def _quietest_boundary(self, raw: Sequence[RawWord], start_samples: int) -> int:
        """Samples from the start of the utterance; the end of some word of it, if there is one."""
        length = self._heard - start_samples
        latest, earliest = (length - round(s * SAMPLE_RATE_HZ) for s in reversed(_CUT_SEARCH_S))
        ends = [(word.end_frame + 1) * _FRAME_SAMPLES for word in raw]
        ends = [end for end in ends if earliest <= end <= latest]
        return min(ends, key=self._level_around, default=latest)

    def _level_around(self, offset_samples: int) -> float:
        start = max(0, offset_samples - 2 * _FRAME_SAMPLES) * BYTES_PER_SAMPLE
        return level_dbfs(bytes(self._audio[start : start + 4 * _FRAME_SAMPLES * BYTES_PER_SAMPLE]))

    def _keep_last(self) -> None:
        if self._last is not None:
            self._words += self._last.words
            self._probabilities += self._last.probabilities
            self._last = None

    def _forget_old_audio(self) -> None:
        last = self._last
        if last is not None and self._may_reopen(last):
            return
        self._forget_audio_before(self._heard - _PREROLL_SAMPLES)

    def _forget_audio_before(self, samples: int) -> None:
        gone = max(0, samples - self._audio_start)
        del self._audio[: gone * BYTES_PER_SAMPLE]
        self._audio_start += gone

    def _newest(self) -> Transcript:
        last = self._last
        if self._utterance_start is None:
            words = [*self._words, *(last.words if last else ())]
            probabilities = [*self._probabilities, *(last.probabilities if last else ())]
            return transcript(words, probabilities, is_settled=bool(words))
        is_behind = self._heard - self._fed >= _FRAME_SAMPLES * 10
        if not is_behind and self._loud_s >= _INTERIM_LOUD_S:
            live = _words(self._decoder.words(), self._utterance_start)[0]
            if has_pace_of_speech(len(live), self._loud_s):
                self._live = live
        return transcript([*self._words, *self._live], self._probabilities, is_settled=False)


def _words(raw: Sequence[RawWord], start_samples: int) -> tuple[list[Word], list[float]]:
    """Words with times from the first sample of the session, and their probabilities."""
    start_s = start_samples / SAMPLE_RATE_HZ
    spoken = [word for word in raw if not is_filler(word.text)]
    words = [
        Word(
            readable_word(word.text),
            round(start_s + word.start_frame * FRAME_S, 3),
            round(start_s + (word.end_frame + 1) * FRAME_S, 3),
        )
        for word in spoken
    ]
    return words, [word.posterior for word in spoken]

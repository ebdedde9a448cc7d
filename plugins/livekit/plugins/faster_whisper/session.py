"""One caller's speech: interims while it lasts, a full decode at every pause, nothing said twice.

A *piece* is what Whisper is given in one go: all speech since the last flush, with its pauses shortened,
at most 28 s. At a pause the whole piece is decoded: that is the early transcript, and the final one if
nothing else is said. While somebody speaks only what came after the last such pause is decoded, with the
words before it as context, so that an interim costs what is new. A longer turn is cut at a pause; the
older piece is decoded once more for good.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from livekit.plugins.speechcore import BYTES_PER_SAMPLE, EngineBusy, Transcript
from livekit.plugins.speechcore.agreement import LocalAgreement, beyond
from livekit.plugins.speechcore.gate import PAUSE_S, WINDOW_S, SpeechGate
from livekit.plugins.speechcore.pace import PartialPace
from livekit.plugins.speechcore.turn_buffer import Piece, TurnBuffer
from numpy.typing import NDArray

from .guard import LEAST_LOUD_S, is_speech
from .hypothesis import HeardWord, Hypothesis, transcript
from .request import Request
from .window import LONGEST_PIECE_S, SAMPLE_RATE_HZ

_WINDOW_BYTES = round(WINDOW_S * SAMPLE_RATE_HZ) * BYTES_PER_SAMPLE

_INTERIM_LOUD_S = 0.30
"""Less sound than this is not worth an interim."""

_FORGET_NOISE_S = 0.6
"""A sound without words is dropped after so much quiet, not decoded again with what follows."""

_MOST_WAITING = 2
"""Pieces that wait to be decoded: a minute of speech, then the session gives up."""

_CONTEXT_LETTERS = 200
"""Of what was said before, as in whisper_streaming."""

_SURE_LANGUAGE = 0.8
_SURE_LANGUAGE_LOUD_S = 1.5
"""A language detected with this probability in so much speech is the caller's until the end."""


class PieceDecoder(Protocol):
    """What a session needs of `decoder.Decoder`."""

    def decode(self, samples: NDArray[np.float32], request: Request) -> Hypothesis: ...


@dataclass(frozen=True)
class Interim:
    """What is being said, to be decoded."""

    piece: Piece
    before: Sequence[HeardWord]
    """The words before it in this turn."""
    request: Request


class WhisperSession:
    """See `PartialSession`. Holds 30 s of audio, a minute more while the engine is behind.

    Words it finds are placed on the session's own time line, whatever quiet was left out.
    """

    def __init__(
        self,
        decoder: PieceDecoder,
        *,
        language: str | None,
        pace: PartialPace,
        clock: Callable[[], float] = time.perf_counter,
        release: Callable[[], None] = lambda: None,
    ) -> None:
        """`release` is called once, by `close()`."""
        self._decoder = decoder
        self._language = language
        self._heard_language = language or ""
        self._pace = pace
        self._clock = clock
        self._release: Callable[[], None] | None = release
        self._gate = SpeechGate()
        self._pending = bytearray()
        self._buffer = TurnBuffer(longest_s=LONGEST_PIECE_S)
        self._loud_windows = 0
        self._quiet_windows = 0
        self._start_over()

    def _start_over(self) -> None:
        self._buffer.forget()
        self._waiting: deque[Piece] = deque()
        self._kept: list[HeardWord] = []
        self._settled: list[HeardWord] = []
        self._settled_at = self._loud_windows
        self._live = LocalAgreement[HeardWord]()
        self._start_live(0)
        self._new_windows = 0
        self._newest = Transcript()

    @property
    def is_due(self) -> bool:
        if self._waiting:
            return True
        if self._is_settled:
            return False
        if self._gate.is_open:
            has_news = self._new_windows * WINDOW_S >= self._pace.step_s
            return has_news and self._live_loud_windows * WINDOW_S >= _INTERIM_LOUD_S
        return self._quiet_windows * WINDOW_S + PAUSE_S >= self._pace.pause_s

    def feed(self, pcm: bytes) -> None:
        """Takes mono int16 PCM at 16 kHz, any length. Raises EngineBusy when a minute waits."""
        self._pending += pcm
        whole = len(self._pending) - len(self._pending) % _WINDOW_BYTES
        for start in range(0, whole, _WINDOW_BYTES):
            self._on_window(bytes(self._pending[start : start + _WINDOW_BYTES]))
        del self._pending[:whole]
        if len(self._waiting) > _MOST_WAITING:
            raise EngineBusy(
                "Whisper is a minute of speech behind this caller: a smaller model is needed"
            )

    def decode(self) -> Transcript:
        """What is due: an older piece, a pause, or what is being said. Blocks; raises EngineError."""
        started_s = self._clock()
        if self._waiting:
            self._decode_waiting()
        elif interim := self.next_interim():
            hypothesis = self._decoder.decode(interim.piece.samples(), interim.request)
            return self.take(interim, hypothesis, self._clock() - started_s)
        elif not self._gate.is_open and not self._is_settled:
            self._settle()
        return self._decoded(self._clock() - started_s)

    def next_interim(self) -> Interim | None:
        """For who decodes several callers' together; None when something else is due, or nothing."""
        if self._waiting or not self._gate.is_open:
            return None
        piece = self._buffer.piece(self._live_from)
        if piece.loud_s < LEAST_LOUD_S:
            return None
        before = [*self._kept, *self._settled]
        return Interim(piece, before, self._request(before, is_final=False))

    def take(self, interim: Interim, hypothesis: Hypothesis, took_s: float) -> Transcript:
        """Takes what was decoded of `next_interim()`; `took_s`: its share of the engine's time."""
        found = self._believed(interim.piece, interim.before, hypothesis)
        self._live.insert(found)
        words = [*self._settled, *self._live.words]
        self._newest = self._transcript(words, is_settled=False)
        return self._decoded(took_s)

    def _decoded(self, took_s: float) -> Transcript:
        self._new_windows = 0
        self._pace.note(took_s)
        return self._current

    def accept(self, pcm: bytes) -> Transcript:
        """Takes PCM as `feed` does; returns the newest hypothesis."""
        self.feed(pcm)
        return self.decode() if self.is_due else self._current

    def finish(self) -> Transcript:
        """The final text: that of the last pause if nothing was said since, else decoded now."""
        while self._waiting:
            self._decode_waiting()
        if not self._is_settled:
            self._settle()
        final = self._transcript(self._settled, is_settled=True)
        self._start_over()
        return final

    def close(self) -> None:
        """Frees the session's place; harmless when repeated."""
        release, self._release = self._release, None
        if release is not None:
            self._start_over()
            release()

    @property
    def _current(self) -> Transcript:
        return replace(self._newest, is_settled=self._newest.is_settled and self._is_settled)

    @property
    def _is_settled(self) -> bool:
        """Whether nothing was said since the last full decode."""
        return self._settled_at == self._loud_windows and not self._waiting

    def _on_window(self, pcm: bytes) -> None:
        is_open = self._gate.process(pcm)
        is_loud = self._gate.is_loud
        self._loud_windows += is_open and is_loud
        self._live_loud_windows += is_open and is_loud
        self._quiet_windows = 0 if is_open else self._quiet_windows + 1
        self._new_windows += is_open
        full = self._buffer.push(pcm, is_open=is_open, is_loud=is_loud)
        if full is not None:
            self._waiting.append(full)
            self._settled = []
            self._settled_at = -1
            self._start_live(0)
        elif self._quiet_windows * WINDOW_S >= _FORGET_NOISE_S:
            self._forget_noise()

    def _forget_noise(self) -> None:
        if self._is_settled and not self._settled:
            self._buffer.forget()
            self._start_live(0)

    def _start_live(self, window: int) -> None:
        """Interims are of what comes from this window of the buffer on."""
        self._live.reset()
        self._live_from = window
        self._live_loud_windows = 0

    def _decode_waiting(self) -> None:
        """The interim stays as it is until what follows is decoded too."""
        piece = self._waiting[0]
        found = self._hear(piece)
        self._waiting.popleft()
        until_s = piece.words_until_s
        self._kept += [word for word in found if (word.start_s + word.end_s) / 2 <= until_s]

    def _settle(self) -> None:
        self._settled = self._hear(self._buffer.piece())
        self._settled_at = self._loud_windows
        self._start_live(len(self._buffer))
        self._newest = self._transcript(self._settled, is_settled=True)

    def _hear(self, piece: Piece) -> list[HeardWord]:
        """The words of a piece, for good; none for a noise."""
        if piece.loud_s < LEAST_LOUD_S:
            return []
        request = self._request(self._kept, is_final=True)
        hypothesis = self._decoder.decode(piece.samples(), request)
        return self._believed(piece, self._kept, hypothesis)

    def _request(self, before: Sequence[HeardWord], *, is_final: bool) -> Request:
        context = self._transcript_text(before)[-_CONTEXT_LETTERS:]
        return Request(language=self._language, context=context, is_final=is_final)

    def _believed(
        self, piece: Piece, before: Sequence[HeardWord], hypothesis: Hypothesis
    ) -> list[HeardWord]:
        if not is_speech(hypothesis, piece.loud_s):
            return []
        self._note_language(hypothesis, piece.loud_s)
        words = [_placed(word, piece) for word in hypothesis.words]
        if piece.is_overlapping:
            words = _after(before, beyond(before, words))
        return words

    def _note_language(self, hypothesis: Hypothesis, loud_s: float) -> None:
        self._heard_language = hypothesis.language
        is_sure = hypothesis.language_probability >= _SURE_LANGUAGE
        if is_sure and loud_s >= _SURE_LANGUAGE_LOUD_S:
            self._language = hypothesis.language

    def _transcript(self, words: Sequence[HeardWord], *, is_settled: bool) -> Transcript:
        """Of the pieces before, and these words."""
        return transcript([*self._kept, *words], self._heard_language, is_settled=is_settled)

    def _transcript_text(self, words: Sequence[HeardWord]) -> str:
        return transcript(words, self._heard_language, is_settled=False).text


def _after(before: Sequence[HeardWord], words: Sequence[HeardWord]) -> list[HeardWord]:
    """The words, none of them earlier than those before: two decodes differ by a tenth of a second."""
    end_s = before[-1].end_s if before else 0.0
    return [
        replace(word, start_s=max(end_s, word.start_s), end_s=max(end_s, word.end_s))
        for word in words
    ]


def _placed(word: HeardWord, piece: Piece) -> HeardWord:
    """The word with its times in the stream, where it sounds."""
    begun_s, ended_s = piece.sounding(word.start_s, word.end_s)
    start_s = piece.stream_s(begun_s)
    end_s = max(start_s, piece.stream_s(ended_s, is_end=True))
    return replace(word, start_s=start_s, end_s=end_s)

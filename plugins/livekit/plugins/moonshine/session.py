"""One caller's speech: cut into pieces, decoded when that pays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from livekit.plugins.speechcore import BYTES_PER_SAMPLE, EngineBusy, Transcript, Word
from livekit.plugins.speechcore.pace import PartialPace
from livekit.plugins.speechcore.vad import VoiceDetector

from .pieces import Piece, Pieces

SAMPLE_RATE_HZ = 16_000

_MOST_WAITING = 5
"""Pieces that wait to be decoded, of 12 s or so each; then the session gives up."""


class Model(Protocol):
    """What a session needs of `library.Transcriber`."""

    def start(self) -> None: ...
    def hear(self, pcm: bytes) -> None: ...
    def text(self) -> str: ...


class Session:
    """See `PartialSession`. The cost of decoding follows the length of the speech.

    The library tells no times of words: they are spread over their piece by their length.
    """

    def __init__(
        self,
        model: Model,
        detector: VoiceDetector,
        *,
        window_samples: int,
        joint: str,
        release: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        """`joint`: between two pieces. `clock`: in seconds, to time the model."""
        self._model = model
        self._detector = detector
        self._window_bytes = window_samples * BYTES_PER_SAMPLE
        self._joint = joint
        self._release: Callable[[], None] | None = release
        self._clock = clock
        self._pending = bytearray()
        self._pieces = Pieces(window_samples / SAMPLE_RATE_HZ)
        self._done: list[Piece] = []
        self._pace = PartialPace()
        self._told = Transcript()

    @property
    def is_due(self) -> bool:
        open_piece = self._pieces.open
        if open_piece is not self._first_waiting:
            return True  # another has ended
        if open_piece is None:
            return False
        if not open_piece.has_news:  # nothing to decode, but to say that the text is settled
            return self._is_pause and bool(open_piece.text) and not self._told.is_settled
        new_s = len(open_piece.unheard) * self._window_bytes / BYTES_PER_SAMPLE / SAMPLE_RATE_HZ
        return self._is_pause or new_s >= self._pace.step_s

    def feed(self, pcm: bytes) -> None:
        """Takes mono int16 PCM at 16 kHz, any length. Raises EngineBusy when a minute waits."""
        self._pending += pcm
        whole = len(self._pending) - len(self._pending) % self._window_bytes
        for start in range(0, whole, self._window_bytes):
            window = bytes(self._pending[start : start + self._window_bytes])
            self._pieces.push(window, self._detector.score(window))
        del self._pending[:whole]
        if len(self._pieces.waiting) > _MOST_WAITING:
            raise EngineBusy(
                "moonshine is a minute of speech behind this caller: a smaller model is needed"
            )

    def decode(self) -> Transcript:
        """The newest hypothesis; of pieces that have ended, the last word."""
        while (piece := self._first_waiting) is not None:
            if piece.has_news:
                self._hear(piece)
            if not piece.is_over:
                break
            self._done.append(self._pieces.waiting.popleft())
        return self._newest()

    def accept(self, pcm: bytes) -> Transcript:
        self.feed(pcm)
        return self.decode() if self.is_due else self._newest()

    def finish(self) -> Transcript:
        """The final text: that of the last hypothesis if no speech came since."""
        self._pieces.end()
        final = self.decode()
        self._done.clear()
        return final

    def close(self) -> None:
        """Gives the model back; harmless when repeated."""
        release, self._release = self._release, None
        if release is not None:
            release()

    @property
    def _first_waiting(self) -> Piece | None:
        return self._pieces.waiting[0] if self._pieces.waiting else None

    def _hear(self, piece: Piece) -> None:
        begun_s = self._clock()
        if not piece.heard_s:
            self._model.start()
        pcm = b"".join(piece.unheard)
        self._model.hear(pcm)
        piece.text = self._model.text()
        piece.heard_s += len(pcm) / BYTES_PER_SAMPLE / SAMPLE_RATE_HZ
        piece.unheard.clear()
        piece.has_news = False
        self._pace.note(self._clock() - begun_s)

    def _newest(self) -> Transcript:
        pieces = [piece for piece in (*self._done, *self._pieces.waiting) if piece.text]
        text = self._joint.join(piece.text for piece in pieces)
        words = tuple(word for piece in pieces for word in _spread(piece))
        self._told = Transcript(text, words, is_settled=bool(text) and self._is_settled)
        return self._told

    @property
    def _is_settled(self) -> bool:
        """Everything that was said is decoded, and somebody pauses."""
        is_quiet = self._pieces.open is None or self._is_pause
        return is_quiet and not any(piece.has_news for piece in self._pieces.waiting)

    @property
    def _is_pause(self) -> bool:
        return self._pieces.silence_s >= self._pace.pause_s


def _spread(piece: Piece) -> list[Word]:
    """Words with times in proportion to their letters."""
    texts = piece.text.split()
    letters = sum(map(len, texts))
    words, before = [], 0
    for text in texts:
        start_s, end_s = (
            round(piece.start_s + (piece.end_s - piece.start_s) * count / letters, 3)
            for count in (before, before + len(text))
        )
        words.append(Word(text, start_s, end_s))
        before += len(text)
    return words

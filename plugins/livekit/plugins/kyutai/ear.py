"""One caller's audio on its way to the server, and the words that come back. Pure: sends nothing itself.

The model's words follow the sound by its delay. So that nobody waits for it at the end of a turn, the
sound is followed by a marker and a delay's worth of silence, which the server takes in faster than life:
Kyutai's "flush trick". It is done at each pause, which makes the words there settle, and when a final
text is asked for and the last pause does not answer that already.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from livekit.plugins.speechcore import BYTES_PER_SAMPLE, Transcript, Word
from livekit.plugins.speechcore.gate import WINDOW_S, SpeechGate

from .messages import (
    FRAME_S,
    FRAME_SAMPLES,
    SAMPLE_RATE_HZ,
    HeardWord,
    MarkerReached,
    Message,
    Step,
    WordEnded,
    pack_marker,
    pack_sound,
    to_floats,
)
from .pauses import PauseScores
from .timeline import Timeline

_WINDOW_BYTES = round(WINDOW_S * SAMPLE_RATE_HZ) * BYTES_PER_SAMPLE
_FRAME_BYTES = FRAME_SAMPLES * BYTES_PER_SAMPLE

_LEAD_FRAMES = 13
"""A second of silence first: stt-2.6b-en needs it, and the first dozen pause scores mean nothing."""

_TAIL_FRAMES = 1
"""Silence before the marker: a word's last piece comes a step after its sound."""

_BEHIND_FRAMES = 8
"""A server that owes more than this has no time for silence of ours: the pause is marked later."""

_SHORTEST_WORD_S = 0.08
_LONGEST_WORD_S = 1.5


@dataclass(slots=True)
class _Heard:
    text: str
    start_s: float
    end_s: float | None = None
    """The server tells it with the next word, if at all."""


class Ear:
    """Of one connection. What it returns is to be sent, in this order; times are the caller's audio's."""

    def __init__(self, delay_s: float) -> None:
        self._delay_frames = math.ceil(delay_s / FRAME_S - 1e-6) + 1
        self._gate = SpeechGate()
        self._timeline = Timeline()
        self._pauses = PauseScores()
        self._rest = b""
        self._frame = bytearray()
        self._heard_s = 0.0
        self._loud_until_s = 0.0
        self._words: list[_Heard] = []
        self._has_news = False
        """Since the last marker was sent there was a voice, or since it came back a word."""
        self._is_marked = False
        """A marker was sent in this segment."""
        self._sent_markers = 0
        self._reached_markers = 0

    @property
    def owed(self) -> int:
        """Frames of which the server, if it does so at all, has not said that it heard them."""
        return self._pauses.owed if self._pauses.are_told else 0

    @property
    def is_flushing(self) -> bool:
        return self._reached_markers < self._sent_markers

    @property
    def is_settled(self) -> bool:
        """The caller pauses, and all of their words are here."""
        return bool(self._words) and self._is_done

    @property
    def transcript(self) -> Transcript:
        return self._transcript(is_settled=self.is_settled)

    def begin(self) -> list[bytes]:
        return [self._silence(_LEAD_FRAMES)]

    def hear(self, pcm: bytes) -> list[bytes]:
        """Takes mono int16 PCM at 24 kHz, any length."""
        pcm = self._rest + pcm
        whole = len(pcm) - len(pcm) % _WINDOW_BYTES
        self._rest = pcm[whole:]
        messages: list[bytes] = []
        for start in range(0, whole, _WINDOW_BYTES):
            window = pcm[start : start + _WINDOW_BYTES]
            self._watch(window)
            self._frame += window
            if len(self._frame) == _FRAME_BYTES:
                messages.append(self._send_frame())
                if self._is_pause and self.owed <= _BEHIND_FRAMES:
                    messages += self._mark()
        return messages

    def flush(self) -> list[bytes]:
        """Nothing when all that was said is on its way already."""
        return self._mark() if self._has_news or not self._is_marked else []

    def keep_alive(self) -> list[bytes]:
        """For a line without audio: the server ends a connection after two minutes of nothing."""
        return [self._silence(1)]

    def take(self, message: Message) -> bool:
        """Whether the transcript is another one now."""
        match message:
            case HeardWord(text, start_s) if text:
                last_s = self._words[-1].start_s if self._words else 0.0
                start_s = max(last_s, self._timeline.to_caller_s(start_s))
                self._words.append(_Heard(text, start_s))
                self._has_news = self._has_news or not self.is_flushing
                return True
            case WordEnded(stop_s) if self._words and self._words[-1].end_s is None:
                self._words[-1].end_s = self._timeline.to_caller_s(stop_s)
            case Step(scores):
                self._pauses.told(scores)
            case MarkerReached(number) if self._reached_markers < number <= self._sent_markers:
                self._reached_markers = number
                return self.is_settled
        return False

    def finish(self) -> Transcript:
        """The segment's final text; the next segment begins."""
        final = self._transcript(is_settled=True)
        self._words.clear()
        self._has_news = self._is_marked = False
        self._pauses.score = None
        return final

    @property
    def _is_done(self) -> bool:
        return self._is_marked and not self.is_flushing and not self._has_news

    @property
    def _is_hushed(self) -> bool:
        """The server has been given silence of ours in this pause."""
        return self._is_marked and not self._has_news

    @property
    def _is_pause(self) -> bool:
        return self._has_news and not self._gate.is_open

    def _watch(self, window: bytes) -> None:
        self._heard_s += WINDOW_S
        if self._gate.process(window):
            self._has_news = True
            if self._gate.is_loud:
                self._loud_until_s = self._heard_s

    def _send_frame(self) -> bytes:
        """What there is of it, filled up with silence."""
        missing = (_FRAME_BYTES - len(self._frame)) // BYTES_PER_SAMPLE
        samples = np.pad(to_floats(bytes(self._frame)), (0, missing))
        self._frame.clear()
        self._timeline.heard(FRAME_SAMPLES - missing)
        if missing:
            self._timeline.inserted(missing)
        self._pauses.sent(1, counts=not missing and not self._is_hushed)
        return pack_sound(samples)

    def _silence(self, frames: int) -> bytes:
        samples = frames * FRAME_SAMPLES
        self._timeline.inserted(samples)
        self._pauses.sent(frames, counts=False)
        return pack_sound(np.zeros(samples, dtype=np.float32))

    def _mark(self) -> list[bytes]:
        messages = [self._send_frame()] if self._frame else []
        self._sent_markers += 1
        self._is_marked, self._has_news = True, False
        marker = pack_marker(self._sent_markers)
        return [*messages, self._silence(_TAIL_FRAMES), marker, self._silence(self._delay_frames)]

    def _transcript(self, *, is_settled: bool) -> Transcript:
        starts: list[float | None] = [word.start_s for word in self._words[1:]]
        words = tuple(
            Word(word.text, word.start_s, self._end_s(word, next_s))
            for word, next_s in zip(self._words, [*starts, None], strict=False)
        )
        return Transcript(
            " ".join(word.text for word in words),
            words,
            is_settled=is_settled,
            pause_score=self._pauses.score if is_settled else None,
        )

    def _end_s(self, word: _Heard, next_s: float | None) -> float:
        """Of a word whose end is not told: that of the sound, within reason."""
        told_s = word.end_s
        if told_s is None:
            longest_s = min(self._loud_until_s, word.start_s + _LONGEST_WORD_S)
            told_s = max(longest_s, word.start_s + _SHORTEST_WORD_S)
        if next_s is not None:
            told_s = min(told_s, next_s)
        return max(word.start_s, told_s)

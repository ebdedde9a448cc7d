"""One engine's sound for one text: what of it may be played by now, and what when it dies. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from livekit.plugins.speechcore import BYTES_PER_SAMPLE, Word

from .tts_pace import Pace
from .tts_quiet import Loudness, Quiet
from .tts_seam import nearest, next_anchor, place
from .tts_words import Mark, WordTrack, has_words, tokens

_PATIENCE_S = 0.03
"""So long the first sound waits for the end of its first word."""
_LEAD_S = 0.25
"""So much more is handed on than could have been played, for pieces that come unevenly."""
_HOLD_S = 1.0
"""At most so much is held back."""
_FADE_S = 0.005
_LEADING_SILENCE_S = 0.03
"""Is left before the first sound: what more there is would only make it later."""
_INTO_QUIET_S = 0.04
"""So far into a quiet a voice is cut: a word's last sound dies away in it."""
_LOST_S = 1.5
"""An engine that has told no word for so long is not followed by its words any more."""

_SHORT_SHARE = 0.35
_SHORT_SHARE_WHEN_SURE = 0.6
_SHORT_SHARE_IF_TORN = 0.85
_SURE_FROM_S = 1.0
"""Less than such a share of what a text should take is not all of it; nor is a little more, if it
ends in the midst of a sound. Of 298 whole texts of a voice whose pace was known, all of a second
and more, the shortest took 0.73 of what was expected, and all ended softly. Shorter ones vary more."""
_END_S = 0.02
_UNTOLD_SHARE = 0.5
_UNTOLD_SHARE_IN_STEP = 0.75
"""Of what words that were not told should take, if the engine tells them as they are written and more
than the last one is missing: the sound of one long word must not pass for two."""
_WHOLE_SHARE = 0.75
_END_PAUSE_S = 0.1
"""A text that broke off is whole if it took such a share and a pause that long came last: less quiet is
between words, too."""


@dataclass(frozen=True, slots=True)
class Released:
    """To be played now."""

    pcm: bytes = b""
    words: tuple[Word, ...] = ()
    """Spoken in it, if the engine tells; times from the first sample of the take."""


@dataclass
class Take:
    """Mono int16 PCM comes in pieces; what may be played comes out, a little later.

    What has been handed on cannot be taken back, so as little as can be is handed on before its word
    has ended: of an engine that tells its words nothing, of others what must be played by now.
    Nothing is held back once the engine has finished.
    """

    rate_hz: int
    pace: Pace
    tells_words: bool
    is_seam: bool = False
    """The take goes on where another voice broke off."""
    text: str = ""
    """What the engine was given so far; set it before what it affects."""
    received_s: float = 0.0
    loudness: Loudness = field(init=False)
    _track: WordTrack = field(default_factory=WordTrack)
    _part: Mark = Mark(0.0, 0)
    """Where the part begins that the engine speaks."""
    _pause: Mark | None = None
    """The last place known by a pause."""
    _held: bytearray = field(default_factory=bytearray)
    _released: int = 0
    """Samples handed on or left out."""
    _words: list[Word] = field(default_factory=list)
    _sound_at_s: float | None = None
    """When the first sound came."""
    _playing_since_s: float | None = None
    _playing_from_s: float = 0.0
    _pauses_seen_s: float = 0.0

    def __post_init__(self) -> None:
        self.loudness = Loudness(self.rate_hz)

    @property
    def released_s(self) -> float:
        return self._released / self.rate_hz

    @property
    def is_silent(self) -> bool:
        return self.loudness.onset_s is None

    @property
    def speech_s(self) -> float:
        """Without the silence at its edges."""
        return self.loudness.sound_end_s - (self.loudness.onset_s or 0.0)

    def add(self, pcm: bytes, words: Sequence[Word], now_s: float) -> Released:
        """`now_s` is on a clock of the caller's."""
        self._held += pcm
        self.received_s += len(pcm) / BYTES_PER_SAMPLE / self.rate_hz
        self.loudness.add(pcm)
        if self._sound_at_s is None and self.loudness.onset_s is not None:
            self._sound_at_s = now_s
        self._words += words
        self._track.add(self.text, words)
        if not self.tells_words:
            self._see_pauses()
        if not self._released and not self._skip_leading_silence():
            return Released()
        return self._release(self._playable_s(now_s), now_s)

    def end_part(self, offset: int) -> bool:
        """The engine says that what it gave is all of the text up to `offset`. False if it is not."""
        if self.is_too_short(offset):
            return False
        self._part = Mark(self.received_s, offset)
        return True

    def whole(self) -> Released:
        """The engine has finished: the rest."""
        released = self._release(self.received_s, 0.0, holds_fade=False)
        words, self._words = tuple(self._words), []
        return Released(released.pcm, released.words + words)

    def cut(self) -> tuple[Released, int]:
        """The engine has died: what yet may be played, and the offset where the text goes on.

        The rest is dropped.
        """
        at_s, offset = self._seam()
        rest = self._release(max(at_s, self.released_s), 0.0, holds_fade=False)
        pcm = rest.pcm
        fade_bytes = self._fade_samples * BYTES_PER_SAMPLE
        if len(pcm) < fade_bytes:
            pcm += bytes(self._held[: fade_bytes - len(pcm)])
        self._held.clear()
        self._words.clear()
        return Released(_faded_out(pcm, self._fade_samples), rest.words), offset

    def is_all_of(self, text: str) -> bool:
        """Whether this much may be all of `text`, of an engine that gives no more."""
        anchor = self._known()
        if not has_words(text[anchor.offset :]):
            return True
        if self._is_followed(anchor):
            return False
        is_paused = self.loudness.ends_in_quiet(_END_PAUSE_S)
        return is_paused and self.speech_s >= _WHOLE_SHARE * self.pace.expected_s(text)

    def is_too_short(self, offset: int) -> bool:
        """Whether an engine that says it has spoken the text up to `offset` has not."""
        anchor = self._known()
        missing = self.text[anchor.offset : offset]
        if not has_words(missing):
            return False
        if self._track.marks and self._is_followed(anchor):
            # Words told in time: what is left of the text should be in the sound after them.
            begun_s, text, share = anchor.at_s, missing, self._untold_share(missing)
        else:
            begun_s = max(self._part.at_s, self.loudness.onset_s or 0.0)
            text = self.text[self._part.offset : offset]
            share = self._least_share(self.pace.expected_s(text))
        return self.loudness.sound_end_s - begun_s < share * self.pace.expected_s(text)

    def _untold_share(self, missing: str) -> float:
        is_more = self._track.is_in_step and len(tokens(missing)) > 1
        return _UNTOLD_SHARE_IN_STEP if is_more else _UNTOLD_SHARE

    def _least_share(self, expected_s: float) -> float:
        if not self.pace.is_sure:
            return _SHORT_SHARE
        is_torn = not self.loudness.ends_in_quiet(_END_S)
        if expected_s < _SURE_FROM_S:
            return _SHORT_SHARE_WHEN_SURE if is_torn else _SHORT_SHARE
        return _SHORT_SHARE_IF_TORN if is_torn else _SHORT_SHARE_WHEN_SURE

    @property
    def _fade_samples(self) -> int:
        return round(_FADE_S * self.rate_hz)

    def _known(self) -> Mark:
        """The last place whose words are known."""
        known = [mark for mark in self._track.marks if mark.at_s <= self.received_s][-1:]
        known += [mark for mark in (self._pause, self._part) if mark is not None and mark.offset]
        origin = Mark(self.loudness.onset_s or 0.0, 0)
        return max(known, key=lambda mark: mark.offset, default=origin)

    def _is_followed(self, anchor: Mark) -> bool:
        return self.tells_words and self.received_s - anchor.at_s < _LOST_S

    def _see_pauses(self) -> None:
        """Looks at the pauses that have ended since it last did."""
        end_s = self.loudness.heard_s
        for quiet in self.loudness.quiets(self._pauses_seen_s, end_s):
            if quiet.end_s >= end_s:
                return
            self._pauses_seen_s = quiet.end_s
            is_inside = quiet.start_s > (self.loudness.onset_s or 0.0)
            if quiet.is_long and is_inside:
                self._pause = next_anchor(self.text, self.pace, self._known(), quiet) or self._pause

    def _skip_leading_silence(self) -> bool:
        """False as long as there is nothing else."""
        if self.loudness.onset_s is None:
            return False
        skipped = round(max(0.0, self.loudness.onset_s - _LEADING_SILENCE_S) * self.rate_hz)
        del self._held[: skipped * BYTES_PER_SAMPLE]
        self._released += skipped
        if self.is_seam:
            self._fade_in()
        return True

    def _fade_in(self) -> None:
        count = min(self._fade_samples, len(self._held) // BYTES_PER_SAMPLE)
        samples = np.frombuffer(bytes(self._held[: count * BYTES_PER_SAMPLE]), dtype=np.int16)
        ramp = np.linspace(0.0, 1.0, count, dtype=np.float32)
        self._held[: count * BYTES_PER_SAMPLE] = (samples * ramp).astype(np.int16).tobytes()

    def _playable_s(self, now_s: float) -> float:
        known = self._known()
        known_s = known.at_s if known.offset else 0.0
        pauses = [] if self.tells_words else self.loudness.quiets(self.released_s, self.received_s)
        pause_s = max((quiet.start_s for quiet in pauses if quiet.is_long), default=0.0)
        return max(known_s, pause_s, self.received_s - _HOLD_S, self._needed_s(now_s))

    def _needed_s(self, now_s: float) -> float:
        if self.tells_words:
            return 0.0
        if self._playing_since_s is not None:
            return self._playing_from_s + now_s - self._playing_since_s + _LEAD_S
        if self._sound_at_s is None or now_s - self._sound_at_s < _PATIENCE_S:
            return 0.0
        return (self.loudness.onset_s or 0.0) + _LEAD_S

    def _release(self, until_s: float, now_s: float, *, holds_fade: bool = True) -> Released:
        received = self._released + len(self._held) // BYTES_PER_SAMPLE
        latest = received - (self._fade_samples if holds_fade else 0)
        count = min(round(until_s * self.rate_hz), latest) - self._released
        if count <= 0:
            return Released()
        if self._playing_since_s is None:
            self._playing_since_s, self._playing_from_s = now_s, self.released_s
        pcm = bytes(self._held[: count * BYTES_PER_SAMPLE])
        del self._held[: count * BYTES_PER_SAMPLE]
        self._released += count
        until_s = self.released_s + _FADE_S + 1 / self.rate_hz
        spoken = [word for word in self._words if word.end_s <= until_s]
        self._words = self._words[len(spoken) :]
        return Released(pcm, tuple(spoken))

    def _seam(self) -> tuple[float, int]:
        anchor = self._known()
        if self.is_silent:
            return 0.0, 0
        if self._is_followed(anchor):
            return anchor.at_s, anchor.offset
        found = place(self.text, self.pace, anchor, self._where_to_cut(anchor), self.received_s)
        if found is None:
            return self.released_s, nearest(self.text, self.pace, anchor, self.released_s)
        quiet, offset = found
        return quiet.start_s + min(quiet.length_s / 2, _INTO_QUIET_S), offset

    def _where_to_cut(self, anchor: Mark) -> list[Quiet]:
        from_s = max(self.released_s, anchor.at_s)
        quiets = self.loudness.quiets(from_s, self.received_s)
        if anchor.at_s >= self.released_s:
            quiets.append(Quiet(anchor.at_s, anchor.at_s))
        if not quiets and (softest := self.loudness.softest(from_s, self.received_s)):
            quiets.append(softest)
        return quiets


def _faded_out(pcm: bytes, samples: int) -> bytes:
    whole = np.frombuffer(pcm, dtype=np.int16).copy()
    count = min(samples, len(whole))
    if count:
        ramp = np.linspace(1.0, 0.0, count, dtype=np.float32)
        whole[-count:] = (whole[-count:] * ramp).astype(np.int16)
    return whole.tobytes()

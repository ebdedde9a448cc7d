"""A caller whose words can be read back from the sound, and whom a VAD takes for a person."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from tests.fakes.providers.coded_speech import CODE, TONES, TORN, say, words_of
from tests.stack.caller import RATE_HZ

_PITCH_HZ = 120.0
_SWAY = 0.05
_SWAYS_HZ = 3.0
_DEPTH = 0.9
_GAIN = 1.8
"""Of a voice whose peaks are rare, to be as loud as before."""


def voiced(text: str) -> NDArray[np.int16]:
    """Coded speech at 48 kHz that swells 120 times a second, as if vocal cords made it.

    Silero hears no speech in plain tones. The swelling leaves their crossings of zero, by which the
    words are read, where they were.
    """
    tones = np.frombuffer(say(text, RATE_HZ), "<i2").astype(float)
    times = np.arange(len(tones)) / RATE_HZ
    pitch = _PITCH_HZ * (1 + _SWAY * np.sin(2 * np.pi * _SWAYS_HZ * times))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE_HZ
    swell = (1 - _DEPTH) + _DEPTH * ((1 + np.cos(phase)) / 2) ** 2
    samples = np.clip(tones * swell * _GAIN, -32768, 32767)
    return samples.astype(np.int16)


def keep_apart(texts: Iterable[str]) -> None:
    """Gives the words of the texts codes that are two tones apart: a room whose sound is stretched a
    little, as on a busy machine, tears a word then, but makes no other one of it."""
    for word in dict.fromkeys(word for text in texts for word in words_of(text)):
        if word in CODE.words:
            continue
        while not _is_apart(len(CODE.words)):
            CODE.words.append(TORN)
        CODE.words.append(word)


def _is_apart(number: int) -> bool:
    first, second = divmod(number, TONES)
    return first % 2 == 0 and second % 2 == 0

"""How much Whisper's encoder is given to look at, and how much its decoder may say.

Whisper was trained on windows of 30 s, and `faster_whisper.WhisperModel.transcribe` fills every window up
to that (`pad_or_trim`), so that a "yes" costs what half a minute costs. CTranslate2 (`models.Whisper.encode`,
since 3.19; read in its source and tried with 4.8.5) takes any number of frames up to 3000: the position
encodings are cut to the length, and `generate`, `align` and `detect_language` follow the length of what was
encoded. So this plugin encodes the speech and `padding_s` of true silence (zero samples, as in training;
`transcribe` fills up with zeros in the spectrogram instead). Medians of 5, random weights, int8, one thread
of a Xeon with 2 processors: base 27 ms for 5 s, 42 for 7 s, 66 for 10 s, 123 for 15 s, 626 for 30 s.

What it does to accuracy is not measured here. Others have: padding of 2.6 s cost little with base.en
(ggml-org/whisper.cpp#1855), 1 to 3.5 s without padding cost much (OpenNMT/CTranslate2#2100), and a window
that is too short makes the decoder repeat itself (whisper.cpp#1951). Hence the padding, the least length, and
a second decode with the whole window when the first looks doubtful (`guard.is_doubtful`).
"""

from __future__ import annotations

import math

SAMPLE_RATE_HZ = 16_000
FRAME_SAMPLES = 160
"""One frame of the spectrogram: 10 ms."""

MOST_FRAMES = 3000
LONGEST_PIECE_S = 28.0
"""So that a piece, the overlap after a forced cut and some padding fit in the window."""

_LEAST_FRAMES = 500
_STEP_FRAMES = 100
"""A few lengths only: GPUs choose their kernels by shape."""

_LEAST_TOKENS = 8
_MOST_LENGTH = 448
"""Tokens that the decoder has positions for, the prompt's included."""


def content_frames(samples: int) -> int:
    """Frames that hold the speech itself."""
    return min(MOST_FRAMES, math.ceil(samples / FRAME_SAMPLES))


def window_frames(samples: int, padding_s: float) -> int:
    """Frames to encode for so much speech."""
    wanted = content_frames(samples) + padding_s * SAMPLE_RATE_HZ / FRAME_SAMPLES
    steps = math.ceil(wanted / _STEP_FRAMES)
    return min(MOST_FRAMES, max(_LEAST_FRAMES, steps * _STEP_FRAMES))


def most_new_tokens(samples: int, prompt_tokens: int, tokens_per_s: float) -> int:
    """`max_new_tokens` for faster-whisper, so that the speech gets `tokens_per_s` and a few.

    CTranslate2 stops at half of prompt and new tokens together, if that is less than the new ones.
    """
    wanted = _LEAST_TOKENS + math.ceil(samples / SAMPLE_RATE_HZ * tokens_per_s)
    return min(_MOST_LENGTH - prompt_tokens, max(wanted, 2 * wanted - prompt_tokens))

"""What is encoded follows the speech, and what may be said is bounded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit.plugins.faster_whisper.window import (
    LONGEST_PIECE_S,
    MOST_FRAMES,
    SAMPLE_RATE_HZ,
    content_frames,
    most_new_tokens,
    window_frames,
)


@pytest.mark.parametrize(
    ("speech_s", "frames"),
    [(0.2, 500), (1.0, 500), (3.0, 500), (3.01, 600), (5.0, 700), (12.3, 1500), (28.0, 3000)],
)
def test_the_window_is_speech_and_padding_in_whole_seconds(speech_s: float, frames: int) -> None:
    assert window_frames(round(speech_s * SAMPLE_RATE_HZ), 2.0) == frames


@given(st.integers(1, round((LONGEST_PIECE_S + 1) * SAMPLE_RATE_HZ)), st.floats(0.0, 30.0))
def test_the_speech_always_fits(samples: int, padding_s: float) -> None:
    assert content_frames(samples) <= window_frames(samples, padding_s) <= MOST_FRAMES


@pytest.mark.parametrize("prompt_tokens", [4, 60, 290])
@pytest.mark.parametrize("speech_s", [0.2, 1.0, 5.0, 28.0])
def test_new_tokens_are_so_many_in_spite_of_ctranslate2(
    speech_s: float, prompt_tokens: int
) -> None:
    new = most_new_tokens(round(speech_s * SAMPLE_RATE_HZ), prompt_tokens, 25.0)
    total = prompt_tokens + new
    allowed = min(total // 2, new)
    assert total <= 448
    assert allowed >= min(8 + int(speech_s * 25), 448 // 2, 448 - prompt_tokens)
    assert allowed <= 8 + speech_s * 25 + 1

"""A clause's audio without silence around it, without clicks, and the pause behind it."""

from __future__ import annotations

import numpy as np
import pytest
from livekit.plugins.speechcore.text.pauses import (
    COMMA_PAUSE_MS,
    JOIN_PAUSE_MS,
    SENTENCE_PAUSE_MS,
    pause_after_ms,
)
from numpy.typing import NDArray

from agent.speech.edges import ClauseEdges, silence

RATE_HZ = 16_000
KEPT = RATE_HZ * 20 // 1000
FADED = RATE_HZ * 3 // 1000


def trimmed(pcm: bytes, *, piece_samples: int = 0) -> NDArray[np.int16]:
    edges = ClauseEdges(RATE_HZ)
    step = 2 * piece_samples or len(pcm) or 1
    pieces = [edges.process(pcm[at : at + step]) for at in range(0, len(pcm), step)]
    return np.frombuffer(b"".join([*pieces, edges.finish()]), dtype=np.int16)


def sound(count: int, level: int = 8000) -> bytes:
    return np.full(count, level, dtype=np.int16).tobytes()


@pytest.mark.parametrize("piece_samples", [0, 1, 37, 160, 4000])
def test_silence_at_the_edges_goes_but_for_20_ms(piece_samples: int) -> None:
    pcm = silence(500, RATE_HZ) + sound(1000) + silence(700, RATE_HZ)
    samples = trimmed(pcm, piece_samples=piece_samples)
    assert len(samples) == KEPT + 1000 + KEPT
    assert np.all(samples[KEPT:-KEPT] == 8000)


@pytest.mark.parametrize("piece_samples", [0, 1, 160])
def test_a_pause_inside_stays_whole(piece_samples: int) -> None:
    pcm = sound(1000) + silence(400, RATE_HZ) + sound(1000)
    assert len(trimmed(pcm, piece_samples=piece_samples)) == len(pcm) // 2


def test_edges_without_silence_are_faded() -> None:
    samples = trimmed(sound(1000))
    assert abs(samples[0]) < 300 and samples[-1] == 0
    assert np.all(np.diff(samples[:FADED]) >= 0) and np.all(np.diff(samples[-FADED:]) <= 0)
    assert np.all(samples[FADED:-FADED] == 8000)


def test_noise_below_minus_50_dbfs_is_silence() -> None:
    assert len(trimmed(sound(5000, 100))) == 0
    assert len(trimmed(sound(5000, 105))) == 5000


def test_the_loudest_negative_sample_is_a_sound() -> None:
    assert len(trimmed(sound(10, -32768))) == 10


def test_sound_comes_at_once() -> None:
    edges = ClauseEdges(RATE_HZ)
    assert edges.process(silence(100, RATE_HZ)) == b""
    assert len(edges.process(sound(800))) // 2 == KEPT + 800 - FADED


def test_nothing_stays_nothing() -> None:
    assert len(trimmed(b"")) == 0
    assert len(trimmed(silence(300, RATE_HZ))) == 0


@pytest.mark.parametrize(
    ("clause", "pause_ms"),
    [
        ("It is open. ", SENTENCE_PAUSE_MS),
        ('He said "Stop!" ', SENTENCE_PAUSE_MS),
        ("**Really?** ", SENTENCE_PAUSE_MS),
        ("- an item\n", SENTENCE_PAUSE_MS),
        ("好的。", SENTENCE_PAUSE_MS),
        ("Here is why: ", SENTENCE_PAUSE_MS),
        ("If it rains, ", COMMA_PAUSE_MS),
        ("the hill — ", COMMA_PAUSE_MS),
        ("from the north ", JOIN_PAUSE_MS),
        ("🙂", JOIN_PAUSE_MS),
        ("", JOIN_PAUSE_MS),
    ],
)
def test_the_pause_behind_a_clause_depends_on_how_it_ends(clause: str, pause_ms: float) -> None:
    assert pause_after_ms(clause) == pause_ms


def test_silence_lasts_as_long_as_asked() -> None:
    assert silence(250, RATE_HZ) == bytes(2 * 4000)

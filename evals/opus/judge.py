"""What became of a sentence on its way: how late it came, what is missing, which words are left.

Pure but for `Recogniser`. Samples are int16 mono at RATE_HZ.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from livekit.plugins.pocketsphinx import PocketsphinxEngine

from evals.ear.recording import Lane
from tests.stack.caller import RATE_HZ, resample

LONGEST_DELAY_S = 1.5
"""A sentence that is not found by then did not arrive."""
MISSING_DB = 15.0
"""So much quieter than it was sent, a piece of speech is missing."""

_COARSE = 6
_PIECE = RATE_HZ // _COARSE // 4
"""A quarter of a second."""
_LEAST_LIKENESS = 0.5
_LEAST_PIECES = 0.3
"""Share of the pieces that have to be found."""
_WINDOW = RATE_HZ // 50
_REACH = 2
"""A receiver stretches and squeezes sound: a piece may be so many windows away."""
_SPEECH_DBFS = -40.0
_MARGIN_S = 0.2


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """One sentence, as it was received."""

    delay_s: float | None
    """From a sample's way into the SDK to its way out of the other; None when it was not found."""
    speech_windows: int
    """Of 20 ms, in which there was speech."""
    missing_windows: int


def judge(sent: np.ndarray, lane: Lane, sent_s: float) -> Arrival:
    """`sent_s`: when the first sample was sent, on the lane's clock."""
    delay_s = find(sent, lane, sent_s)
    levels = window_levels(sent)
    speech = levels > _SPEECH_DBFS
    count = int(speech.sum())
    if delay_s is None:
        return Arrival(delay_s=None, speech_windows=count, missing_windows=count)
    start_s, reach_s = sent_s + delay_s, _REACH * _WINDOW / RATE_HZ
    heard = lane.between(start_s - reach_s, start_s + len(sent) / RATE_HZ + reach_s)
    padded = np.zeros(len(levels) * _WINDOW + 2 * _REACH * _WINDOW, dtype=np.int16)
    padded[: len(heard)] = heard[: len(padded)]
    around = np.lib.stride_tricks.sliding_window_view(window_levels(padded), 2 * _REACH + 1)
    missing = speech & (around.max(axis=1)[: len(levels)] < levels - MISSING_DB)
    return Arrival(delay_s=delay_s, speech_windows=count, missing_windows=int(missing.sum()))


def find(sent: np.ndarray, lane: Lane, sent_s: float) -> float | None:
    """How much later the sentence lies in the lane: the median of its pieces' delays.

    Piece by piece, because a receiver that conceals losses stretches and squeezes what is between: as a whole
    the sentence no longer fits.
    """
    heard = _coarse(lane.between(sent_s, sent_s + len(sent) / RATE_HZ + LONGEST_DELAY_S))
    reach = round(LONGEST_DELAY_S * RATE_HZ / _COARSE)
    coarse, delays, count = _coarse(sent), [], 0
    for start in range(0, len(coarse) - _PIECE + 1, _PIECE):
        piece = coarse[start : start + _PIECE]
        if 20 * np.log10(piece.std() / 32768 + 1e-9) < _SPEECH_DBFS:
            continue
        count += 1
        place = _best_place(piece, heard[start : start + _PIECE + reach])
        if place is not None:
            delays.append(place * _COARSE / RATE_HZ)
    return float(np.median(delays)) if delays and len(delays) >= _LEAST_PIECES * count else None


def _best_place(piece: np.ndarray, heard: np.ndarray) -> int | None:
    """Where the piece begins: the peak of the normalised correlation."""
    if len(heard) < len(piece):
        return None
    size = 1 << (len(piece) + len(heard)).bit_length()
    product = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(piece, size)), size)
    scores = product[: len(heard) - len(piece) + 1]
    squares = np.concatenate([[0.0], np.cumsum(heard**2)])
    energies = squares[len(piece) :] - squares[: -len(piece)]
    likeness = scores / np.sqrt(np.maximum(energies, 1.0) * np.sum(piece**2))
    best = int(np.argmax(likeness))
    return best if likeness[best] >= _LEAST_LIKENESS else None


def window_levels(samples: np.ndarray) -> np.ndarray:
    """RMS of each whole window of 20 ms, in dB under full scale."""
    whole = samples[: len(samples) // _WINDOW * _WINDOW].reshape(-1, _WINDOW) / 32768.0
    levels: np.ndarray = 10 * np.log10((whole**2).mean(axis=1) + 1e-12)
    return levels


def cut_out(sent: np.ndarray, lane: Lane, sent_s: float, delay_s: float | None) -> np.ndarray:
    """The sentence as it was heard, with a moment of what is around it."""
    start_s = sent_s + (delay_s or 0.0)
    return lane.between(start_s - _MARGIN_S, start_s + len(sent) / RATE_HZ + _MARGIN_S)


class Recogniser:
    """pocketsphinx, each sentence for itself."""

    def __init__(self) -> None:
        self._engine = PocketsphinxEngine(max_sessions=1)

    def text_of(self, samples: np.ndarray) -> str:
        session = self._engine.open()
        try:
            quiet = np.zeros(RATE_HZ // 2, dtype=np.int16)
            whole = np.concatenate([quiet, samples, quiet])
            session.accept(resample(whole, RATE_HZ, self._engine.sample_rate_hz).tobytes())
            return session.finish().text
        finally:
            session.close()


def _coarse(samples: np.ndarray) -> np.ndarray:
    """At a sixth of the rate: enough for a place to the eighth of a millisecond."""
    whole = samples[: len(samples) // _COARSE * _COARSE].astype(float)
    coarse: np.ndarray = whole.reshape(-1, _COARSE).mean(axis=1)
    return coarse

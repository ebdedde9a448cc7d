"""One cell of the table: a chain in a condition."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from livekit.plugins.pocketsphinx import PocketsphinxEngine

from agent.sound.plan import NoisePlan
from agent.sound.stage import RATE_HZ
from agent.turns.caller_vad import CallerVAD
from agent.turns.voice_level import VoiceLevel
from agent.turns.words import WordsJudge
from evals.ear.vad_figures import average_precision, label_windows
from evals.sound.hearing import (
    Cleaned,
    Overlaps,
    Turns,
    clean,
    through_vad,
    timed_words,
    word_errors,
)
from evals.sound.material import Condition, Track, noise_alone

WINDOW_S = 0.032
"""Of Silero."""

_PEAK_OVER_MEAN_DB = 8.0
"""Of the loudest piece of speech, over its mean level."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What one chain makes of one condition."""

    chain: str
    condition: str
    on_share: float
    vad_ap: float
    """Over the windows of the spoken tracks."""
    vad_windows: int
    human_ap: float | None
    """Over those of the recordings of people; None without them."""
    human_windows: int
    word_errors: int
    words: int
    utterances: int
    cut_off: int
    """Utterances that the end-of-turn policy cut off."""
    not_ended: int
    """Utterances whose turn did not end before the next began."""
    end_p50_s: float | None
    """From the end of an utterance to that of its turn, the chain's delay included."""
    end_p95_s: float | None
    false_turns: int
    noise_s: float
    """Of noise alone over the agent's speech."""
    false_interruptions: int
    ducks: int
    """Times the agent was turned down over it."""


@dataclass
class Bench:
    """What all cells of a process share."""

    spoken: Sequence[Track]
    human: Sequence[Track]
    noise_s: float
    engine: PocketsphinxEngine = field(default_factory=PocketsphinxEngine)
    judge: WordsJudge = field(default_factory=WordsJudge.load)
    vad: CallerVAD = field(default_factory=CallerVAD)

    def measure(self, name: str, plan: NoisePlan, condition: Condition) -> Cell:
        cleaned = [clean(plan, t.heard(condition, seed)) for seed, t in enumerate(self.spoken)]
        turns, scores, labels = self._listen(cleaned)
        errors = [
            word_errors(self.engine, one, track.said)
            for one, track in zip(cleaned, self.spoken, strict=True)
        ]
        ends_s = [end_s for one in turns for end_s in one.ends_s.values()]
        said = sum(len(track.said) for track in self.spoken)
        overlaps = self._interrupt(plan, condition)
        human_ap, human_windows = self._human(plan, condition)
        return Cell(
            chain=name,
            condition=condition.name,
            on_share=round(float(np.mean([one.on_share for one in cleaned])), 3),
            vad_ap=round(average_precision(scores, labels), 4),
            vad_windows=len(scores),
            human_ap=human_ap,
            human_windows=human_windows,
            word_errors=sum(it.errors for it in errors),
            words=sum(it.words for it in errors),
            utterances=said,
            cut_off=sum(len(one.cut) for one in turns),
            not_ended=said - len(ends_s),
            end_p50_s=_percentile(ends_s, 50),
            end_p95_s=_percentile(ends_s, 95),
            false_turns=sum(one.false_turns for one in turns),
            noise_s=self.noise_s,
            false_interruptions=overlaps.yielded,
            ducks=overlaps.ducked,
        )

    def _listen(self, cleaned: Sequence[Cleaned]) -> tuple[list[Turns], np.ndarray, np.ndarray]:
        turns, scores, labels = [], [], []
        for one, track in zip(cleaned, self.spoken, strict=True):
            followed = Turns(track.said, self.judge, one.delay_s)
            scores.append(asyncio.run(through_vad(self.vad, one.samples, followed.on_window)))
            labels.append(_labels(track, len(scores[-1]), one.delay_s))
            turns.append(followed)
        return turns, np.concatenate(scores), np.concatenate(labels)

    def _interrupt(self, plan: NoisePlan, condition: Condition) -> Overlaps:
        """The noise alone, with another seed than under the speech."""
        own = np.random.default_rng(99).normal(0, 0.001, round(self.noise_s * RATE_HZ))
        heard = own + noise_alone(condition, self.noise_s, seed=99)[: len(own)]
        pcm = np.clip(np.rint(heard * 32768), -32768, 32767).astype(np.int16)
        samples = clean(plan, pcm).samples
        usual = VoiceLevel(dbfs=condition.voice_dbfs + _PEAK_OVER_MEAN_DB)
        overlaps = Overlaps(timed_words(self.engine, samples), usual)
        asyncio.run(through_vad(self.vad, samples, overlaps.on_window))
        return overlaps

    def _human(self, plan: NoisePlan, condition: Condition) -> tuple[float | None, int]:
        if not self.human:
            return None, 0
        scores, labels = [], []
        for seed, track in enumerate(self.human):
            one = clean(plan, track.heard(condition, seed))
            scores.append(asyncio.run(through_vad(self.vad, one.samples, lambda gate, event: None)))
            labels.append(_labels(track, len(scores[-1]), one.delay_s))
        joined = np.concatenate(scores)
        return round(average_precision(joined, np.concatenate(labels)), 4), len(joined)


def _labels(track: Track, windows: int, delay_s: float) -> np.ndarray:
    """Speech as it is behind the chain: the delay is told beside, not counted twice."""
    later = [(start_s + delay_s, end_s + delay_s, speech) for start_s, end_s, speech in track.spans]
    return label_windows(later, windows, WINDOW_S)


def _percentile(values: Sequence[float], percent: int) -> float | None:
    return round(float(np.percentile(values, percent)), 3) if values else None

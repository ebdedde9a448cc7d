"""What the product's own pieces make of a microphone: chain, VAD, turns, interruptions, words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from livekit import rtc
from livekit.agents import stt, vad
from livekit.plugins.pocketsphinx import PocketsphinxEngine
from rapidfuzz.distance import Levenshtein

from agent.sound.cleaner import Cleaner
from agent.sound.plan import NoisePlan
from agent.sound.stage import FRAME_SAMPLES, RATE_HZ
from agent.turns.caller_vad import CallerVAD
from agent.turns.endpointing import HazardPolicy
from agent.turns.gate import GateEvent, SpeechGate
from agent.turns.overlap import Move, OverlapPolicy, OverlapView, Phase
from agent.turns.stt_events import INTERIM
from agent.turns.turn_taker import TurnTaker
from agent.turns.voice_level import VoiceLevel
from agent.turns.words import WordsJudge, overlap_words
from evals.ear.flite import spoken_words
from evals.sound.material import Said
from tests.stack.caller import resample

STT_S = 0.08
"""From the end of a word to its partial transcript."""

_RECOGNISER_HZ = 16_000
_PIECE_S = 0.032
_AFTER_S = 0.7
"""Of quiet that the recogniser hears after a sentence before its final is asked for."""

OnWindow = Callable[[SpeechGate, GateEvent | None], None]


@dataclass(frozen=True, kw_only=True, eq=False)
class Cleaned:
    """A microphone behind the chain."""

    samples: np.ndarray
    delay_s: float
    on_share: float
    """Of the frames, those in which the chain was on."""


def clean(plan: NoisePlan, heard: np.ndarray) -> Cleaned:
    if not plan.stages:
        return Cleaned(samples=heard, delay_s=0.0, on_share=0.0)
    cleaner = Cleaner(plan)
    whole = heard[: len(heard) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
    frames, on = [], 0
    for frame in whole:
        frames.append(cleaner.process(frame))
        on += cleaner.is_on
    return Cleaned(
        samples=np.concatenate(frames), delay_s=cleaner.delay_s, on_share=on / len(whole)
    )


async def through_vad(
    caller_vad: CallerVAD, samples: np.ndarray, on_window: OnWindow
) -> np.ndarray:
    """The scores of the windows, as a call gets them; `on_window` is called for each."""
    caller_vad.on_window = on_window
    stream = caller_vad.stream()
    try:
        for start in range(0, len(samples) - FRAME_SAMPLES + 1, FRAME_SAMPLES):
            pcm = samples[start : start + FRAME_SAMPLES].tobytes()
            stream.push_frame(rtc.AudioFrame(pcm, RATE_HZ, 1, FRAME_SAMPLES))
        stream.end_input()
        kind = vad.VADEventType.INFERENCE_DONE
        return np.array([event.probability async for event in stream if event.type is kind])
    finally:
        await stream.aclose()


@dataclass
class Turns:
    """Follows a track with the product's end-of-turn policy. The words come as they were said, so
    that what changes is the VAD's doing alone; a turn that ends too soon is noted, and goes on."""

    said: Sequence[Said]
    judge: WordsJudge
    delay_s: float
    cut: set[int] = field(default_factory=set)
    """Utterances that were cut off."""
    ends_s: dict[int, float] = field(default_factory=dict)
    """By utterance: from its end to the end of the turn."""
    false_turns: int = 0
    """Turns that ended while nobody had said anything."""
    _now_s: float = 0.0
    _current: int = 0
    _given: int = 0
    _first: int = 0

    def __post_init__(self) -> None:
        self._taker = TurnTaker(
            HazardPolicy(), lambda words: self.judge.judge(words), clock=lambda: self._now_s
        )

    def on_window(self, gate: SpeechGate, event: GateEvent | None) -> None:
        self._now_s = gate.heard_s
        at_s = self._now_s - self.delay_s
        while self._current + 1 < len(self.said) and at_s >= self.said[self._current + 1].start_s:
            self._current += 1
            self._given = self._first = 0
        self._give_words(at_s)
        self._taker.on_window(gate, event)
        if self._taker.is_over():
            self._over(at_s)

    def _give_words(self, at_s: float) -> None:
        words = self.said[self._current].words
        due = sum(word.end_s + STT_S <= at_s for word in words)
        if due > self._given:
            self._given = due
            text = " ".join(word.text for word in words[self._first : due])
            data = stt.SpeechData(language="en", text=text)  # type: ignore[arg-type]
            self._taker.on_stt(stt.SpeechEvent(type=INTERIM, alternatives=[data]))

    def _over(self, at_s: float) -> None:
        one = self.said[self._current]
        if at_s < one.start_s or self._current in self.ends_s:
            self.false_turns += 1
        elif at_s < one.end_s:
            self.cut.add(self._current)
        else:
            self.ends_s[self._current] = at_s + self.delay_s - one.end_s
        self._first = self._given
        self._taker.committed()


@dataclass
class Overlaps:
    """Follows noise alone while the agent speaks, with what the recogniser makes of it."""

    words: Sequence[tuple[float, str]]
    """When a transcript came, and all words so far."""
    caller: VoiceLevel
    ducked: int = 0
    yielded: int = 0
    _policy: OverlapPolicy = field(default_factory=OverlapPolicy)
    _place: int = 0
    _dropped: int = 0
    """Words that were decided on already."""

    def on_window(self, gate: SpeechGate, event: GateEvent | None) -> None:
        while self._place < len(self.words) and self.words[self._place][0] <= gate.heard_s:
            self._place += 1
        heard = self.words[self._place - 1][1].split() if self._place else []
        text = " ".join(heard[self._dropped :])
        view = OverlapView(
            phase=Phase.SPEAKING,
            is_sounding=gate.is_speaking,
            sound_s=gate.speech_s,
            silence_s=gate.silence_s,
            heard=overlap_words(text, "") if text else "none",
            is_far=self.caller.is_far(gate.peak_dbfs),
        )
        match self._policy.process(view):
            case Move.DUCK:
                self.ducked += 1
            case Move.YIELD:
                self.yielded += 1
                self._policy = OverlapPolicy()  # the agent begins to speak again
                self._dropped = len(heard)
            case Move.IGNORE:
                self._dropped = len(heard)


@dataclass(frozen=True)
class WordErrors:
    errors: int
    words: int


def word_errors(engine: PocketsphinxEngine, cleaned: Cleaned, said: Sequence[Said]) -> WordErrors:
    """Substituted, missing and added words of all utterances, in one session as in a call."""
    samples = resample(cleaned.samples, RATE_HZ, _RECOGNISER_HZ)
    session = engine.open()
    errors = words = 0
    try:
        at = 0
        for one in said:
            until = round((one.end_s + cleaned.delay_s + _AFTER_S) * _RECOGNISER_HZ)
            for piece in _pieces(samples[at:until]):
                session.accept(piece.tobytes())
            at = until
            heard = spoken_words(session.finish().text)
            errors += Levenshtein.distance(one.reference, heard)
            words += len(one.reference)
    finally:
        session.close()
    return WordErrors(errors, words)


def timed_words(engine: PocketsphinxEngine, samples: np.ndarray) -> list[tuple[float, str]]:
    """Each change of the recogniser's transcript: when, and the text."""
    session = engine.open()
    found: list[tuple[float, str]] = []
    try:
        for number, piece in enumerate(_pieces(resample(samples, RATE_HZ, _RECOGNISER_HZ)), 1):
            text = session.accept(piece.tobytes()).text
            if text and (not found or found[-1][1] != text):
                found.append((number * _PIECE_S + STT_S, text))
    finally:
        session.close()
    return found


def _pieces(samples: np.ndarray) -> list[np.ndarray]:
    size = round(_PIECE_S * _RECOGNISER_HZ)
    return [samples[start : start + size] for start in range(0, len(samples), size)]

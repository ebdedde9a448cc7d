"""evals.sound: the noises and microphones it makes, and how it follows turns and interruptions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from livekit.plugins.speechcore import Word

from agent.turns.gate import GateEvent, SpeechGate
from agent.turns.voice_level import VoiceLevel
from agent.turns.words import WordsJudge
from evals.sound.__main__ import OtherConditionsError, check_alike, with_new_costs
from evals.sound.hearing import Overlaps, Turns
from evals.sound.material import CONDITIONS, Condition, Said, Track, noise_alone, spoken_tracks
from evals.sound.noises import NOISES, make_noise
from evals.sound.table import tables
from evals.sound.work import Options

RATE_HZ = 24_000
WINDOW_S = 0.032
SENTENCES = [("rms", "Spring came early this year."), ("kal16", "My leg hurts.")]


@pytest.mark.parametrize("name", NOISES)
def test_a_noise_has_its_length_and_level_and_is_the_same_for_the_same_seed(name: str) -> None:
    noise = make_noise(name, 4.0, SENTENCES, seed=1)
    assert len(noise) == 4 * RATE_HZ
    assert np.sqrt(np.mean(noise**2)) == pytest.approx(1)
    assert np.array_equal(noise, make_noise(name, 4.0, SENTENCES, seed=1))
    assert not np.array_equal(noise, make_noise(name, 4.0, SENTENCES, seed=2))


def test_speech_and_noise_have_the_levels_of_their_condition() -> None:
    (track, _) = spoken_tracks(1, 1)
    condition = Condition(noise="street", snr_db=10)
    clean = track.heard(Condition(), seed=0) / 32768
    noise = noise_alone(condition, 4.0, seed=0)
    start_s, end_s, _ = track.spans[0]
    assert start_s == pytest.approx(2.0, abs=0.01)
    speech = np.concatenate(
        [clean[round(a * RATE_HZ) : round(b * RATE_HZ)] for a, b, _ in track.spans]
    )
    assert 20 * np.log10(speech.std()) == pytest.approx(-26, abs=0.1)
    assert 20 * np.log10(noise.std()) == pytest.approx(-36, abs=0.1)
    assert 20 * np.log10(clean[: 2 * RATE_HZ].std()) == pytest.approx(-60, abs=0.5)


def test_no_caller_says_what_another_says_and_all_conditions_have_names() -> None:
    first, second = spoken_tracks(3, 2)
    assert len(first.said) == len(second.said) == 5
    assert not {one.text for one in first.said} & {one.text for one in second.said}
    assert len({condition.name for condition in CONDITIONS}) == len(CONDITIONS) == 11


def windows(track: Track, gate: SpeechGate) -> Iterator[GateEvent | None]:
    """As a VAD without a fault hears the track."""
    seconds = len(track.samples) / RATE_HZ
    for number in range(round(seconds / WINDOW_S)):
        at_s = number * WINDOW_S
        is_speech = any(a <= at_s < b for a, b, _ in track.spans)
        yield gate.process(1.0 if is_speech else 0.0, [-20.0 if is_speech else -60.0] * 4, WINDOW_S)


def spoken(*words: str, pause_s: float = 0.0) -> Said:
    """Words of 0.4 s each, from 1 s on, with a pause after the first two."""
    starts_s = [1.0 + 0.4 * index + (pause_s if index > 1 else 0.0) for index in range(len(words))]
    timed = tuple(Word(word, at, at + 0.4) for word, at in zip(words, starts_s, strict=True))
    pauses = ((timed[1].end_s, timed[2].start_s),) if pause_s else ()
    return Said(
        text=" ".join(words),
        start_s=1.0,
        end_s=timed[-1].end_s,
        words=timed,
        pauses_s=pauses,
    )


def followed(said: Said) -> Turns:
    track = Track(samples=np.zeros(8 * RATE_HZ), spans=said.spans, said=(said,))
    turns, gate = Turns(track.said, WordsJudge.load(), delay_s=0.0), SpeechGate()
    for event in windows(track, gate):
        turns.on_window(gate, event)
    return turns


def test_a_turn_without_a_pause_ends_soon_after_its_words() -> None:
    turns = followed(spoken("what", "time", "is", "it", "now"))
    assert not turns.cut
    assert 0.2 < turns.ends_s[0] < 1.0
    assert turns.false_turns == 0


def test_a_pause_where_the_phrase_could_end_is_noted_as_a_cut() -> None:
    turns = followed(spoken("thank", "you", "and", "goodbye", pause_s=2.5))
    assert turns.cut == {0}
    assert 0 in turns.ends_s


def interrupted(*words: tuple[float, str]) -> Overlaps:
    """A sound from 1 to 2 s over the agent, with what the recogniser makes of it."""
    overlaps, gate = Overlaps(words, VoiceLevel(dbfs=-20.0)), SpeechGate()
    track = Track(samples=np.zeros(4 * RATE_HZ), spans=[(1.0, 2.0, True)])
    for event in windows(track, gate):
        overlaps.on_window(gate, event)
    return overlaps


def test_a_sound_without_words_turns_the_agent_down_and_no_more() -> None:
    overlaps = interrupted()
    assert (overlaps.ducked, overlaps.yielded) == (1, 0)


def test_words_over_the_agent_interrupt_it() -> None:
    assert interrupted((1.6, "stop please")).yielded == 1


def test_the_table_has_a_row_a_condition_and_a_column_a_chain() -> None:
    cell = {
        "vad_ap": 0.9, "vad_windows": 10, "human_ap": None, "human_windows": 0, "word_errors": 1,
        "words": 4, "utterances": 2, "cut_off": 1, "not_ended": 1, "end_p50_s": 0.5,
        "end_p95_s": 0.75, "false_turns": 0, "noise_s": 30.0, "false_interruptions": 2, "ducks": 3,
    }  # fmt: skip
    cells = [cell | {"chain": c, "condition": "hum, 5 dB"} for c in ("off", "gate")]
    cost = {"what": "gate", "frames": 10, "p50_ms": 0.01, "p95_ms": 0.02}
    text = tables({"cells": cells, "costs": [cost]})
    assert "|  | off | gate |" in text
    assert "| hum, 5 dB | 25 % | 25 % |" in text
    assert "| hum, 5 dB | 0.50, 0.75 (1) | 0.50, 0.75 (1) |" in text
    assert "| gate | 0.010, 0.020 |" in text


def test_cells_that_were_measured_otherwise_are_not_gone_on_with() -> None:
    then = {"split": "dev", "plain_per_voice": 5, "paused_per_voice": 4, "people": "all"}
    check_alike(then, then | {"machine": "another"})
    with pytest.raises(OtherConditionsError, match="people 'all', not 'none': set PARLEY_VAD_DATA"):
        check_alike(then, then | {"people": "none"})


def test_costs_measured_anew_leave_all_cells_as_they_are(tmp_path: Path) -> None:
    output = tmp_path / "sound.json"
    there = {"conditions": {"split": "dev"}, "cells": [{"chain": "off"}]}
    output.write_text(json.dumps(there | {"costs": []}))
    options = Options(
        plain=1, paused=1, noise_s=1.0, every=1000, processes=1, chains=(), output=output,
        resume=False, costs=True, table=False,
    )  # fmt: skip
    result = with_new_costs(options)
    assert json.loads(output.read_text()) == result
    assert result == there | {"costs": result["costs"]}
    assert [cost["what"] for cost in result["costs"]][-2:] == ["highpass, rnnoise", "all"]

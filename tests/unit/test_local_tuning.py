from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.local.trials import thread_counts
from agent.local.tuning import (
    FILE,
    Measurement,
    Tuning,
    best,
    load,
    pays_together,
    save,
    tuning_of,
)
from agent.speech.planner import Synthesis


def took(engine: str, threads: int, seconds: float, variant: str = "") -> Measurement:
    return Measurement(engine=engine, threads=threads, seconds=seconds, variant=variant)


def test_the_fewest_threads_that_are_as_quick_are_chosen() -> None:
    measured = [
        took("kokoro", 1, 0.90), took("kokoro", 2, 0.50), took("kokoro", 4, 0.49),
        took("llama_cpp", 1, 2.0), took("llama_cpp", 4, 1.0),
    ]  # fmt: skip
    assert best(measured) == {"kokoro": measured[1], "llama_cpp": measured[4]}


def test_a_coarser_precision_is_chosen_only_when_it_is_quicker() -> None:
    alike = [
        took("kokoro", 1, 0.50, "v1.0"), took("kokoro", 2, 0.51, "v1.0"),
        took("kokoro", 1, 0.49, "v1.0-int8"),
    ]  # fmt: skip
    assert best(alike) == {"kokoro": alike[0]}
    quicker = [
        took("faster_whisper", 1, 0.50, "float32"), took("faster_whisper", 2, 0.30, "float32"),
        took("faster_whisper", 1, 0.20, "int8"), took("faster_whisper", 2, 0.19, "int8"),
    ]  # fmt: skip
    assert best(quicker) == {"faster_whisper": quicker[3]}


@pytest.mark.parametrize(("cores", "counts"), [(1, [1]), (2, [1, 2]), (6, [1, 2, 4, 6])])
def test_powers_of_two_and_all_cores_are_tried(cores: int, counts: list[int]) -> None:
    assert thread_counts(cores) == counts


def test_what_was_measured_is_kept_and_read_again(tmp_path: Path) -> None:
    voice = Measurement(
        engine="kokoro", variant="v1.0", threads=1, seconds=0.9, fixed_s=0.05, per_s=0.4
    )
    chosen = {
        "faster_whisper": took("faster_whisper", 2, 0.2, "int8"),
        "kokoro": voice,
        "llama_cpp": Measurement(engine="llama_cpp", threads=4, seconds=1.0, first_s=0.3),
    }
    path = save(tmp_path, tuning_of(chosen), list(chosen.values()))
    assert load(tmp_path) == Tuning(
        whisper_threads=2,
        whisper_compute_type="int8",
        kokoro_threads=1,
        kokoro_variant="v1.0",
        kokoro_fixed_s=0.05,
        kokoro_per_s=0.4,
        llama_threads=4,
        llama_first_s=0.3,
    )
    assert [each["seconds"] for each in json.loads(path.read_text())["measurements"]] == [
        0.2, 0.9, 1.0,
    ]  # fmt: skip


@pytest.mark.parametrize(("together_s", "pays"), [(1.0, True), (2.4, True), (2.6, False)])
def test_a_batch_pays_when_callers_wait_less_on_average(together_s: float, pays: bool) -> None:
    assert pays_together(4, one_s=1.0, together_s=together_s) is pays


def test_a_batch_that_pays_is_kept() -> None:
    whisper = Measurement(engine="faster_whisper", threads=1, seconds=0.1, batch=4)
    assert tuning_of({"faster_whisper": whisper}).whisper_batch == 4
    assert tuning_of({}).whisper_batch == 1


def test_a_file_of_an_older_parley_counts(tmp_path: Path) -> None:
    path = save(tmp_path, Tuning(kokoro_threads=2), [])
    content = json.loads(path.read_text())
    content["tuning"] = {"kokoro_threads": 2, "gone": "x"}
    path.write_text(json.dumps(content))
    assert load(tmp_path) == Tuning(kokoro_threads=2)


def test_a_slow_voice_begins_with_a_longer_clause_from_the_first_reply_on() -> None:
    slow, slower = (Tuning(kokoro_fixed_s=0.05, kokoro_per_s=per_s) for per_s in (0.3, 0.6))
    lengths = [
        planner.first_length().sentence_chars
        for planner in (slow.planner(), slower.planner())
        if planner
    ]
    # Enough to be spoken while 2.5 s more are made, of 14 characters a second and a pause after it.
    needed = [round((0.05 + 2.5 * per_s + 0.1 - 0.25) * 14) for per_s in (0.3, 0.6)]
    assert lengths == pytest.approx(needed, abs=1)


def test_one_clause_in_a_call_does_not_undo_what_was_measured() -> None:
    planner = Tuning(kokoro_fixed_s=0.1, kokoro_per_s=0.5).planner()
    assert planner
    planner.observe(Synthesis(chars=28, first_s=1.1, took_s=1.1, audio_s=2.0))
    assert (planner.work.fixed_s, planner.work.per_s) == (pytest.approx(0.1), pytest.approx(0.5))


def test_a_voice_that_was_not_measured_is_learnt_in_the_call() -> None:
    assert Tuning().planner() is None
    assert took("kokoro", 1, 0.5).planner() is None


def test_without_a_tuning_the_libraries_decide(tmp_path: Path) -> None:
    assert load(tmp_path) == Tuning()


@pytest.mark.parametrize(
    "content", ["", "[]", '{"machine": {"cores": 4096}, "tuning": {"kokoro_threads": 9}}']
)
def test_another_machines_or_a_broken_file_is_not_used(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content)
    assert load(tmp_path) == Tuning()

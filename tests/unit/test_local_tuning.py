from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.local.tune import thread_counts
from agent.local.tuning import FILE, Measurement, Tuning, best, load, save, tuning_of


def took(engine: str, threads: int, seconds: float) -> Measurement:
    return Measurement(engine=engine, threads=threads, seconds=seconds)


def test_the_fewest_threads_that_are_as_quick_are_chosen() -> None:
    measured = [
        took("kokoro", 1, 0.90), took("kokoro", 2, 0.50), took("kokoro", 4, 0.49),
        took("llama_cpp", 1, 2.0), took("llama_cpp", 4, 1.0),
    ]  # fmt: skip
    assert best(measured) == {"kokoro": 2, "llama_cpp": 4}


@pytest.mark.parametrize(("cores", "counts"), [(1, [1]), (2, [1, 2]), (6, [1, 2, 4, 6])])
def test_powers_of_two_and_all_cores_are_tried(cores: int, counts: list[int]) -> None:
    assert thread_counts(cores) == counts


def test_what_was_measured_is_kept_and_read_again(tmp_path: Path) -> None:
    tuning = tuning_of({"faster_whisper": 2, "llama_cpp": 4})
    path = save(tmp_path, tuning, [took("faster_whisper", 2, 0.2)])
    assert load(tmp_path) == tuning == Tuning(whisper_threads=2, llama_threads=4)
    assert json.loads(path.read_text())["measurements"][0]["seconds"] == 0.2


def test_without_a_tuning_the_libraries_decide(tmp_path: Path) -> None:
    assert load(tmp_path) == Tuning()


@pytest.mark.parametrize(
    "content", ["", "[]", '{"machine": {"cores": 4096}, "tuning": {"kokoro_threads": 9}}']
)
def test_another_machines_or_a_broken_file_is_not_used(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content)
    assert load(tmp_path) == Tuning()

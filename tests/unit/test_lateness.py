from __future__ import annotations

from pathlib import Path

from agent.lateness import FEWEST, WINDOW_S, Lateness, share_lateness, tell, told


def test_the_p95_is_of_the_last_minute_and_of_enough_answers() -> None:
    lateness = Lateness()
    for n in range(FEWEST - 1):
        lateness.heard(0.5, float(n))
    assert lateness.p95(FEWEST) == 0.0
    lateness.heard(2.0, float(FEWEST))
    assert lateness.p95(FEWEST) == 0.5  # the one late answer is the twentieth of twenty
    lateness.heard(2.0, float(FEWEST))
    assert lateness.p95(FEWEST) == 2.0
    assert lateness.p95(FEWEST + WINDOW_S + 1.0) == 0.0


def test_what_calls_tell_is_heard_once(tmp_path: Path) -> None:
    environment: dict[str, str] = {}
    share_lateness(tmp_path, environment)
    assert told(environment) == []
    tell(0.25, 7.0, environment)
    tell(1.5, 8.0, environment)
    assert told(environment) == [(7.0, 0.25), (8.0, 1.5)]
    tell(0.5, 9.0, environment)
    assert told(environment) == [(9.0, 0.5)]
    assert told(environment) == []


def test_half_an_answer_is_not_read(tmp_path: Path) -> None:
    environment: dict[str, str] = {}
    share_lateness(tmp_path, environment)
    tell(0.25, 7.0, environment)
    with open(tmp_path / "lateness", "ab") as file:
        file.write(b"half")
    assert told(environment) == [(7.0, 0.25)]


def test_without_a_worker_nobody_is_told() -> None:
    tell(1.0, 1.0, {})
    assert told({}) == []

"""The callers' plans, what processes used, the files, and the command line."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from evals.ear.journal import JournalError
from evals.load.__main__ import parse_options
from evals.load.passing import plan
from evals.load.results import read, write
from evals.load.watch import Usage, cores, kbit_s


def test_calls_are_spread_over_the_time_and_end_in_all_ways() -> None:
    calls = plan(240, 1800, random.Random(0))
    assert len(calls) == 240
    times_s = [call.at_s for call in calls]
    assert times_s == sorted(times_s)
    assert all(number * 7.5 <= at_s <= (number + 1) * 7.5 for number, at_s in enumerate(times_s))
    assert {call.hangs_up for call in calls} == {
        "after the answer",
        "in mid-word",
        "in mid-answer",
        "at once",
    }
    assert {call.turns for call in calls} == {1, 2, 3, 4}


def test_the_same_seed_gives_the_same_calls() -> None:
    assert plan(10, 60, random.Random(3)) == plan(10, 60, random.Random(3))


def test_cores_are_those_of_processes_that_lived_all_the_time() -> None:
    before = Usage(10.0, {"agent": {1: 5.0, 2: 1.0}, "server": {9: 2.0}}, 100.0, 1_000)
    after = Usage(20.0, {"agent": {1: 8.0, 3: 7.0}, "server": {9: 2.5}}, 115.0, 1_001_000)
    assert cores(before, after) == {"agent": 0.3, "server": 0.05, "machine": 1.5}
    assert kbit_s(before, after) == pytest.approx(800)


def test_without_a_loopback_counter_the_network_is_unknown() -> None:
    empty = Usage(0.0, {}, 0.0, None)
    assert kbit_s(empty, Usage(1.0, {}, 0.0, 5)) is None


def test_results_are_written_whole_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / "load.json"
    content = {"a": {"b": [1, 2], "c": [{"d": None}, {}]}, "e": [], "f": "g"}
    write(path, content)
    assert read(path) == content
    assert '"b": [1, 2]' in path.read_text()
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_is_none_is_told_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "load.json"
    assert read(path) == {}
    path.write_text("{")
    with pytest.raises(JournalError, match="cannot be read: delete it"):
        read(path)


def test_a_soak_has_eight_calls_a_minute_unless_it_is_told_otherwise() -> None:
    assert parse_options(["soak"]).calls == 240
    assert parse_options(["soak", "--minutes", "2"]).calls == 16
    assert parse_options(["soak", "--minutes", "2", "--calls", "5"]).calls == 5


def test_ours_and_stock_are_compared_unless_it_is_told_otherwise() -> None:
    options = parse_options(["calls"])
    assert (options.systems, options.turns) == (("parley", "stock_v1_mini"), 60)


def test_options_on_the_command_line() -> None:
    options = parse_options(["calls", "redis", "--systems", "parley,stock_v1_mini", "--most", "2"])
    assert (options.parts, options.most) == (["calls", "redis"], 2)
    assert options.systems == ("parley", "stock_v1_mini")


@pytest.mark.parametrize(
    "wrong",
    [
        ["walk"],
        ["calls", "--systems", "vapi"],
        ["soak", "--minutes", "0"],
        ["calls", "--most", "x"],
    ],
)
def test_what_cannot_be_measured_is_refused(
    wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse_options(wrong)
    assert wrong[-1] in capsys.readouterr().err

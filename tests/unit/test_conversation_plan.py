"""Which conversations are held with whom, and what is told of a mistake in saying so."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.config import Settings
from evals.conversations.__main__ import main, options_of, parser
from evals.conversations.plan import Options, plan, system_of, usable, voices
from evals.conversations.scenario import ConversationError, load, only

NAMES = ["sum", "story_heard_out", "caller_wants_a_timer"]


def test_a_profile_without_its_keys_is_told_and_not_run(tmp_path: Path) -> None:
    settings = Settings(agent_cache_dir=tmp_path)
    systems, not_run = usable(["embedded", "hosted", "cloud"], settings)
    assert [system.name for system in systems] == ["parley_embedded"]
    assert list(not_run) == ["hosted", "cloud"] and not_run["hosted"]
    assert not_run["cloud"].startswith("There is no profile 'cloud'")


def test_each_is_held_in_its_ways_with_every_system_as_often_as_asked() -> None:
    options = Options(conversations=only(load(), NAMES), profiles=None, repeat=3)
    systems = [system_of("embedded"), system_of("simulated")]
    jobs = plan(options, systems, "ws://127.0.0.1:1")
    held = {(job.system.profile, job.conversation.name, job.way) for job in jobs}
    assert held == {
        ("embedded", "sum", "voice"),
        ("embedded", "sum", "text"),
        ("embedded", "story_heard_out", "voice"),
        ("embedded", "caller_wants_a_timer", "voice"),
        ("embedded", "caller_wants_a_timer", "text"),
        ("simulated", "sum", "voice"),  # only asked how long it takes: by voice, in fixed steps
        ("simulated", "story_heard_out", "voice"),
    }
    assert len(jobs) == 3 * len(held)
    assert {job.number for job in jobs} == {0, 1, 2}


def test_repeats_are_spoken_by_the_voices_to_tune_with_in_turn() -> None:
    options = Options(conversations=only(load(), ["sum"]), profiles=None, repeat=3)
    jobs = plan(options, [system_of("simulated")], "")
    assert [job.voice for job in jobs] == [voices()[number % len(voices())] for number in range(3)]


def test_who_is_called_first_changes() -> None:
    options = Options(conversations=only(load(), ["sum"]), profiles=None, ways=("voice",), repeat=2)
    jobs = plan(options, [system_of("embedded"), system_of("simulated")], "")
    assert [job.system.profile for job in jobs] == ["embedded", "simulated"] + [
        "simulated",
        "embedded",
    ]


def test_a_model_that_is_to_call_has_to_be_named() -> None:
    with pytest.raises(ConversationError, match="PARLEY_EVALS_LLM_URL"):
        options_of(parser().parse_args(["--user", "model"]), {})


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--only", "nothing"], "there is no conversation 'nothing'"),
        (["--profiles", "cloud"], "There is no profile 'cloud'"),
        (["--files", "nowhere.yaml"], "nowhere.yaml: it cannot be read"),
    ],
)
def test_a_mistake_is_told_in_a_sentence_with_status_2(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert sentence in " ".join(capsys.readouterr().out.split())


def test_files_are_checked_without_a_call(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("- name: a\n  about: b\n  steps: [{sayy: hi}]\n")
    assert main(["--check", "--files", str(path)]) == 2
    assert "mine.yaml:3: unknown key 'sayy'" in capsys.readouterr().out
    path.write_text("- name: a\n  about: b\n  steps: [{say: hi}]\n")
    assert main(["--check", "--files", str(path)]) == 0


def test_without_results_there_is_nothing_to_show(tmp_path: Path) -> None:
    assert main(["--show", "--output", str(tmp_path / "none.json")]) == 1


@pytest.mark.parametrize("arguments", [["--ways", "phone"], ["--repeat", "0"]])
def test_options_that_cannot_be_used_are_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(arguments)

"""The files of conversations: what they may say, and what is told of a mistake in one."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.conversations.scenario import (
    FOLDER,
    ConversationError,
    TimerState,
    Words,
    load,
    only,
    parse,
    tool_names,
)

GOOD = """\
- name: timer
  about: A timer is set.
  steps:
    - say: Set a timer for five | no, ten minutes.
      pauses_s: [0.6]
      said: [ten, minutes]
      called: {set_timer: {duration_s: 600}, list_timers: }
      within_ms: 2500
    - say: What is two plus two?
      interrupts_after_s: 1.5
  end:
    state: {notes: [rex], timers: [600, {duration_s: 60, label: tea}]}
"""


def test_short_forms_mean_what_they_say() -> None:
    (timer,) = parse(GOOD, "good.yaml")
    first, second = timer.steps
    assert first.said == Words(contains=("ten", "minutes"))
    assert first.called == {"set_timer": {"duration_s": 600}, "list_timers": {}}
    assert (first.as_kind, second.as_kind) == ("turn", "interruption")
    assert timer.end.state is not None
    assert timer.end.state.timers == (
        TimerState(duration_s=600),
        TimerState(duration_s=60, label="tea"),
    )
    assert timer.ways == ("voice", "text")


@pytest.mark.parametrize(
    ("change", "line", "sentence"),
    [
        (("say: What", "sayy: What"), 9, "unknown key 'sayy'; did you mean say?"),
        (("about: A timer is set.", "ways: [phone]"), 1, "'about' is missing"),
        (("set_timer:", "set_timmer:"), 7, "there is no tool 'set_timmer'"),
        (("within_ms: 2500", "within_ms: soon"), 8, "within_ms"),
        (("pauses_s: [0.6]", "pauses_s: [0.6, 1]"), 4, "there are 1 | and 2 pauses_s"),
        (("said: [ten, minutes]", "said: {regex: '('}"), 6, "no regular expression"),
        (("notes: [rex]", "notes: rex"), 12, "notes"),
        (("steps:", "steps: ["), 4, "it is not YAML"),
        (("interrupts_after_s: 1.5", "kind: backchannel"), 9, "needs interrupts_after_s"),
    ],
)
def test_a_mistake_is_told_with_file_line_and_what(
    change: tuple[str, str], line: int, sentence: str
) -> None:
    with pytest.raises(ConversationError) as caught:
        parse(GOOD.replace(*change), "bad.yaml")
    told = [one for one in str(caught.value).splitlines() if sentence in one]
    assert len(told) == 1, str(caught.value)
    assert told[0].startswith(f"bad.yaml:{line}: ")


def test_all_mistakes_of_a_file_are_told_at_once() -> None:
    bad = GOOD.replace("say: What", "sayy: What").replace("set_timer:", "set_timmer:")
    with pytest.raises(ConversationError) as caught:
        parse(bad, "bad.yaml")
    assert len(str(caught.value).splitlines()) == 3  # and that `say` is missing


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("- name: a\n  about: b\n", "either steps or a user"),
        ("- name: a\n  about: b\n  steps: [{say: hi, after_s: 1}]\n", "follows no other"),
        ("- name: A b\n  about: b\n  steps: [{say: hi}]\n", "name"),
        ("hello", "valid"),
    ],
)
def test_a_conversation_that_cannot_be_held_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(ConversationError, match=sentence):
        parse(text, "bad.yaml")


def test_a_name_stands_for_one_conversation(tmp_path: Path) -> None:
    paths = [tmp_path / "a.yaml", tmp_path / "b.yaml"]
    for path in paths:
        path.write_text("- name: twice\n  about: b\n  steps: [{say: hi}]\n")
    with pytest.raises(ConversationError, match="two conversations of this name"):
        load(paths)
    with pytest.raises(ConversationError, match="cannot be read"):
        load([tmp_path / "c.yaml"])


def test_our_own_conversations_have_no_mistake_and_use_every_kind_of_rule() -> None:
    found = load()
    assert len(found) >= 10
    assert any(one.user for one in found) and any(one.end.state for one in found)
    steps = [step for one in found for step in one.steps]
    assert {step.as_kind for step in steps} == {"turn", "interruption", "backchannel"}
    assert any(step.within_ms for step in steps) and any(step.pauses_s for step in steps)
    assert sorted(FOLDER.glob("*.yaml"))


def test_conversations_are_chosen_by_name() -> None:
    found = parse(GOOD, "good.yaml")
    assert only(found, ["timer"]) == only(found, []) == found
    with pytest.raises(ConversationError, match="no conversation 'tim'; there are timer"):
        only(found, ["tim"])


def test_the_tools_are_those_of_the_product() -> None:
    assert {"set_timer", "remember", "end_call"} <= set(tool_names())

import pytest
from livekit.plugins.responder import load_skills
from livekit.plugins.responder.skills import choose, template_fields


def test_templates_are_taken_in_turn() -> None:
    said = [choose(["one", "two", "three"], {}, turn) for turn in range(4)]
    assert said == ["one", "two", "three", "one"]


def test_a_template_whose_value_is_missing_is_passed_over() -> None:
    assert choose(["for {label}", "done"], {"label": ""}, 0) == "done"
    assert choose(["for {label}"], {}, 0) is None
    assert choose([], {}, 0) is None


def test_values_are_filled_in_as_they_are() -> None:
    assert choose(["a {x} b {y}"], {"x": "{y}", "y": "2"}, 0) == "a {y} b 2"


def test_the_slots_of_a_template_are_known() -> None:
    assert template_fields("a {x} and {y_2}") == ["x", "y_2"]
    with pytest.raises(ValueError, match="}"):
        template_fields("a {x")


def test_only_abilities_that_the_tools_allow_are_named() -> None:
    skill_set = load_skills()
    assert skill_set.abilities({"get_time", "set_timer"}) == (
        "tell the time, set timers and tell a story"
    )
    assert skill_set.abilities(()) == "tell a story"

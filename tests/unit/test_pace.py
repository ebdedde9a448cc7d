"""Partials come as often as they can be afforded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit.plugins.speechcore.pace import PartialPace


def test_cheap_decodes_come_at_the_least_step() -> None:
    pace = PartialPace(least_step_s=0.4, share=0.5)
    assert pace.step_s == 0.4
    pace.note(0.1)
    assert pace.step_s == 0.4


def test_a_dear_decode_puts_off_the_next_and_a_cheap_one_makes_up_for_it() -> None:
    pace = PartialPace(least_step_s=0.4, share=0.5)
    pace.note(1.0)
    assert pace.step_s == 2.0
    pace.note(0.1)
    assert pace.step_s == 0.4


@given(st.lists(st.floats(0.0, 5.0), min_size=1, max_size=30), st.floats(0.05, 1.0))
def test_partials_never_take_more_than_their_share(costs_s: list[float], share: float) -> None:
    pace = PartialPace(share=share)
    heard_s = 0.0
    for cost_s in costs_s:
        pace.note(cost_s)
        heard_s += pace.step_s
    assert sum(costs_s) <= share * heard_s + 1e-9


@pytest.mark.parametrize(("cost_s", "pause_s"), [(0.0, 0.14), (0.2, 0.14), (0.5, 0.25), (3.0, 0.4)])
def test_the_dearer_a_decode_the_surer_must_the_pause_be(cost_s: float, pause_s: float) -> None:
    pace = PartialPace()
    pace.note(cost_s)
    assert pace.pause_s == pytest.approx(pause_s)

"""Figures as people read them."""

from __future__ import annotations

from evals.ear.targets import ENOUGH, Unit, Verdict


def value_text(value: float, unit: Unit) -> str:
    """A figure of a target, with its unit."""
    if unit == "%":
        return f"{100 * value:.1f} %"
    if unit == "s":
        return f"{value:.3f} s"
    return f"{value:g} µs" if unit == "µs" else f"{value:.3g}"


def state_text(verdict: Verdict) -> str:
    if verdict.state == "too few":
        return f"no claim: n < {ENOUGH[verdict.target.unit]}"
    return "NOT MET" if verdict.state == "missed" else verdict.state

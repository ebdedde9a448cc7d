"""Whether something grows: a straight line by least squares, and how sure its slope is. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Line:
    """y = intercept + slope · x."""

    slope: float
    intercept: float
    slope_error: float | None
    """Standard error, as if the points strayed from the line by chance and each by itself; None for two."""
    n: int

    @property
    def surely_above(self) -> float:
        """What the slope is at least, in 39 of 40 cases (two standard errors below it)."""
        return self.slope - 2 * (self.slope_error or 0.0)


def fit_line(xs: Sequence[float], ys: Sequence[float]) -> Line | None:
    """None when there are no two different x."""
    if len(set(xs)) < 2:
        return None
    slope, intercept = statistics.linear_regression(xs, ys)
    n = len(xs)
    error = None
    if n > 2:
        squares = sum((y - intercept - slope * x) ** 2 for x, y in zip(xs, ys, strict=True))
        middle = statistics.fmean(xs)
        error = math.sqrt(squares / (n - 2) / sum((x - middle) ** 2 for x in xs))
    return Line(slope=slope, intercept=intercept, slope_error=error, n=n)

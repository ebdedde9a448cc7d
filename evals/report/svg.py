"""Charts as inline SVG: curves of shares over time, and points with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import TypeVar

from evals.report.charts import Curve, Point

WIDTH, HEIGHT = 640, 340
COLOURS = ("#0b6e4f", "#c1440e", "#1f5fbf", "#8a5a00", "#7a2e8e", "#4a4a4a", "#b0006d")

_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 16, 14, 42
_LONGEST_S = 5.0

_Item = TypeVar("_Item")


@dataclass(frozen=True, kw_only=True)
class _Axes:
    """Maps values to places in a chart."""

    end_x: float
    end_y: float

    def x(self, value: float) -> float:
        width = WIDTH - _LEFT - _RIGHT
        return round(_LEFT + width * min(value, self.end_x) / self.end_x, 1)

    def y(self, value: float) -> float:
        height = HEIGHT - _TOP - _BOTTOM
        return round(HEIGHT - _BOTTOM - height * min(value, self.end_y) / self.end_y, 1)

    def frame(self, x_label: str) -> str:
        """Grid lines, their values, and what x is; y is always a share."""
        parts = []
        for step in range(6):
            x, y = self.end_x * step / 5, self.end_y * step / 5
            parts.append(
                f'<line class="grid" x1="{self.x(x)}" x2="{self.x(x)}" y1="{_TOP}" '
                f'y2="{HEIGHT - _BOTTOM}"/>'
                f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{self.y(y)}" '
                f'y2="{self.y(y)}"/>'
                f'<text x="{self.x(x)}" y="{HEIGHT - _BOTTOM + 16}" text-anchor="middle">{x:g}</text>'
                f'<text x="{_LEFT - 6}" y="{self.y(y) + 4}" text-anchor="end">{100 * y:.0f} %</text>'
            )
        middle = (_LEFT + WIDTH - _RIGHT) / 2
        parts.append(f'<text x="{middle}" y="{HEIGHT - 6}" text-anchor="middle">{x_label}</text>')
        return "".join(parts)


def response_chart(curves: Sequence[Curve]) -> str:
    """Share of turns answered over seconds after their end."""
    axes = _Axes(end_x=_end([c.times_s[-1] for c in curves if c.times_s]), end_y=1.0)
    lines = []
    for curve, colour in _coloured(curves):
        places = [(axes.x(0), axes.y(0))]
        for index, time_s in enumerate(curve.times_s, 1):
            x = axes.x(time_s)
            places += [(x, places[-1][1]), (x, axes.y(index / curve.turns))]
        places.append((axes.x(axes.end_x), places[-1][1]))
        path = " ".join(f"{x},{y}" for x, y in places)
        lines.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{path}"/>')
    frame = axes.frame("seconds from the end of speech to the first sound")
    names = [f"{curve.label} ({curve.turns})" for curve in curves]
    return _chart(frame + "".join(lines)) + _legend(names)


def trade_off_chart(points: Sequence[Point]) -> str:
    """Turns cut off over the median response, with 95 % intervals; ours joined by a line."""
    axes = _Axes(end_x=_end([point.p50_s for point in points]), end_y=1.0)
    marks = []
    ours = sorted((p for p in points if p.label.startswith("parley")), key=lambda it: it.p50_s)
    for one, other in pairwise(ours):
        marks.append(
            f'<line class="joined" x1="{axes.x(one.p50_s)}" y1="{axes.y(one.cut_off)}" '
            f'x2="{axes.x(other.p50_s)}" y2="{axes.y(other.cut_off)}"/>'
        )
    for point, colour in _coloured(points):
        x, (low, high) = axes.x(point.p50_s), point.interval
        told = escape(
            f"{point.label}: {100 * point.cut_off:.0f} % of {point.pauses_turns} cut off, "
            f"response p50 {point.p50_s:.2f} s, mean {point.mean_s:.2f} s of {point.turns}"
        )
        marks.append(
            f'<g stroke="{colour}" fill="{colour}"><title>{told}</title>'
            f'<line x1="{x}" x2="{x}" y1="{axes.y(low)}" y2="{axes.y(high)}"/>'
            f'<circle cx="{x}" cy="{axes.y(point.cut_off)}" r="5"/></g>'
        )
    frame = axes.frame("median response in seconds (plain turns)")
    return _chart(frame + "".join(marks)) + _legend([point.label for point in points])


def _chart(content: str) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{content}</svg>'


def _legend(names: Sequence[str]) -> str:
    items = (
        f'<span><i style="background:{colour}"></i>{escape(name)}</span>'
        for name, colour in _coloured(names)
    )
    return f'<p class="legend">{"".join(items)}</p>'


def _coloured(items: Sequence[_Item]) -> list[tuple[_Item, str]]:
    return [(item, COLOURS[index % len(COLOURS)]) for index, item in enumerate(items)]


def _end(values: Sequence[float]) -> float:
    """The end of an axis: a round value after all of them, within reason."""
    return next((end for end in (0.5, 1.0, 2.0, 2.5) if max(values, default=0) <= end), _LONGEST_S)

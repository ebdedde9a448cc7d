"""Writes dashboard.json from panels.py: `python deploy/grafana/make.py`, or `--check` to compare.

Needs the package grafana-foundation-sdk (tests/deploy/tools.lock), whose types are Grafana's schema.
"""

from __future__ import annotations

import sys
from pathlib import Path

from grafana_foundation_sdk.builders import prometheus, stat, timeseries
from grafana_foundation_sdk.builders.common import (
    ReduceDataOptions,
    StackingConfig,
    VizLegendOptions,
    VizTooltipOptions,
)
from grafana_foundation_sdk.builders.dashboard import (
    Dashboard,
    DatasourceVariable,
    ThresholdsConfig,
)
from grafana_foundation_sdk.builders.dashboard import Row as RowBuilder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import (
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DataSourceRef,
    Threshold,
    ThresholdsMode,
)
from panels import ROWS, Panel

OUTPUT = Path(__file__).parent / "dashboard.json"
SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
_COLUMNS = 24


def dashboard() -> str:
    """The dashboard as JSON, byte for byte the same each time."""
    board = (
        Dashboard("Parley")
        .uid("parley")
        .tags(["parley", "livekit"])
        .refresh("30s")
        .time("now-3h", "now")
        .timezone("browser")
        .readonly()
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .with_variable(DatasourceVariable("datasource").label("Data source").type("prometheus"))
    )
    for row in ROWS:
        board = board.with_row(RowBuilder(row.title))
        for panel in row.panels:
            is_number = panel.kind == "number"
            width = _COLUMNS // (6 if is_number else 3)
            drawn = _number(panel) if is_number else _lines(panel)
            board = board.with_panel(drawn.span(width).height(4 if is_number else 8))
    text: str = JSONEncoder(sort_keys=True, indent=1).encode(_numbered(board))
    return text + "\n"


def _numbered(board: Dashboard) -> object:
    """The built dashboard; its panels have ids, which links and alerts need to stay the same."""
    built = board.build()
    for number, panel in enumerate(built.panels or (), 1):
        panel.id_val = number
    return built


def _lines(panel: Panel) -> timeseries.Panel:
    legend = VizLegendOptions().display_mode(LegendDisplayMode.LIST).show_legend(True)
    tooltip = VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING)
    drawn = timeseries.Panel().line_width(1).fill_opacity(10).min(0)
    drawn = drawn.legend(legend.placement(LegendPlacement.BOTTOM)).tooltip(tooltip)
    if panel.kind == "stack":
        drawn = drawn.stacking(StackingConfig().mode(StackingMode.NORMAL)).fill_opacity(40)
    return _filled(drawn, panel)


def _number(panel: Panel) -> stat.Panel:
    drawn = stat.Panel().reduce_options(ReduceDataOptions().calcs(["lastNotNull"])).decimals(2)
    steps = [Threshold(color="green", value=None)]
    if panel.warn_above is not None:
        steps.append(Threshold(color="red", value=panel.warn_above))
    thresholds = ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)
    return _filled(drawn.thresholds(thresholds), panel)


def _filled(drawn: timeseries.Panel | stat.Panel, panel: Panel) -> timeseries.Panel | stat.Panel:
    drawn = drawn.title(panel.title).description(panel.description).unit(panel.unit)
    drawn = drawn.datasource(SOURCE)
    for letter, query in zip("ABCDEF", panel.queries, strict=False):
        target = prometheus.Dataquery().expr(query.expr).legend_format(query.legend)
        drawn = drawn.with_target(target.ref_id(letter).datasource(SOURCE))
    return drawn


def main() -> int:
    text = dashboard()
    if sys.argv[1:] == ["--check"]:
        if not OUTPUT.is_file() or OUTPUT.read_text() != text:
            sys.stderr.write(
                f"{OUTPUT.name} is not what panels.py says: run {Path(__file__).name}\n"
            )
            return 1
        return 0
    OUTPUT.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

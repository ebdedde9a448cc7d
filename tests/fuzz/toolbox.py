"""Tools of a call that nobody is on."""

from __future__ import annotations

from datetime import UTC, datetime

from agent.tools import CallActions, Toolbox
from agent.tools.faq import Faq


def new_toolbox() -> Toolbox:
    actions = CallActions(announce=lambda text: None, hang_up=lambda: None)
    return Toolbox(actions, Faq([]), now=lambda: datetime(2026, 11, 26, tzinfo=UTC))

"""What every report is made of: one HTML page that needs nothing else. Content, notes and cells are
HTML already; titles, heads and names are text."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

_STYLE = Path(__file__).with_name("page.css")


def document(title: str, body: str) -> str:
    """The whole page."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title, quote=False)}</title><style>{_STYLE.read_text()}</style></head>"
        f"<body>{body}</body></html>\n"
    )


def section(title: str, content: str, note: str) -> str:
    return f'<h2>{title}</h2><p class="note">{note}</p><div class="scroll">{content}</div>'


def table(head: Sequence[str], lines: Sequence[Sequence[str]], *, are_numbers: bool = False) -> str:
    """Numbers stand in columns and are never broken."""
    cell = '<td class="number">' if are_numbers else "<td>"
    titles = "".join(f"<th>{escape(title)}</th>" for title in head)
    rows = "".join(
        "<tr>" + "".join(f"{cell}{text}</td>" for text in line) + "</tr>" for line in lines
    )
    return f"<table><thead><tr>{titles}</tr></thead><tbody>{rows}</tbody></table>"


def state(verdict: str, text: str) -> str:
    """`text` in the colour of met, missed or anything else."""
    kind = verdict if verdict in {"met", "missed"} else "unmeasured"
    return f'<span class="{kind}">{escape(text)}</span>'

"""Tables as Markdown, and their places in a document. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

_BEGIN, _END = "<!-- figures: {} -->", "<!-- end -->"


def markdown_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Cells are Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def filled(text: str, tables: Mapping[str, str]) -> str:
    """The document with the tables in their places. Raises ValueError where there is no place."""
    for name, table in tables.items():
        begin = _BEGIN.format(name)
        before, found, rest = text.partition(begin)
        _, found_end, after = rest.partition(_END)
        if not (found and found_end):
            raise ValueError(f"the document has no {begin} … {_END}")
        text = f"{before}{begin}\n{table}\n{_END}{after}"
    return text

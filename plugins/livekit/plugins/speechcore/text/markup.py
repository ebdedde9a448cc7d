"""Markdown, emoji and HTML to plain text, a clause at a time. For any language."""

from __future__ import annotations

import html
import re

_Rule = tuple[re.Pattern[str], str]

_EMOJI = (
    "[\U0001f000-\U0001fbff\u2600-\u27bf\u2b00-\u2bff\ufe00-\ufe0f\u200d\u20e3"
    "\u200b\u2060\ufeff\u00ad\U000e0020-\U000e007f]+"
)


def _rule(pattern: str, replacement: str) -> _Rule:
    return re.compile(pattern, re.MULTILINE), replacement


_RULES: tuple[_Rule, ...] = (
    _rule(_EMOJI, " "),
    _rule(r"^[ \t]*```+.*$", ""),  # the fence of a code block; the code itself is read
    _rule(r"`+", ""),
    _rule(r"^[ \t]*(?:(?:-\s*){3,}|(?:\*\s*){3,}|(?:_\s*){3,}|=+)$", ""),  # a ruled line
    _rule(r"^[ \t|:-]*\|[ \t|:-]*$", ""),  # the line under a table's head
    _rule(r"^[ \t]*\|\s*(.*?)\s*\|?[ \t]*$", r"\1."),
    _rule(r"[ \t]*(?<!\|)\|(?!\|)[ \t]*", ", "),
    _rule(r"<(?=https?://)([^<>\s]+)>", r"\1"),
    _rule(r"<br\s*/?>", "\n"),
    _rule(r"</?[a-zA-Z][^<>\n]*>", ""),
    _rule(r"!?\[([^\[\]]*)\]\([^()\s]*\)", r"\1"),
    _rule(r"\[\^[^\]]*\]", ""),  # a footnote's mark
    _rule(r"~~[^~\n]+~~", ""),
    _rule(r"^[ \t]{0,3}#{1,6}\s+(.*?)\s*#*$", r"\1"),
    _rule(r"^[ \t]*(?:>\s?)+", ""),
    _rule(r"^[ \t]*[-*+•‣]\s+(?:\[[ xX]\]\s+)?", ""),
    _rule(r"^[ \t]*(\d{1,2})[.)]\s+(?=\S)", r"\1: "),
    # A clause may hold only one end of an emphasis: each mark goes by itself.
    _rule(r"(?<![\w*])\*{1,3}(?=[^\s*])|(?<=[^\s*])\*{1,3}(?![\w*])", ""),
    _rule(r"(?<![\w_])_{1,3}(?=[^\s_])|(?<=[^\s_])_{1,3}(?![\w_])", ""),
)
_LINE_WITHOUT_END = re.compile(r"(?<=[^\s.!?…:;,。！？])[ \t]*\n\s*(?=\S|$)")
_SPACES = re.compile(r"\s+")


def plain_text(text: str) -> str:
    """`text` on one line; a line without punctuation at its end gets a full stop."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    text = _LINE_WITHOUT_END.sub(". ", html.unescape(text).lstrip())
    return _SPACES.sub(" ", text).strip()

"""Keeps a conversation within the model's context: the oldest turns go first, the instructions never.

Pure. What was cut stays cut, so that the prompts of later turns begin alike and are found in the
server's cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from livekit.agents import llm

_KEPT_SHARE = 0.6
"""Of the context, after a cut: the rest is for the answers until the next one."""

_SHORTEST_CHARS = 200
"""Texts are not cut below this length: what is left would be no question any more."""


class History:
    """The cuts of one conversation. A context without the items it knows is another one, left whole."""

    def __init__(self) -> None:
        self._first_kept: str | None = None
        self._longest_chars: int | None = None

    def fit(self, chat_ctx: llm.ChatContext) -> llm.ChatContext:
        """`chat_ctx` without what was cut so far; a copy if anything was."""
        opening, turns = split_opening(chat_ctx.items)
        ids = [item.id for item in turns]
        if self._first_kept not in ids:
            self._first_kept = self._longest_chars = None
            return chat_ctx
        kept = turns[ids.index(self._first_kept) :]
        return llm.ChatContext(
            [*opening, *(_shortened(item, self._longest_chars) for item in kept)]
        )

    def shrink(self, chat_ctx: llm.ChatContext, overflow: Overflow, *, other_chars: int) -> bool:
        """Cuts more, after the server refused what `fit` gave. False if nothing is left to cut.

        `other_chars` are those of the tools' descriptions, which count but cannot be cut.
        """
        fitted = self.fit(chat_ctx)
        _, turns = split_opening(fitted.items)
        whole = sum(map(_chars, fitted.items)) + other_chars
        surplus = int(whole * (1 - _KEPT_SHARE * overflow.context_tokens / overflow.prompt_tokens))
        start = _first_to_keep(turns, surplus)
        dropped = sum(map(_chars, turns[:start]))
        is_shorter = self._keep(turns[start:], surplus - dropped)
        return start > 0 or is_shorter

    def _keep(self, kept: Sequence[llm.ChatItem], surplus: int) -> bool:
        """Keeps these, their texts shortened by `surplus` characters in all. False if too short."""
        if not kept:
            return False
        self._first_kept = kept[0].id
        if surplus <= 0:
            return False
        longest = max(_SHORTEST_CHARS, _level(sorted(map(_chars, kept)), surplus))
        is_shorter = any(_chars(item) > longest for item in kept)
        self._longest_chars = min(longest, self._longest_chars or longest)
        return is_shorter


@dataclass(frozen=True, slots=True)
class Overflow:
    """Why the server refused a prompt."""

    prompt_tokens: int
    context_tokens: int


def split_opening(
    items: Sequence[llm.ChatItem],
) -> tuple[list[llm.ChatItem], list[llm.ChatItem]]:
    """(the instructions a conversation begins with, the rest)."""
    for at, item in enumerate(items):
        is_instruction = item.type == "message" and item.role in ("system", "developer")
        if not is_instruction and item.type in ("message", "function_call", "function_call_output"):
            return list(items[:at]), list(items[at:])
    return list(items), []


def _first_to_keep(turns: Sequence[llm.ChatItem], surplus: int) -> int:
    """Where to cut so that `surplus` characters go, in whole turns; the last turn stays."""
    starts = [at for at, item in enumerate(turns) if at > 0 and _is_user(item)]
    for start in starts:
        if sum(map(_chars, turns[:start])) >= surplus:
            return start
    return starts[-1] if starts else 0


def _level(lengths: Sequence[int], surplus: int) -> int:
    """To what length the longest must be cut so that `surplus` goes; `lengths` in rising order."""
    for count in range(1, len(lengths) + 1):
        level = (sum(lengths[-count:]) - surplus) // count
        if count == len(lengths) or level >= lengths[-count - 1]:
            return level
    return 0


def _is_user(item: llm.ChatItem) -> bool:
    return item.type == "message" and item.role == "user"


def _chars(item: llm.ChatItem) -> int:
    if item.type == "message":
        return len(item.text_content or "")
    if item.type == "function_call":
        return len(item.name) + len(item.arguments)
    return len(item.output) if item.type == "function_call_output" else 0


def _shortened(item: llm.ChatItem, longest_chars: int | None) -> llm.ChatItem:
    """Without the beginning of a text that is too long: a question stands at the end."""
    if longest_chars is None or _chars(item) <= longest_chars:
        return item
    if item.type == "message":
        return item.model_copy(update={"content": [(item.text_content or "")[-longest_chars:]]})
    if item.type == "function_call_output":
        return item.model_copy(update={"output": item.output[-longest_chars:]})
    return item

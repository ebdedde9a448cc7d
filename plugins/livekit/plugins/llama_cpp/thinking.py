"""Takes a model's thinking out of its answer, so that it is never spoken. Pure."""

from __future__ import annotations

_TAGS = {
    "<think>": "</think>",
    "<thinking>": "</thinking>",
    "<reasoning>": "</reasoning>",
    "[THINK]": "[/THINK]",
}
_ENDS = frozenset(_TAGS.values())
_MARKERS = (*_TAGS, *_ENDS)


class ThinkingFilter:
    """Takes an answer in pieces of any length and gives back what may be spoken.

    llama.cpp separates the thinking of the models it knows into a field that nobody reads; this is
    for what comes as text, from models it does not know. A thought that does not end is all thought.
    """

    def __init__(self) -> None:
        self._held = ""
        self._end = ""

    def process(self, text: str) -> str:
        """What can be spoken by now. The beginning of what may become a tag is held back."""
        self._held += text
        spoken: list[str] = []
        while self._held:
            before, marker, after = _split(self._held, (self._end,) if self._end else _MARKERS)
            if not self._end:
                spoken.append(before)
            if not marker:
                self._held = after
                break
            self._held = after
            # An end without a beginning is a thought that began in the prompt: nothing to speak.
            self._end = "" if self._end else _TAGS.get(marker, "")
        return "".join(spoken)

    def finish(self) -> str:
        """The rest, once the answer is complete; then ready for another answer."""
        rest = "" if self._end else self._held
        self._held = self._end = ""
        return rest


def _split(text: str, markers: tuple[str, ...]) -> tuple[str, str, str]:
    """(before, marker, after); without a marker `after` is what may be the beginning of one."""
    found = [(at, marker) for marker in markers if (at := text.find(marker)) >= 0]
    if found:
        at, marker = min(found)
        return text[:at], marker, text[at + len(marker) :]
    held = max(
        (
            length
            for marker in markers
            for length in range(1, len(marker))
            if text.endswith(marker[:length])
        ),
        default=0,
    )
    cut = len(text) - held
    return text[:cut], "", text[cut:]

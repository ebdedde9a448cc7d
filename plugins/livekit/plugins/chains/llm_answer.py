"""What of an answer has been passed on, whoever gave it. Pure."""

from __future__ import annotations

from collections.abc import Callable

from livekit.agents import llm
from livekit.agents.utils import shortuuid

from .continuation import Seam, WholeWords


class Answer:
    """Passes chunks on in whole words, under one id, the usage last."""

    def __init__(self, send: Callable[[llm.ChatChunk], None]) -> None:
        self.said = ""
        """The text so far."""
        self.has_called = False
        """A tool call was passed on: nothing may be asked again."""
        self._send = send
        self._id = ""
        self._seam = Seam("")
        self._words = WholeWords()
        self._usages: list[llm.CompletionUsage] = []

    @property
    def prompt_tokens(self) -> int:
        """What the last member read, as it counts; 0 before it has said so."""
        return self._usages[-1].prompt_tokens if self._usages else 0

    def goes_on(self) -> None:
        """Another member speaks from here on. What the last one left of a word is forgotten."""
        self._seam = Seam(self.said)
        self._words = WholeWords()

    def add(self, chunk: llm.ChatChunk) -> None:
        self._id = self._id or chunk.id or shortuuid("chain_")
        if chunk.usage is not None:
            self._usages.append(chunk.usage)
        if (delta := chunk.delta) is None:
            return
        text = self._words.process(self._seam.process(delta.content or ""))
        if delta.tool_calls:
            text += self._rest()
            self.has_called = True
        text = text if self.said else text.lstrip()
        if text or delta.tool_calls or delta.extra:
            self._pass(delta.model_copy(update={"role": "assistant", "content": text or None}))

    def finish(self) -> bool:
        """The rest of the text, then the usage. False, and nothing, if there was no answer at all."""
        if rest := self._rest():
            self._pass(llm.ChoiceDelta(role="assistant", content=rest))
        if not self.said.strip() and not self.has_called:
            return False
        if self._usages:
            self._send(llm.ChatChunk(id=self._id, usage=_sum(self._usages)))
        return True

    def _rest(self) -> str:
        return self._words.process(self._seam.finish()) + self._words.finish()

    def _pass(self, delta: llm.ChoiceDelta) -> None:
        self.said += delta.content or ""
        self._send(llm.ChatChunk(id=self._id, delta=delta))


def _sum(usages: list[llm.CompletionUsage]) -> llm.CompletionUsage:
    """Of all members that took part, as far as they lived to tell."""
    total = usages[0].model_copy()
    for usage in usages[1:]:
        total.prompt_tokens += usage.prompt_tokens
        total.prompt_cached_tokens += usage.prompt_cached_tokens
        total.completion_tokens += usage.completion_tokens
        total.reasoning_tokens += usage.reasoning_tokens
        total.total_tokens += usage.total_tokens
    return total

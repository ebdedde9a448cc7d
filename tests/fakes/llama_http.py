"""A llama.cpp server without a model, behind httpx: answers what the test scripts, in its words.

What it says back is modelled on llama.cpp's server as the `xllamacpp` wheel of 2026-10 has it; the
tests in tests/models drive that one.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
from livekit.plugins import llama_cpp

LLAMA_URL = "http://127.0.0.1:1"
"""Nobody listens there."""

CONTEXT_TOKENS = 4096
END_TOKEN = 258
_ID = "chatcmpl-fake"


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer to one chat request."""

    deltas: Sequence[dict[str, Any]] = ()
    finish: str = "stop"
    delay_s: float = 0.0
    """Before the first delta."""
    pace_s: float = 0.0
    """Between two."""
    breaks_off: bool = False
    """The connection dies after the deltas."""
    error: dict[str, Any] | None = None
    """Sent instead, as the whole answer, with its `code` as the status."""
    late_error: dict[str, Any] | None = None
    """Sent after the deltas."""


def spoken(*texts: str, **options: Any) -> Reply:
    return Reply(deltas=[{"content": text} for text in texts], **options)


def called(name: str, *arguments: str, **options: Any) -> Reply:
    """One tool call; its arguments come in these pieces."""
    head = {"id": "call_1", "index": 0, "type": "function"}
    deltas: list[dict[str, Any]] = [
        {"tool_calls": [{**head, "function": {"name": name, "arguments": ""}}]}
    ]
    deltas += [
        {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} for piece in arguments
    ]
    return Reply(deltas=deltas, **{"finish": "tool_calls", **options})


def refused(code: int, kind: str, **details: Any) -> Reply:
    return Reply(error={"code": code, "type": kind, "message": "the caller said so", **details})


STORY = spoken("Once ", "upon ", "a ", "time ", "there ", "was ", "a ", "fox.")


@dataclass
class FakeLlama(httpx2.AsyncBaseTransport):
    """Gives the replies one after the other, the last again and again."""

    replies: Sequence[Reply] = (STORY,)
    top_logprobs: Sequence[tuple[int, str, float]] = ()
    """(token, text, logprob) that may follow a prompt."""
    evaluation_s: float = 0.0
    """How long a prompt takes to be read."""
    is_llama: bool = True
    """False: a server that has OpenAI's endpoints alone."""
    has_limit: bool = False
    """Refuses prompts of CONTEXT_TOKENS characters and more."""
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    dropped: int = 0
    """Requests whose client went away before the end."""
    at_once: int = 0
    """The most prompts that were read at the same time."""
    _reading: int = 0
    _replied: int = 0

    def client(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(transport=self, timeout=5.0)

    def bodies(self, path: str) -> list[dict[str, Any]]:
        return [body for asked, body in self.asked if asked == path]

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        body = json.loads(await request.aread() or b"{}")
        path = request.url.path
        self.asked.append((path, body))
        if path == "/v1/chat/completions":
            return self._chat(body)
        if path == "/v1/models":
            return httpx2.Response(200, json={"object": "list", "data": []})
        if not self.is_llama:
            return httpx2.Response(404, json={"error": {"code": 404, "type": "not_found_error"}})
        if path == "/apply-template":
            return httpx2.Response(200, json={"prompt": render(body)})
        if path == "/tokenize":
            return httpx2.Response(200, json={"tokens": tokens(body["content"])})
        if self.has_limit and len(body["prompt"]) >= CONTEXT_TOKENS:
            return _overflow(len(body["prompt"]))
        return _streamed(self._evaluate(body))

    def _chat(self, body: dict[str, Any]) -> httpx2.Response:
        size = len(render(body))
        if self.has_limit and size >= CONTEXT_TOKENS:
            return _overflow(size)
        reply = self.replies[min(self._replied, len(self.replies) - 1)]
        self._replied += 1
        return _refusal(reply) if reply.error else _streamed(self._answer(reply, size))

    async def _answer(self, reply: Reply, prompt_tokens: int) -> AsyncIterator[bytes]:
        try:
            yield _event({"role": "assistant", "content": None})
            await asyncio.sleep(reply.delay_s)
            for delta in reply.deltas:
                yield _event(delta)
                await asyncio.sleep(reply.pace_s)
            if reply.breaks_off:
                raise httpx2.RemoteProtocolError("peer closed connection")
            if reply.late_error:
                yield _data({"error": reply.late_error})
                return
            yield _event({}, reply.finish)
            yield _usage(prompt_tokens, len(reply.deltas))
            yield b"data: [DONE]\n\n"
        except (asyncio.CancelledError, GeneratorExit):
            self.dropped += 1
            raise

    def _made_token(self) -> dict[str, Any]:
        listed = [
            {"id": token, "token": text, "logprob": logprob}
            for token, text, logprob in self.top_logprobs
        ]
        made = [{"top_logprobs": listed}]
        return {"content": "", "stop": False, "completion_probabilities": made}

    async def _evaluate(self, body: dict[str, Any]) -> AsyncIterator[bytes]:
        self._reading += 1
        self.at_once = max(self.at_once, self._reading)
        try:
            yield _data({"content": "", "stop": False})
            await asyncio.sleep(self.evaluation_s)
            if body.get("n_probs") and body["n_predict"]:
                yield _data(self._made_token())
            yield _data(
                {
                    "content": "",
                    "stop": True,
                    "id_slot": max(0, body["id_slot"]),
                    "tokens_evaluated": len(body["prompt"]),
                    "timings": {"prompt_n": len(body["prompt"])},
                }
            )
        except (asyncio.CancelledError, GeneratorExit):
            self.dropped += 1
            raise
        finally:
            self._reading -= 1


@asynccontextmanager
async def engine(server: FakeLlama, **options: Any) -> AsyncIterator[llama_cpp.LLM]:
    async with server.client() as http, llama_cpp.LLM(LLAMA_URL, http=http, **options) as made:
        yield made


def fake_llama(*replies: Reply) -> llama_cpp.LLM:
    """An LLM on a fake server; its client has no connection, so nobody need close it."""
    return llama_cpp.LLM(LLAMA_URL, http=FakeLlama(replies or (STORY,)).client())


class _Body(httpx2.AsyncByteStream):
    def __init__(self, parts: AsyncIterator[bytes]) -> None:
        self._parts = parts

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._parts:
            yield part

    async def aclose(self) -> None:
        await self._parts.aclose()  # type: ignore[attr-defined]  # it is a generator


def render(body: dict[str, Any]) -> str:
    """A small chat template."""
    tools = json.dumps(body["tools"]) if body.get("tools") else ""
    turns = "".join(
        f"<{message['role']}>{message.get('content') or ''}<end>" for message in body["messages"]
    )
    return f"{tools}{turns}<assistant>"


def tokens(text: str) -> list[int]:
    """A token is a character, or <end>."""
    return [END_TOKEN if piece == "<end>" else ord(piece) for piece in re.findall("<end>|.", text)]


def _streamed(parts: AsyncIterator[bytes]) -> httpx2.Response:
    headers = {"content-type": "text/event-stream"}
    return httpx2.Response(200, headers=headers, stream=_Body(parts))


def _overflow(size: int) -> httpx2.Response:
    details = {"n_prompt_tokens": size, "n_ctx": CONTEXT_TOKENS}
    return _refusal(refused(400, "exceed_context_size_error", **details))


def _refusal(reply: Reply) -> httpx2.Response:
    assert reply.error is not None
    return httpx2.Response(reply.error["code"], json={"error": reply.error})


def _data(content: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(content)}\n\n".encode()


def _event(delta: dict[str, Any], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return _data({**_HEAD, "choices": [choice]})


def _usage(prompt_tokens: int, completion_tokens: int) -> bytes:
    usage = {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
        "prompt_tokens_details": {"cached_tokens": 0},
    }
    return _data({**_HEAD, "choices": [], "usage": usage})


_HEAD = {"id": _ID, "object": "chat.completion.chunk", "created": 0, "model": "fake"}

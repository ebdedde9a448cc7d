"""The endpoints of a llama.cpp server beyond OpenAI's: templates, tokens, prompts evaluated ahead."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx2

from .history import Overflow
from .turn_end import Candidate, end_probability

Message = dict[str, Any]
"""A chat message as OpenAI's API writes it."""

HANG_UP = {"Connection": "close"}
"""For requests whose answer is streamed: llama.cpp hangs up after such an answer without saying so,
and the next request on that connection would be lost."""

_LIMITS = httpx2.Limits(max_connections=8, keepalive_expiry=2.0)
"""llama.cpp closes a connection that is idle for five seconds: ours must go before."""

_HTTP_TIMEOUT_S = 10.0
"""For what livekit asks without a deadline; each request of ours brings its own."""

_MARK = "PartialEndsHere7f3a9c"
"""Stands at the end of the caller's words while the template is applied. Letters and digits only:
no template escapes or trims them."""

_LISTED = 40
"""How many candidates for the next token are asked for."""


class Refused(Exception):
    """The server answered with an error, or with what is no answer of llama.cpp's. Its own words may
    quote the conversation: never log them."""

    def __init__(self, status: int, body: object) -> None:
        super().__init__(f"the llama.cpp server answered with status {status}")
        self.status = status
        self.body = body


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A conversation up to the caller's last word, through the model's own template."""

    text: str
    after: str
    """What the template writes next: the end of the caller's turn first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefill:
    """A conversation that the model has read ahead."""

    prompt_tokens: int
    new_tokens: int
    """Of those, the ones that were not in the slot's cache."""
    end_probability: float | None = None
    """That the caller's turn ends here; None where it was not asked for or cannot be told."""


class LlamaClient:
    """Speaks to one server through `http`, which stays the caller's to close.

    Every method raises httpx2.HTTPError when the server cannot be reached or is late, Refused when
    it answers with an error.
    """

    def __init__(self, url: str, http: httpx2.AsyncClient) -> None:
        """`url`: without the "/v1"."""
        self._url = url
        self._http = http
        self._end_tokens: dict[str, int] = {}

    async def render(
        self,
        messages: Sequence[Message],
        tools: Sequence[Mapping[str, Any]],
        partial: str,
        options: Mapping[str, Any],
        *,
        timeout_s: float,
    ) -> Prompt | None:
        """The prompt of a conversation in which the caller has said `partial` so far.

        `options` of the template as in a chat request. None if the template does not write the
        caller's words out.
        """
        body = {
            **options,
            "messages": [*messages, {"role": "user", "content": partial + _MARK}],
            **({"tools": list(tools)} if tools else {}),
        }
        answer = await self._post("/apply-template", body, timeout_s)
        before, found, after = str(answer.get("prompt", "")).rpartition(_MARK)
        return Prompt(text=before, after=after) if found else None

    async def tokenize(self, text: str, *, timeout_s: float) -> list[int]:
        answer = await self._post("/tokenize", {"content": text}, timeout_s)
        with _understood():
            return [int(token) for token in answer.get("tokens", [])]

    async def evaluate(
        self, prompt: Prompt, *, slot: int, tells_end: bool = False, timeout_s: float
    ) -> Prefill:
        """Brings `prompt` into the cache of `slot` (-1: one the server picks).

        `tells_end`: how likely the caller's turn ends there as well, for a token made and thrown away.

        Streamed with progress: dropped, it stops after the batch in work, where a plain request
        goes on for up to a second. `timeout_s` holds from one sign of life to the next.
        """
        body = {
            "prompt": prompt.text,
            "id_slot": slot,
            "cache_prompt": True,
            "n_predict": 1 if tells_end else 0,
            **({"n_probs": _LISTED} if tells_end else {}),
            "stream": True,
            "return_progress": True,
        }
        last: Mapping[str, Any] = {}
        listed: list[Candidate] = []
        async for event in self._stream("/completion", body, timeout_s):
            last = event
            with _understood():
                listed = _candidates(event) or listed
        end_token = await self._end_token(prompt.after, timeout_s) if listed else None
        with _understood():
            return Prefill(
                prompt_tokens=int(last.get("tokens_evaluated", 0)),
                new_tokens=int(last.get("timings", {}).get("prompt_n", 0)),
                end_probability=None if end_token is None else end_probability(listed, end_token),
            )

    async def unused_slots(self, *, timeout_s: float) -> list[int]:
        """Those that no request has come to since the server has started."""
        response = await self._http.get(f"{self._url}/slots", timeout=timeout_s)
        if response.status_code != 200:
            raise Refused(response.status_code, _error(response.content))
        with _understood():
            return [
                int(slot["id"])
                for slot in json.loads(response.content)
                if not slot["is_processing"] and "id_task" not in slot
            ]

    async def save_slot(self, slot: int, name: str, *, timeout_s: float) -> int:
        """Writes what `slot` has read into a file of the server's folder for that; how many tokens."""
        body = {"filename": name}
        answer = await self._post(f"/slots/{slot}?action=save", body, timeout_s)
        with _understood():
            return int(answer["n_saved"])

    async def restore_slot(self, slot: int, name: str, *, timeout_s: float) -> None:
        """Puts what such a file holds in the place of what `slot` has read."""
        await self._post(f"/slots/{slot}?action=restore", {"filename": name}, timeout_s)

    async def _end_token(self, after: str, timeout_s: float) -> int | None:
        """The token that ends the caller's turn in this template; asked of the server once."""
        if after not in self._end_tokens:
            tokens = await self.tokenize(after, timeout_s=timeout_s)
            if not tokens:
                return None
            self._end_tokens[after] = tokens[0]
        return self._end_tokens[after]

    async def _post(self, path: str, body: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        response = await self._http.post(f"{self._url}{path}", json=body, timeout=timeout_s)
        if response.status_code != 200:
            raise Refused(response.status_code, _error(response.content))
        with _understood():
            return dict(json.loads(response.content))

    async def _stream(
        self, path: str, body: Mapping[str, Any], timeout_s: float
    ) -> AsyncIterator[Mapping[str, Any]]:
        async with self._http.stream(
            "POST", f"{self._url}{path}", json=body, headers=HANG_UP, timeout=timeout_s
        ) as response:
            if response.status_code != 200:
                raise Refused(response.status_code, _error(await response.aread()))
            async for line in response.aiter_lines():
                if not line.startswith("data: {"):
                    continue
                with _understood():
                    event: Mapping[str, Any] = json.loads(line.removeprefix("data: "))
                    if error := event.get("error"):
                        raise Refused(int(error.get("code", 500)), error)
                yield event


def overflow_of(body: object) -> Overflow | None:
    """What a server's error says about a prompt that is too long; None for any other error."""
    if not isinstance(body, Mapping) or body.get("type") != "exceed_context_size_error":
        return None
    prompt, context = body.get("n_prompt_tokens"), body.get("n_ctx")
    if not isinstance(prompt, int) or not isinstance(context, int) or prompt <= 0 or context <= 0:
        return None
    return Overflow(prompt, context)


def http_client(url: str, api_key: str = "none") -> httpx2.AsyncClient:
    """For one server."""
    return httpx2.AsyncClient(
        timeout=_HTTP_TIMEOUT_S,
        headers={"Authorization": f"Bearer {api_key}"},
        limits=_LIMITS,
        trust_env=not is_loopback(url),  # no proxy stands between us and this machine
    )


def is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


@contextmanager
def _understood() -> Iterator[None]:
    """What another server than llama.cpp's may answer is a refusal."""
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError):
        raise Refused(200, None) from None


def _error(content: bytes) -> object:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return body.get("error", body) if isinstance(body, dict) else body


def _candidates(event: Mapping[str, Any]) -> list[Candidate]:
    """Those for the first token of a completion, the likeliest first."""
    made = event.get("completion_probabilities")
    return [
        Candidate(int(item["id"]), str(item["token"]), float(item["logprob"]))
        for item in (made[0].get("top_logprobs", ()) if made else ())
    ]

"""A speech server with OpenAI's interface, at any URL, as a `SynthesiserHandle`."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
from livekit.plugins.speechcore import EngineError, Voicing
from livekit.plugins.speechio import HTTPVoice, PcmResampler

from .body import SoundBody

DEFAULT_MODEL = "tts-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """Where the server is and what it is asked for. Raises EngineError for a URL that is none."""

    url: str
    """Of its interface, like http://127.0.0.1:8000/v1."""
    model: str = DEFAULT_MODEL
    voice: str = "alloy"
    api_key: str | None = field(default=None, repr=False)
    """A server of one's own usually needs none."""
    sample_rate_hz: int = 24_000
    """Of its raw PCM, unless the Content-Type says another one. A WAV file says its rate itself."""

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise EngineError(f"the speech server's address must be http(s)://…, not {self.url!r}")


def parse_address(address: str, *, api_key: str | None = None) -> ServerOptions:
    """Of `http://host:port/v1`, or `http://host:port/v1?model=kokoro`. Raises EngineError with a
    sentence."""
    url, _, query = address.partition("?")
    model = DEFAULT_MODEL
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name != "model":
            raise EngineError(f"the speech server's address knows ?model=NAME and no {name!r}")
        if not value.strip():
            raise EngineError("?model= of the speech server's address names no model")
        model = value
    return ServerOptions(url=url, model=model, api_key=api_key)


class SpeechServer(HTTPVoice):
    def __init__(self, options: ServerOptions) -> None:
        self._options = options
        super().__init__(
            name=f"the speech server at {options.url}",
            address=f"{options.url.rstrip('/')}/audio/speech",
            headers={"Authorization": f"Bearer {options.api_key}"} if options.api_key else None,
        )

    @property
    def model(self) -> str:
        return self._options.model

    @property
    def sample_rate_hz(self) -> int:
        return self._options.sample_rate_hz

    def _question(self, text: str, voicing: Voicing) -> dict[str, Any]:
        # The language is the server's affair: OpenAI's interface has no field for it, and refuses one.
        return {
            "model": self._options.model,
            "input": text,
            "voice": voicing.voice or self._options.voice,
            "response_format": "pcm",
            "speed": voicing.speed,
        }

    async def _sound(self, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        rate_hz = self._options.sample_rate_hz
        body = SoundBody(response.headers.get("Content-Type", ""), rate_hz)
        resampler: PcmResampler | None = None
        async for piece in response.content.iter_any():
            pcm = body.push(piece)
            if pcm and resampler is None:
                resampler = PcmResampler(body.rate_hz, rate_hz)
            if resampler is not None and (ready := resampler.push(pcm)):
                yield ready
        if resampler is not None and (tail := resampler.flush()):
            yield tail

    async def _reason(self, response: aiohttp.ClientResponse, text: str) -> str | None:
        reason = _reason(await response.read())
        return None if text[:40] in reason else reason


def _reason(body: bytes) -> str:
    """What an error answer says, as OpenAI's servers and FastAPI's write it."""
    try:
        data = json.loads(body[:65_536])
    except (ValueError, RecursionError):
        return ""
    if not isinstance(data, dict):
        return ""
    error = data.get("error", data.get("detail", data.get("message", "")))
    if isinstance(error, dict):
        error = error.get("message", "")
    return error[:200] if isinstance(error, str) else ""

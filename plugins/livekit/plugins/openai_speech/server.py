"""A speech server with OpenAI's interface, at any URL, as a `SynthesiserHandle`."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from livekit.plugins.speechcore import (
    DEFAULT_VOICING,
    EngineBusy,
    EngineError,
    EngineTimeout,
    SpeechChunk,
    Voicing,
)
from livekit.plugins.speechio import PcmResampler

from .body import SoundBody

_BUSY = {429, 503}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """Where the server is and what it is asked for. Raises EngineError for a URL that is none."""

    url: str
    """Of its interface, like http://127.0.0.1:8000/v1."""
    model: str = "tts-1"
    voice: str = "alloy"
    api_key: str | None = field(default=None, repr=False)
    """A server of one's own usually needs none."""
    sample_rate_hz: int = 24_000
    """Of its raw PCM, unless the Content-Type says another one. A WAV file says its rate itself."""

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise EngineError(f"the speech server's address must be http(s)://…, not {self.url!r}")


class SpeechServer:
    """Speaks as the server's answer comes; closing the generator hangs up.

    The connection is kept for the next text until `aclose()`.
    """

    def __init__(self, options: ServerOptions) -> None:
        self._options = options
        self._session: aiohttp.ClientSession | None = None
        self._is_closed = False

    @property
    def model(self) -> str:
        return self._options.model

    @property
    def sample_rate_hz(self) -> int:
        return self._options.sample_rate_hz

    async def speak(
        self, text: str, voicing: Voicing = DEFAULT_VOICING, *, timeout_s: float
    ) -> AsyncGenerator[SpeechChunk, None]:
        """Raises EngineError, EngineBusy, and EngineTimeout when `timeout_s` pass without a byte."""
        if not any(map(str.isalnum, text)):
            return
        timeout = aiohttp.ClientTimeout(total=None, connect=timeout_s, sock_read=timeout_s)
        try:
            async with self._connected().post(
                f"{self._options.url.rstrip('/')}/audio/speech",
                json=self._question(text, voicing),
                headers=self._headers(),
                timeout=timeout,
            ) as response:
                if response.status != 200:
                    raise await self._refusal(response, text)
                async for pcm in self._sound(response):
                    yield SpeechChunk(pcm)
        except TimeoutError as e:
            raise EngineTimeout(f"{self._name} did not answer within {timeout_s:g} s") from e
        except aiohttp.ClientConnectorError as e:
            raise EngineError(f"{self._name} cannot be reached: is it running?") from e
        except aiohttp.ClientError as e:
            raise EngineError(f"{self._name} broke off ({type(e).__name__})") from e

    def close(self) -> None:
        """Nothing new is spoken; the connections wait for `aclose()`."""
        self._is_closed = True

    async def aclose(self) -> None:
        self.close()
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    @property
    def _name(self) -> str:
        return f"the speech server at {self._options.url}"

    def _connected(self) -> aiohttp.ClientSession:
        if self._is_closed:
            raise EngineError("this speech server's voice is closed")
        if self._session is None:  # made in the loop that uses it
            self._session = aiohttp.ClientSession()
        return self._session

    def _question(self, text: str, voicing: Voicing) -> dict[str, Any]:
        # The language is the server's affair: OpenAI's interface has no field for it, and refuses one.
        return {
            "model": self._options.model,
            "input": text,
            "voice": voicing.voice or self._options.voice,
            "response_format": "pcm",
            "speed": voicing.speed,
        }

    def _headers(self) -> dict[str, str]:
        key = self._options.api_key
        return {"Authorization": f"Bearer {key}"} if key else {}

    async def _sound(self, response: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
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

    async def _refusal(self, response: aiohttp.ClientResponse, text: str) -> EngineError:
        """The server's reason is told if it gives one, unless it repeats what was to be said."""
        reason = _reason(await response.read())
        if not reason or text[:40] in reason:
            reason = response.reason or "no reason given"
        sentence = f"{self._name} refuses: {response.status}, {reason}"
        return EngineBusy(sentence) if response.status in _BUSY else EngineError(sentence)


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

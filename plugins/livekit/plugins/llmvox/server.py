"""LLMVoX's streaming server as a `SynthesiserHandle`.

Its interface is its own (mbzuai-oryx/LLMVoX, streaming_server.py): `POST URL/tts` with `{"text": …}`, and
sound in the answer. As published it does not read the text: docs/models.md tells what has to be changed.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from urllib.parse import urlsplit

import aiohttp
from livekit.plugins.speechcore import (
    DEFAULT_VOICING,
    EngineBusy,
    EngineError,
    EngineTimeout,
    SpeechChunk,
    Voicing,
)

from .sound import SAMPLE_RATE_HZ, FloatSound

_BUSY = {429, 503}


class LLMVoxServer:
    """One voice, in English; closing the generator hangs up. The connection is kept until `aclose()`."""

    def __init__(self, url: str) -> None:
        """Raises EngineError for a URL that is none."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise EngineError(f"the address of LLMVoX must be http://host:port, not {url!r}")
        self._url = url.rstrip("/")
        self.address = parts.netloc
        self._session: aiohttp.ClientSession | None = None
        self._is_closed = False

    @property
    def model(self) -> str:
        return "llmvox"

    @property
    def sample_rate_hz(self) -> int:
        return SAMPLE_RATE_HZ

    async def speak(
        self, text: str, voicing: Voicing = DEFAULT_VOICING, *, timeout_s: float
    ) -> AsyncGenerator[SpeechChunk, None]:
        """Raises EngineError, EngineBusy, and EngineTimeout when `timeout_s` pass without a byte."""
        if not any(map(str.isalnum, text)):
            return
        timeout = aiohttp.ClientTimeout(total=None, connect=timeout_s, sock_read=timeout_s)
        try:
            async with self._connected().post(
                f"{self._url}/tts", json={"text": text}, timeout=timeout
            ) as response:
                if response.status != 200:
                    raise self._refusal(response)
                sound = FloatSound()
                async for piece in response.content.iter_any():
                    if pcm := sound.push(piece):
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
        return f"LLMVoX at {self._url}"

    def _connected(self) -> aiohttp.ClientSession:
        if self._is_closed:
            raise EngineError("this voice of LLMVoX is closed")
        if self._session is None:  # made in the loop that uses it
            self._session = aiohttp.ClientSession()
        return self._session

    def _refusal(self, response: aiohttp.ClientResponse) -> EngineError:
        """Without the server's own words: FastAPI's repeat what was to be said."""
        sentence = f"{self._name} refuses: {response.status}, {response.reason}"
        return EngineBusy(sentence) if response.status in _BUSY else EngineError(sentence)

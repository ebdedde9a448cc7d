"""A speech server reached by HTTP as a `SynthesiserHandle`: one POST a text, sound in the answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
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

_BUSY = {429, 503}


class HTTPVoice(ABC):
    """Speaks as the server's answer comes; closing the generator hangs up.

    The connection is kept for the next text until `aclose()`.
    """

    def __init__(
        self, *, name: str, address: str, headers: Mapping[str, str] | None = None
    ) -> None:
        """`name`: of the server, in messages; `address`: where texts are posted."""
        self._name = name
        self._address = address
        self._headers = dict(headers or {})
        self._session: aiohttp.ClientSession | None = None
        self._is_closed = False

    @property
    @abstractmethod
    def model(self) -> str: ...

    @property
    @abstractmethod
    def sample_rate_hz(self) -> int: ...

    @abstractmethod
    def _question(self, text: str, voicing: Voicing) -> dict[str, Any]:
        """The JSON to post."""

    @abstractmethod
    def _sound(self, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        """Mono int16 PCM, as it comes."""

    async def _reason(self, response: aiohttp.ClientResponse, text: str) -> str | None:
        """Why the server refuses, in its own words; None for its status alone. Never with `text` in it."""
        return None

    async def speak(
        self, text: str, voicing: Voicing = DEFAULT_VOICING, *, timeout_s: float
    ) -> AsyncGenerator[SpeechChunk, None]:
        """Raises EngineError, EngineBusy, and EngineTimeout when `timeout_s` pass without a byte."""
        if not any(map(str.isalnum, text)):
            return
        timeout = aiohttp.ClientTimeout(total=None, connect=timeout_s, sock_read=timeout_s)
        try:
            async with self._connected().post(
                self._address,
                json=self._question(text, voicing),
                headers=self._headers,
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

    def _connected(self) -> aiohttp.ClientSession:
        if self._is_closed:
            raise EngineError(f"the voice of {self._name} is closed")
        if self._session is None:  # made in the loop that uses it
            self._session = aiohttp.ClientSession()
        return self._session

    async def _refusal(self, response: aiohttp.ClientResponse, text: str) -> EngineError:
        reason = await self._reason(response, text) or response.reason or "no reason given"
        sentence = f"{self._name} refuses: {response.status}, {reason}"
        return EngineBusy(sentence) if response.status in _BUSY else EngineError(sentence)

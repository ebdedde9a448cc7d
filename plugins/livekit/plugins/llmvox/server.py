"""LLMVoX's streaming server as a `SynthesiserHandle`.

Its interface is its own (mbzuai-oryx/LLMVoX, streaming_server.py): `POST URL/tts` with `{"text": …}`, and
sound in the answer. As published it does not read the text: docs/models.md tells what has to be changed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from livekit.plugins.speechcore import EngineError, Voicing
from livekit.plugins.speechio import HTTPVoice

from .sound import SAMPLE_RATE_HZ, FloatSound


class LLMVoxServer(HTTPVoice):
    """One voice, in English. Why it refuses is not told: FastAPI's reasons repeat what was to be said."""

    def __init__(self, url: str) -> None:
        """Raises EngineError for a URL that is none."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise EngineError(f"the address of LLMVoX must be http://host:port, not {url!r}")
        url = url.rstrip("/")
        self.host = parts.netloc
        super().__init__(name=f"LLMVoX at {url}", address=f"{url}/tts")

    @property
    def model(self) -> str:
        return "llmvox"

    @property
    def sample_rate_hz(self) -> int:
        return SAMPLE_RATE_HZ

    def _question(self, text: str, voicing: Voicing) -> dict[str, Any]:
        return {"text": text}

    async def _sound(self, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        sound = FloatSound()
        async for piece in response.content.iter_any():
            if pcm := sound.push(piece):
                yield pcm

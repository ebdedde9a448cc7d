"""LLMVoX as a livekit TTS."""

from __future__ import annotations

from livekit.plugins.speechcore import DEFAULT_VOICING, Voicing
from livekit.plugins.speechio import EngineTTS

from .server import LLMVoxServer


class TTS(EngineTTS):
    """It has one voice and no word times; `voicing` changes nothing."""

    def __init__(self, url: str, *, voicing: Voicing = DEFAULT_VOICING) -> None:
        """`url`: of the server, like http://127.0.0.1:5003. Raises EngineError for one that is none."""
        self._server = LLMVoxServer(url)
        super().__init__(self._server, provider=self._server.host, voicing=voicing)

    async def aclose(self) -> None:
        await super().aclose()
        await self._server.aclose()

"""A speech server as a livekit TTS."""

from __future__ import annotations

from urllib.parse import urlsplit

from livekit.plugins.speechcore import DEFAULT_VOICING, Voicing
from livekit.plugins.speechio import EngineTTS

from .server import ServerOptions, SpeechServer


class TTS(EngineTTS):
    """XTTS-v2, Kokoro-FastAPI, or whatever else answers `POST URL/audio/speech`.

    livekit's own openai plugin asks such servers, too, but gives them 30 s for each byte whatever
    the session's deadline is, takes raw sound of any rate for 24 kHz, and fails on a text that has
    no sound.
    """

    def __init__(self, options: ServerOptions, *, voicing: Voicing = DEFAULT_VOICING) -> None:
        self._server = SpeechServer(options)
        super().__init__(
            self._server, provider=urlsplit(options.url).netloc or options.url, voicing=voicing
        )

    async def aclose(self) -> None:
        await super().aclose()
        await self._server.aclose()

"""OpenAI's models, by its official plugin; and whatever speaks its language at another address."""

from __future__ import annotations

from typing import Any

import aiohttp
import httpx2
import openai as sdk
from livekit.agents import (
    NOT_GIVEN,
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    llm,
    stt,
    tts,
)
from livekit.plugins import openai

from agent.config import Settings
from agent.engine_spec import EngineSpec
from agent.hosted import body
from agent.hosted.keys import PROVIDERS, key_of

LLM, STT, TTS, VOICE = "gpt-4.1-mini", "gpt-4o-mini-transcribe", "gpt-4o-mini-tts", "ash"
_SEGMENT_QUIET_MS = 200
_KEEP_ALIVE_S = 120.0


def openai_llm(settings: Settings, spec: EngineSpec) -> llm.LLM[Any]:
    """Chat completions. Raises ValueError with a sentence for a key that cannot be one.

    Of reasoning models the plugin itself asks for the least effort they allow.
    """
    tier = settings.openai_service_tier
    return _LLM(
        model=spec.model or LLM,  # answers without reasoning first
        client=_client(settings),
        service_tier=NOT_GIVEN if tier == "auto" else tier,
        # Tool calls may come several at once, OpenAI's default: one round trip for all of them.
        parallel_tool_calls=NOT_GIVEN,
    )


def openai_stt(settings: Settings, spec: EngineSpec, language: str) -> stt.STT[Any]:
    """Realtime transcription for OpenAI's gpt-… models, recordings for all others (whisper-1).

    Raises ValueError with a sentence for a key that cannot be one.
    """
    model = spec.model or STT
    is_realtime = model.startswith("gpt-")
    return _STT(
        model=model,
        client=_client(settings),
        language=[] if language == "auto" else language,
        detect_language=language == "auto",
        use_realtime=is_realtime,  # words while they are said, not an upload after them
        # The text of a segment is made when it ends: after 200 ms of quiet, not the plugin's 350.
        turn_detection={
            "type": "server_vad",
            "threshold": 0.5,
            "prefix_padding_ms": 300,
            "silence_duration_ms": _SEGMENT_QUIET_MS,
        }
        if is_realtime
        else NOT_GIVEN,
    )


def openai_tts(
    settings: Settings, spec: EngineSpec, voice: str | None = None, speed: float = 1.0
) -> tts.TTS[Any]:
    """Speech of whole texts: the session feeds it clause by clause.

    Another server may send a sound file (WAV, MP3, Ogg, FLAC) of any rate in the place of raw sound.
    Raw sound is taken for 24 kHz unless its Content-Type has another `rate`, which is an error: nothing
    else tells. A chain leaves a voice of which that makes speech that nobody can follow.

    Raises ValueError with a sentence for a key that cannot be one.
    """
    return _TTS(
        model=spec.model or TTS,
        client=_client(settings),
        voice=voice or VOICE,
        speed=speed,
        response_format="pcm",  # nothing to decode: the first bytes are sound, at the room's rate
    )


def _client(settings: Settings) -> sdk.AsyncClient:
    """Without retries: a chain has another engine, and knows the deadline."""
    provider = PROVIDERS["openai"]
    return sdk.AsyncClient(
        api_key=key_of(provider, settings),
        base_url=provider.address(settings),
        max_retries=0,
        http_client=httpx2.AsyncClient(
            timeout=httpx2.Timeout(connect=15.0, read=5.0, write=5.0, pool=5.0),
            # A connection is kept over the pauses of a conversation: no handshake in a turn.
            limits=httpx2.Limits(keepalive_expiry=_KEEP_ALIVE_S),
            # What is looked into on its way comes as it is.
            headers={"Accept-Encoding": "identity"},
            event_hooks={"response": [body.check]},
        ),
    )


class _OwnsClient:
    """Closes the client it is made with: the plugin takes it for somebody else's."""

    def __init__(self, *, client: sdk.AsyncClient, **options: Any) -> None:
        super().__init__(client=client, **options)  # type: ignore[call-arg]
        self._own = client

    async def aclose(self) -> None:
        await super().aclose()  # type: ignore[misc]
        await self._own.close()


class _LLM(_OwnsClient, openai.LLM):
    pass


class _TTS(_OwnsClient, openai.TTS):
    pass


class _STT(_OwnsClient, openai.STT):
    """Fails as livekit expects it: the plugin lets its HTTP library's errors through when a
    WebSocket cannot be opened, and those end an STT for the rest of the call."""

    async def _connect_ws(self, timeout: float) -> aiohttp.ClientWebSocketResponse:
        try:
            return await super()._connect_ws(timeout)
        except TimeoutError as e:
            raise APITimeoutError() from e
        except aiohttp.WSServerHandshakeError as e:
            # Not `from e`: its text has the request's headers, and so the key.
            raise APIStatusError(e.message, status_code=e.status) from None
        except (aiohttp.ClientError, OSError) as e:
            raise APIConnectionError() from e

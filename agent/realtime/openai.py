"""OpenAI's realtime models, by its official plugin; and whatever speaks its language elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterable
from functools import partial
from typing import Any

import aiohttp
from livekit import rtc
from livekit.agents import (
    APIConnectionError,
    APIConnectOptions,
    APIStatusError,
    APITimeoutError,
    llm,
    utils,
)
from livekit.plugins.openai import realtime
from livekit.plugins.openai.realtime.realtime_model import SAMPLE_RATE, process_base_url
from openai.types.realtime import AudioTranscription, RealtimeAudioInputTurnDetection
from openai.types.realtime.realtime_audio_input_turn_detection import SemanticVad, ServerVad

from agent.config import Settings
from agent.hosted.keys import CHECK_TIMEOUT_S, PROVIDERS, key_of, key_problem
from agent.realtime.input_gate import InputGate
from agent.realtime.reports import Reports
from agent.realtime.second_try import SecondTry
from agent.realtime.unheard import Unheard

logger = logging.getLogger(__name__)

MODEL, VOICE, EAR = "gpt-realtime", "marin", "gpt-4o-mini-transcribe"

VOICES = "alloy ash ballad cedar coral echo marin sage shimmer verse".split()
"""OpenAI's for these models; it refuses a session with any other."""

SLOWEST, FASTEST = 0.25, 1.5
"""What its API allows as `speed`."""

_CONFIGURING = ("session_update_", "instructions_update_", "tools_update_", "options_update_")
"""How livekit's plugin begins the ids of its `session.update` events."""

CONNECT_S = 5.0
HEARTBEAT_S = 5.0
"""A peer that does not answer a ping within half of it is gone."""
_CLOSE_S = 0.5
"""How long a peer may take to say goodbye: the cascade waits for it."""

RENEWED_AFTER_S = 20 * 60.0
"""A session gives way to another one, between two answers: OpenAI ends one after an hour."""

_ONCE = APIConnectOptions(max_retry=0, timeout=CONNECT_S)
"""Not again: a new connection has lost the turn in progress, and the cascade has not."""

_SERVER_SILENCE_MS = 500
_EAGERNESS = {"eager": "high", "normal": "medium", "patient": "low"}
_VERBATIM = "Say exactly this, word for word, and nothing else:\n"


def openai_realtime(
    settings: Settings, model: str | None, voice: str | None, language: str, speed: float = 1.0
) -> RealtimeModel:
    """Raises ValueError with a sentence for a key that cannot be one. `speed`: of the voice's own pace."""
    detection = _turn_detection(settings)
    return RealtimeModel(
        gate=InputGate() if detection is None else None,
        model=model or MODEL,
        voice=_known_voice(settings, voice),
        speed=min(max(speed, SLOWEST), FASTEST),
        api_key=key_of(PROVIDERS["openai"], settings),
        base_url=_address(settings),
        turn_detection=detection,
        input_audio_transcription=_ear(language),
        max_session_duration=RENEWED_AFTER_S,
        conn_options=_ONCE,
    )


async def check_realtime(
    settings: Settings, model: str | None, *, timeout_s: float = CHECK_TIMEOUT_S
) -> str | None:
    """Opens a session and closes it. Nothing is said, so nothing is paid. Returns a sentence that
    says what is wrong, or None."""
    provider = PROVIDERS["openai"]
    if problem := key_problem(provider, settings):
        return problem
    name = model or MODEL
    at = f"{provider.title}'s realtime model {name} at {provider.address(settings)}"
    url = process_base_url(_address(settings), name)
    try:
        async with asyncio.timeout(timeout_s), aiohttp.ClientSession() as session:
            async with session.ws_connect(
                url, headers=provider.header(key_of(provider, settings)), timeout=_closing()
            ) as ws:
                return _greeting_problem(at, await ws.receive())
    except TimeoutError:
        return f"{at} did not answer within {timeout_s:g} s."
    except aiohttp.WSServerHandshakeError as e:
        return f"{at} refuses the connection (status {e.status}): {_advice(e.status)}"
    except (aiohttp.ClientError, OSError) as e:
        return f"{at} cannot be reached ({type(e).__name__}): check {provider.url_variable}."


class RealtimeModel(realtime.RealtimeModel):
    """Says a given sentence, too, as well as instructions can make it do so."""

    def __init__(self, *, gate: InputGate | None, **options: Any) -> None:
        """`gate`: where turns are found by the caller of this; None where the server finds them."""
        super().__init__(**options)
        self.gate = gate
        self.reports = Reports()
        self.given_up = asyncio.Event()
        self.capabilities.supports_say = True

    def give_up(self) -> None:
        """Whoever waits for it need not wait any longer; livekit would for five or ten seconds."""
        self.given_up.set()

    def session(self, *, turn_detection_disabled: bool = False) -> RealtimeSession:
        return RealtimeSession(self, turn_detection_disabled=turn_detection_disabled)


class RealtimeSession(realtime.RealtimeSession):
    """Fails at once and for good, and closes without a word of it.

    A request that meets an answer which the server has begun by itself is made once more after it.
    """

    def __init__(self, model: RealtimeModel, *, turn_detection_disabled: bool = False) -> None:
        self._gate = model.gate
        self._reports = model.reports
        self._given_up = model.given_up
        self._unheard = Unheard(finds_turns=model.gate is None)
        self._second_try = SecondTry()
        super().__init__(model, turn_detection_disabled=turn_detection_disabled)
        self.on("openai_server_event_received", self._look)
        self.on("openai_client_event_queued", self._unheard.sent)
        self.on("session_reconnected", self._tell_again)

    def push_audio(self, frame: rtc.AudioFrame) -> None:
        for passed in [frame] if self._gate is None else self._gate.push(frame):
            super().push_audio(passed)

    def commit_audio(self) -> None:
        super().commit_audio()
        if self._gate is not None:
            self._gate.close()

    def say(self, text: str | AsyncIterable[str]) -> asyncio.Future[llm.GenerationCreatedEvent]:
        assert isinstance(text, str)
        self._reports.saying(text)
        future = self.generate_reply(instructions=_VERBATIM + text, tool_choice="none")
        # Other answers are not waited for once they are interrupted; this one is.
        waiting = asyncio.create_task(self._fail_when_given_up(future), name="realtime-given-up")
        future.add_done_callback(lambda _: waiting.cancel())
        return future

    def generate_reply(self, **options: Any) -> asyncio.Future[llm.GenerationCreatedEvent]:
        return self._second_try.of(partial(self._ask, options))

    def _ask(self, options: dict[str, Any]) -> asyncio.Future[llm.GenerationCreatedEvent]:
        future = super().generate_reply(**options)
        self._reports.asked()
        if self._is_dead and not future.done():
            future.set_exception(llm.RealtimeError("the connection has ended"))
        return future

    async def update_chat_ctx(self, chat_ctx: llm.ChatContext) -> None:
        if self._is_dead:
            return
        updating = asyncio.create_task(super().update_chat_ctx(chat_ctx), name="realtime-context")
        given_up = asyncio.create_task(self._given_up.wait(), name="realtime-given-up")
        try:
            await asyncio.wait({updating, given_up}, return_when=asyncio.FIRST_COMPLETED)
            if updating.done():
                await updating
        finally:
            await utils.aio.cancel_and_wait(updating, given_up)

    async def _fail_when_given_up(self, future: asyncio.Future[llm.GenerationCreatedEvent]) -> None:
        await self._given_up.wait()
        if not future.done():
            future.set_exception(llm.RealtimeError("nobody waits for the answer"))

    async def aclose(self) -> None:
        await self._second_try.aclose()
        with contextlib.suppress(Exception):  # how it ended was told when it did
            await super().aclose()

    @property
    def _is_dead(self) -> bool:
        return self._main_atask.done() or self._given_up.is_set()

    async def _create_ws_conn(self) -> aiohttp.ClientWebSocketResponse:
        """With a heartbeat, and a short goodbye; an error has a status, and no header with the key."""
        url, headers = self._create_ws_url_and_headers()
        connect = self._realtime_model._ensure_http_session().ws_connect
        try:
            async with asyncio.timeout(CONNECT_S):
                return await connect(
                    url, headers=headers, heartbeat=HEARTBEAT_S, timeout=_closing()
                )
        except TimeoutError as e:
            raise APITimeoutError() from e
        except aiohttp.WSServerHandshakeError as e:
            raise APIStatusError(e.message, status_code=e.status) from None
        except (aiohttp.ClientError, OSError) as e:
            raise APIConnectionError(type(e).__name__) from e

    def _look(self, event: Any) -> None:
        """Reports what livekit does not: a configuration that is refused, a rate that is not ours, and
        an answer that broke off."""
        if not isinstance(event, dict):
            return
        self._unheard.told(event)
        if self._second_try.told(event):
            self._reports.asked()  # what was asked for waits for an answer that goes on
        kind = event.get("type")
        if kind == "session.created":
            self._reports.ready()
        if kind in ("session.created", "session.updated"):
            rate_hz = _output_rate_hz(event)
            if rate_hz not in (None, SAMPLE_RATE):
                self._reports.failed(
                    "sound", f"speech of {rate_hz} Hz, where {SAMPLE_RATE} Hz was asked for"
                )
        elif kind == "response.done" and (code := _failure(event)):
            self._reports.failed("error", code)
        elif kind == "error" and (code := _refused_configuration(event)):
            self._reports.failed("refused", code)

    def _tell_again(self, _: llm.RealtimeSessionReconnectedEvent) -> None:
        """A session that follows another hears the turn in progress from its beginning: what the old
        one was given of it comes before what waits to be sent."""
        waiting = []
        with contextlib.suppress(utils.aio.channel.ChanEmpty):
            while True:
                waiting.append(self._msg_ch.recv_nowait())
        for event in [*self._unheard.take(), *waiting]:
            self.send_event(event)


def _turn_detection(settings: Settings) -> RealtimeAudioInputTurnDetection | None:
    match settings.agent_realtime_turns:
        case "server_vad":
            return ServerVad(
                type="server_vad",
                threshold=0.5,
                prefix_padding_ms=300,
                silence_duration_ms=_SERVER_SILENCE_MS,
                create_response=True,
                interrupt_response=True,
            )
        case "semantic_vad":
            eagerness: Any = _EAGERNESS.get(settings.agent_patience, "auto")
            return SemanticVad(
                type="semantic_vad",
                eagerness=eagerness,
                create_response=True,
                interrupt_response=True,
            )
        case _:
            return None


def _known_voice(settings: Settings, voice: str | None) -> str:
    """A server of one's own has voices of its own, which nobody here knows."""
    if not voice or voice in VOICES or PROVIDERS["openai"].is_elsewhere(settings):
        return voice or VOICE
    logger.warning(
        "OpenAI's realtime models have no such voice: another one speaks",
        extra={"voice": voice, "instead": VOICE, "voices": " ".join(VOICES)},
    )
    return VOICE


def _ear(language: str) -> AudioTranscription:
    if language == "auto":
        return AudioTranscription(model=EAR)
    return AudioTranscription(model=EAR, language=language.partition("-")[0])


def _address(settings: Settings) -> str:
    return f"{PROVIDERS['openai'].address(settings)}/realtime"


def _closing() -> aiohttp.ClientWSTimeout:
    return aiohttp.ClientWSTimeout(ws_close=_CLOSE_S)


def _output_rate_hz(event: dict[str, Any]) -> int | None:
    """Of the speech that a session gives; None where it does not tell."""
    place: Any = event
    for name in ("session", "audio", "output", "format", "rate"):
        place = place.get(name) if isinstance(place, dict) else None
    return place if isinstance(place, int) else None


def _failure(event: dict[str, Any]) -> str | None:
    """The code of a response that failed; None for any other."""
    response = event.get("response")
    if not isinstance(response, dict) or response.get("status") != "failed":
        return None
    error = (response.get("status_details") or {}).get("error") or {}
    return str(error.get("code") or error.get("type") or "unknown")


def _refused_configuration(event: dict[str, Any]) -> str | None:
    """The code of an error that refuses what the session was to be; None for any other."""
    error = event.get("error")
    if not isinstance(error, dict) or not str(error.get("event_id")).startswith(_CONFIGURING):
        return None
    what = [str(error[name]) for name in ("code", "param") if error.get(name)]
    return ", ".join(what) or "unknown"


def _greeting_problem(at: str, message: aiohttp.WSMessage) -> str | None:
    """What is wrong with the first message of a session."""
    try:
        event = json.loads(message.data) if message.type is aiohttp.WSMsgType.TEXT else {}
    except ValueError:
        event = {}
    if not isinstance(event, dict):
        event = {}
    if event.get("type") == "session.created":
        return None
    error = event.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    if code:
        return f"{at} refuses the session ({code}): check its key, its limits and the model's name."
    return f"{at} answers with something that is not its API: check OPENAI_BASE_URL."


def _advice(status: int) -> str:
    provider = PROVIDERS["openai"]
    if status in (401, 403):
        return f"make another key at {provider.page}, or one that may use this model."
    if status == 429:
        return "check the key's limits, or wait."
    return f"check AGENT_REALTIME and {provider.url_variable}, or wait."

"""Deepgram's ears, by its official plugin."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from livekit.agents import (
    DEFAULT_API_CONNECT_OPTIONS,
    NOT_GIVEN,
    APIConnectOptions,
    NotGivenOr,
    stt,
)
from livekit.plugins import deepgram
from livekit.plugins.deepgram.stt_v2 import SpeechStreamv2, _parse_transcription
from livekit.plugins.speechio import PAUSE_SCORE

from agent.config import Settings
from agent.engine_spec import EngineSpec
from agent.hosted.keys import PROVIDERS, key_of

NOVA = "nova-3"
_FLUX = "flux"
_FLUX_ENGLISH = "flux-general-en"
_RATE_HZ = 16_000
_EAGER_END, _END = 0.4, 0.7
_FLUX_CHUNK_MS = 80
_ENDS = ("EagerEndOfTurn", "EndOfTurn")
"""Flux's messages that are about a pause."""


def deepgram_stt(settings: Settings, spec: EngineSpec, language: str) -> stt.STT[Any]:
    """Nova, or Flux for `deepgram:flux-…`. `language`: two letters, or auto.

    Raises ValueError with a sentence for a key that cannot be one.
    """
    model = spec.model or NOVA
    make = _flux if model.startswith(_FLUX) else _nova
    return make(settings, model, language)


def _nova(settings: Settings, model: str, language: str) -> stt.STT[Any]:
    provider = PROVIDERS["deepgram"]
    engine = deepgram.STT(
        api_key=key_of(provider, settings),
        base_url=f"{provider.address(settings)}/v1/listen",
        model=model,
        language="multi" if language == "auto" else language,
        sample_rate=_RATE_HZ,  # what its models hear; more is only sent
        interim_results=True,  # speculation and interruptions live on them
        # A text is final 25 ms after a sound: when the turn's end is decided, it is there. Where
        # the turn ends is decided elsewhere, so that a breath may end a segment.
        endpointing_ms=25,
        no_delay=True,
        smart_format=False,  # it waits for a number or a date to be over before it gives any of it
        numerals=False,
        punctuate=True,  # costs no time, and ends of sentences help to find the turn's
        filler_words=True,  # “um” says that the turn goes on
        vad_events=True,
    )
    # The plugin sends Finalize for a flush, and the text of what is under way comes at once.
    engine.capabilities.manual_flush = True
    return engine


def _flux(settings: Settings, model: str, language: str) -> stt.STT[Any]:
    """Flux tells where a turn ends, and says 150 to 250 ms before that it may: how sure it is counts as
    a score of the pause (`AGENT_PAUSE_SCORE_WEIGHT`)."""
    provider = PROVIDERS["deepgram"]
    is_multilingual = model != _FLUX_ENGLISH
    return _Flux(
        api_key=key_of(provider, settings),
        base_url=f"{provider.address(settings)}/v2/listen",
        model=model,
        sample_rate=_RATE_HZ,
        audio_chunk_duration_ms=_FLUX_CHUNK_MS,  # what it decodes at a time; Deepgram's advice
        # The reply is begun at an early end (a PREFLIGHT); it costs LLM requests that are
        # dropped when the caller goes on.
        eager_eot_threshold=_EAGER_END,
        eot_threshold=_END,
        language_hint=[language] if is_multilingual and language != "auto" else NOT_GIVEN,
    )


class _Flux(deepgram.STTv2):
    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> SpeechStreamv2:
        stream = _FluxStream(
            stt=self,
            conn_options=conn_options,
            opts=self._opts,
            api_key=self._api_key,
            http_session=self._ensure_session(),
            base_url=self._opts.endpoint_url,
        )
        self._streams.add(stream)
        return stream


class _FluxStream(SpeechStreamv2):
    """Passes on how sure Flux is of an end, which the plugin leaves out. A pause is judged by partial
    transcripts: before the FINAL of a turn comes a PREFLIGHT with its score."""

    def _send_transcript_event(self, event_type: stt.SpeechEventType, data: dict[str, Any]) -> None:
        if data["event"] in _ENDS:
            heard = _parse_transcription(self._opts.language, data, self.start_time_offset)
            scored = {PAUSE_SCORE: data.get("end_of_turn_confidence")}
            if heard:
                event = stt.SpeechEvent(
                    type=stt.SpeechEventType.PREFLIGHT_TRANSCRIPT,
                    request_id=self._request_id,
                    alternatives=[replace(heard[0], metadata=scored)],
                )
                self._event_ch.send_nowait(event)
        if event_type is not stt.SpeechEventType.PREFLIGHT_TRANSCRIPT:
            super()._send_transcript_event(event_type, data)

"""livekit-agents as its documentation sets it up, on local engines used the plain way.

    AGENT_NAME=stock python -m evals.baselines.stock_local --whisper FOLDER --llama URL --kokoro FOLDER

faster-whisper transcribes what the VAD cut out, the language model is asked through the OpenAI plugin, and
Kokoro speaks a sentence at a time: livekit's own `StreamAdapter`s around what the libraries offer. Every
job process loads Whisper and Kokoro before it is given a call.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import uuid
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from livekit import rtc
from livekit.agents import (
    DEFAULT_API_CONNECT_OPTIONS,
    NOT_GIVEN,
    Agent,
    AgentSession,
    APIConnectOptions,
    JobContext,
    JobProcess,
    NotGivenOr,
    inference,
    room_io,
    stt,
    tts,
    utils,
)
from livekit.plugins import openai
from livekit.plugins.kokoro.backend import SAMPLE_RATE_HZ

from agent.local.factories import kokoro_backend
from evals.baselines.stock import turn_handling
from evals.baselines.worker import loopback, serve

_WHISPER_RATE_HZ = 16_000
_VOICE, _LANGUAGE = "af_heart", "en-us"
_PATIENT = APIConnectOptions(max_retry=0, timeout=60.0)


class _Whisper(stt.STT):
    """`WhisperModel.transcribe`, with its defaults but for the language."""

    def __init__(self, model: Any) -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=False, interim_results=False))
        self._model = model

    async def _recognize_impl(
        self,
        buffer: utils.AudioBuffer,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions,
    ) -> stt.SpeechEvent:
        text = await asyncio.to_thread(self._transcribe, rtc.combine_audio_frames(buffer))
        return stt.SpeechEvent(
            type=stt.SpeechEventType.FINAL_TRANSCRIPT,
            alternatives=[stt.SpeechData(language="en", text=text)],  # type: ignore[arg-type]
        )

    def _transcribe(self, frame: rtc.AudioFrame) -> str:
        pcm = np.frombuffer(frame.data, np.int16)
        if frame.sample_rate != _WHISPER_RATE_HZ:
            resampler = rtc.AudioResampler(frame.sample_rate, _WHISPER_RATE_HZ)
            frames = [*resampler.push(frame), *resampler.flush()]
            pcm = np.concatenate([np.frombuffer(each.data, np.int16) for each in frames])
        segments, _ = self._model.transcribe(pcm.astype(np.float32) / 32768, language="en")
        return " ".join(segment.text.strip() for segment in segments)


class _Kokoro(tts.TTS[Any]):
    def __init__(self, backend: Any) -> None:
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=False),
            sample_rate=SAMPLE_RATE_HZ,
            num_channels=1,
        )
        self._backend = backend

    def speak(self, text: str) -> bytes:
        phonemes = self._backend.phonemes(text, _LANGUAGE)
        samples = self._backend.speak(phonemes, _VOICE, 1.0).samples if phonemes else np.zeros(240)
        return (np.clip(samples, -1, 1) * 32767).astype(np.int16).tobytes()

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        return _Sentence(tts=self, input_text=text, conn_options=_PATIENT)


class _Sentence(tts.ChunkedStream):
    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        voice = self._tts
        assert isinstance(voice, _Kokoro)
        pcm = await asyncio.to_thread(voice.speak, self.input_text)
        output_emitter.initialize(
            request_id=uuid.uuid4().hex,
            sample_rate=SAMPLE_RATE_HZ,
            num_channels=1,
            mime_type="audio/pcm",
        )
        output_emitter.push(pcm)
        output_emitter.flush()


def prewarm(whisper: Path, kokoro: Path, process: JobProcess) -> None:
    import ctranslate2
    from faster_whisper import WhisperModel

    device = "cuda" if ctranslate2.get_cuda_device_count() else "cpu"
    precision = "int8" if device == "cpu" else "float16"
    model = WhisperModel(str(whisper), device=device, compute_type=precision)
    backend = kokoro_backend(kokoro)
    backend.load()
    process.userdata.update(whisper=_Whisper(model), kokoro=_Kokoro(backend))


async def entrypoint(llama: str, ctx: JobContext) -> None:
    """A job: one call."""
    vad = inference.VAD()
    engines = ctx.proc.userdata
    session = AgentSession[None](
        stt=stt.StreamAdapter(stt=engines["whisper"], vad=vad),
        vad=vad,
        llm=openai.LLM(
            model="llama", base_url=f"{llama}/v1", api_key="none", _strict_tool_schema=False
        ),
        tts=tts.StreamAdapter(tts=engines["kokoro"]),
        turn_handling=turn_handling("v1-mini"),
        aec_warmup_duration=None,
    )
    await ctx.connect(rtc_config=loopback())
    await session.start(
        Agent(instructions="You are a helpful voice assistant. Answer in a sentence or two."),
        room=ctx.room,
        room_options=room_io.RoomOptions(delete_room_on_close=True),
        record=False,
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--whisper", type=Path, required=True)
    parser.add_argument("--llama", required=True)
    parser.add_argument("--kokoro", type=Path, required=True)
    parser.add_argument("--calls", type=int, default=1, help="that processes are kept ready for")
    options = parser.parse_args()
    return serve(
        partial(entrypoint, options.llama),
        setup=partial(prewarm, options.whisper, options.kokoro),
        idle_processes=options.calls,
    )


if __name__ == "__main__":
    sys.exit(main())

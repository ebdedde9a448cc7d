"""What a caller hears when the agent fails, in a voice that does not fail with it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from livekit import rtc
from livekit.plugins import espeak
from livekit.plugins.speechcore import Voicing
from livekit.plugins.speechio import PcmResampler

from agent.config import Settings
from agent.playout import SAMPLE_RATE_HZ
from agent.profiles import Choice
from agent.turns.watchdog import Apology

logger = logging.getLogger(__name__)

_DEADLINE_S = 2.0
_FRAME_SAMPLES = SAMPLE_RATE_HZ // 10

Voice = Callable[[str], bytes]
"""A text's speech, int16 mono at the playout's rate; may block."""


class Apologies:
    """One call's sentences; each is made when it is first needed. `close()` ends its thread."""

    def __init__(self, sentences: Mapping[Apology, str], voice: Voice) -> None:
        self._sentences = sentences
        self._voice = voice
        self._made: dict[Apology, bytes] = {}
        self._thread: ThreadPoolExecutor | None = None

    @classmethod
    def of(cls, settings: Settings, choice: Choice) -> Apologies:
        """Those of the settings, in the call's own voice where it is espeak's, else in one for its
        language."""
        sentences = {
            Apology.UNHEARD: settings.agent_apology_unheard,
            Apology.TROUBLE: settings.agent_apology_trouble,
            Apology.CALL_AGAIN: settings.agent_apology_call_again,
            Apology.GOODBYE: settings.agent_apology_goodbye,
        }
        return cls(sentences, embedded_voice(_voice_of(choice), choice.speed))

    def text(self, kind: Apology) -> str:
        return self._sentences[kind]

    async def audio(self, kind: Apology) -> AsyncIterator[rtc.AudioFrame] | None:
        """Ready to be played; None when this voice cannot say it, and another has to."""
        if kind not in self._made:
            try:
                async with asyncio.timeout(_DEADLINE_S):
                    self._made[kind] = await self._make(self.text(kind))
            except Exception as e:
                logger.warning("the embedded voice cannot speak", extra={"error": str(e)})
                return None
        return _frames(self._made[kind]) if self._made[kind] else None

    def close(self) -> None:
        if self._thread is not None:
            self._thread.shutdown(wait=False, cancel_futures=True)

    async def _make(self, text: str) -> bytes:
        # Not the loop's own threads: what is stuck may be stuck there.
        self._thread = self._thread or ThreadPoolExecutor(1, thread_name_prefix="apology")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._voice, text)


def embedded_voice(voice: str | None, speed: float = 1.0) -> Voice:
    """espeak-ng in a voice or language of its own names, the English one for None.

    It is loaded when it first speaks, and raises EngineError where it is not installed.
    """

    def speak(text: str) -> bytes:
        options = espeak.EspeakOptions() if voice is None else espeak.EspeakOptions(voice=voice)
        engine = espeak.Espeak(options)
        how = Voicing(speed=speed)
        resampler = PcmResampler(engine.sample_rate_hz, SAMPLE_RATE_HZ)
        pcm = b"".join(resampler.push(chunk.pcm) for chunk in engine.steps(text, how))
        return pcm + resampler.flush()

    return speak


def _voice_of(choice: Choice) -> str | None:
    if choice.tts.name == "espeak" and (own := choice.voice or choice.tts.model):
        return own
    return None if choice.language in ("en", "auto") else choice.language


async def _frames(pcm: bytes) -> AsyncIterator[rtc.AudioFrame]:
    for start in range(0, len(pcm), 2 * _FRAME_SAMPLES):
        part = pcm[start : start + 2 * _FRAME_SAMPLES]
        yield rtc.AudioFrame(part, SAMPLE_RATE_HZ, 1, len(part) // 2)

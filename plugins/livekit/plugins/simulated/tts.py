"""The simulated TTS: a tone that tells which reply is spoken, and lasts as long as set."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Never

from livekit.agents import DEFAULT_API_CONNECT_OPTIONS, APIConnectOptions, tts, utils
from livekit.plugins.speechcore import EdgeFader, duration_s
from livekit.plugins.speechio import OUTPUT_SAMPLE_RATE_HZ

from .delays import check_not_negative, check_positive, format_delay, wait_for_engine
from .reply import VoiceChooser, count_characters, is_speakable
from .tone import Tone

_PUSH_SAMPLES = OUTPUT_SAMPLE_RATE_HZ // 10
_SILENCE = b"\0\0" * (OUTPUT_SAMPLE_RATE_HZ // 50)
_RELEASE_S = 0.05
"""So long before the audio runs out, the end is given out of hand."""


class TTS(tts.TTS[Never]):
    """First audio `delay_s` after the first text, then faster than real time.

    A whole reply of the simulated LLM lasts `reply_s`, a clause of it its share of the characters;
    other text is spoken at `reply.CHARACTERS_PER_S`. `stream()` speaks text as it comes, so that
    the stage costs its delay and nothing for waiting until a sentence is complete; `synthesize()`
    speaks one clause. Text without a letter or a digit is 20 ms of silence.
    """

    def __init__(self, delay_s: float = 0.07, reply_s: float = 1.8) -> None:
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=True),
            sample_rate=OUTPUT_SAMPLE_RATE_HZ,
            num_channels=1,
        )
        self._delay_s = check_not_negative("delay_s", delay_s)
        self._voices = VoiceChooser(check_positive("reply_s", reply_s))

    @property
    def model(self) -> str:
        return format_delay(self._delay_s)

    @property
    def provider(self) -> str:
        return "simulated"

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        return _ClauseStream(self, text, conn_options)

    def stream(
        self, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.SynthesizeStream:
        return _TextStream(self, conn_options)


class _Speaker:
    """Turns text that comes in pieces into the PCM of one tone with clean edges."""

    def __init__(self, voices: VoiceChooser, push: Callable[[bytes], None]) -> None:
        self._voices = voices
        self._push = push
        self._fader = EdgeFader(OUTPUT_SAMPLE_RATE_HZ)
        self._text = ""
        self._tone: Tone | None = None
        self._samples_per_character = 0.0
        self._made_samples = 0
        self.pushed_s = 0.0

    async def say(self, text: str, *, is_complete: bool = False) -> None:
        """Takes more text and speaks what can be spoken of all text so far."""
        self._text += text
        if self._tone is None and not self._choose_voice(is_complete):
            return
        assert self._tone is not None
        total = round(count_characters(self._text) * self._samples_per_character)
        while self._made_samples < total:
            count = min(_PUSH_SAMPLES, total - self._made_samples)
            self._give(self._fader.process(self._tone.make(count)))
            self._made_samples += count
            await asyncio.sleep(0)  # a reply of any length leaves the loop its turn

    def release(self) -> None:
        """Fades out and gives what is held back: nothing may follow for a while."""
        self._give(self._fader.finish())

    def finish(self) -> None:
        """Gives the rest; silence when there was nothing to pronounce."""
        self.release()
        if self.pushed_s == 0:
            self._give(_SILENCE)

    def _choose_voice(self, is_complete: bool) -> bool:
        if not is_speakable(self._text):
            return False
        voice = self._voices.choose(self._text, is_complete=is_complete)
        if voice is None:
            return False
        self._tone = Tone(voice.tone_hz, OUTPUT_SAMPLE_RATE_HZ)
        self._samples_per_character = voice.seconds_per_character * OUTPUT_SAMPLE_RATE_HZ
        return True

    def _give(self, pcm: bytes) -> None:
        if pcm:
            self._push(pcm)
            self.pushed_s += duration_s(pcm, OUTPUT_SAMPLE_RATE_HZ)


class _ClauseStream(tts.ChunkedStream):
    def __init__(self, owner: TTS, text: str, conn_options: APIConnectOptions) -> None:
        super().__init__(tts=owner, input_text=text, conn_options=conn_options)
        self._delay_s = owner._delay_s
        self._voices = owner._voices

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        _initialize(output_emitter, stream=False)
        await wait_for_engine(self._delay_s, self._conn_options)
        speaker = _Speaker(self._voices, output_emitter.push)
        await speaker.say(self._input_text, is_complete=True)
        speaker.finish()  # no flush: livekit would put 10 ms of silence behind it as the last frame


class _TextStream(tts.SynthesizeStream):
    def __init__(self, owner: TTS, conn_options: APIConnectOptions) -> None:
        super().__init__(tts=owner, conn_options=conn_options)
        self._delay_s = owner._delay_s
        self._voices = owner._voices

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        _initialize(output_emitter, stream=True)
        speaker = _Speaker(self._voices, output_emitter.push)
        text = await self._next_text()
        if text is None:
            return
        self._mark_started()
        output_emitter.start_segment(segment_id=utils.shortuuid("segment_"))
        await wait_for_engine(self._delay_s, self._conn_options)
        played_until_s = 0.0
        while text is not None:
            before_s = speaker.pushed_s
            await speaker.say(text)
            now_s = asyncio.get_running_loop().time()
            played_until_s = max(played_until_s, now_s) + speaker.pushed_s - before_s
            text = await self._next_text_or_release(speaker, output_emitter, played_until_s)
        await speaker.say("", is_complete=True)
        speaker.finish()

    async def _next_text(self) -> str | None:
        """The next piece of text, or None at the end; a flush has nothing to do."""
        async for item in self._input_ch:
            if isinstance(item, str):
                return item
        return None

    async def _next_text_or_release(
        self, speaker: _Speaker, output_emitter: tts.AudioEmitter, played_until_s: float
    ) -> str | None:
        """When text comes slower than it is spoken, the audio so far ends cleanly meanwhile."""
        next_text = asyncio.create_task(self._next_text(), name="simulated_tts_next_text")
        try:
            left_s = played_until_s - asyncio.get_running_loop().time()
            await asyncio.wait({next_text}, timeout=max(0.0, left_s - _RELEASE_S))
            if not next_text.done() and speaker.pushed_s:
                speaker.release()
                output_emitter.flush()
            return await next_text
        finally:
            await utils.aio.cancel_and_wait(next_text)


def _initialize(output_emitter: tts.AudioEmitter, *, stream: bool) -> None:
    output_emitter.initialize(
        request_id=utils.shortuuid("sim_"),
        sample_rate=OUTPUT_SAMPLE_RATE_HZ,
        num_channels=1,
        mime_type="audio/pcm",
        stream=stream,
    )

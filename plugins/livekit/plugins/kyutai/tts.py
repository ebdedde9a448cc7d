"""Kyutai's voice as a livekit TTS: it speaks while the text is still being written."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Never

from livekit.agents import DEFAULT_API_CONNECT_OPTIONS, APIConnectOptions, tts, utils
from livekit.plugins.speechio import to_api_error

from .messages import SAMPLE_RATE_HZ
from .options import ServerOptions
from .speech import Speech


class TTS(tts.TTS[Never]):
    """A connection for each text, and a place in the server's batch with it; word times."""

    def __init__(self, options: ServerOptions, *, voice: str | None = None) -> None:
        """`voice`: a name of the server's, like expresso/ex03-ex01_happy_001_channel1_334s.wav; its
        default without. It knows no others, and speaks in its default for them."""
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=True, aligned_transcript=True),
            sample_rate=SAMPLE_RATE_HZ,
            num_channels=1,
        )
        self._options = options
        self._voice = voice

    @property
    def model(self) -> str:
        return self._options.name

    @property
    def provider(self) -> str:
        return "kyutai"

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        return _WholeText(self, text, conn_options)

    def stream(
        self, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.SynthesizeStream:
        return _WrittenText(self, conn_options)

    async def speak(
        self,
        texts: AsyncIterator[str],
        output_emitter: tts.AudioEmitter,
        timeout_s: float,
        on_start: Callable[[], None] = lambda: None,
    ) -> None:
        """Raises APIError; one that is not to be retried once something was heard."""
        speech = Speech(
            self._options, self._voice, output_emitter, timeout_s=timeout_s, on_start=on_start
        )
        try:
            await speech.run(texts)
        except Exception as e:
            raise to_api_error(e, retryable=not speech.has_sounded) from e


class _WholeText(tts.ChunkedStream):
    def __init__(self, owner: TTS, text: str, conn_options: APIConnectOptions) -> None:
        super().__init__(tts=owner, input_text=text, conn_options=conn_options)
        self._owner = owner

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        _initialize(output_emitter, stream=False)
        await self._owner.speak(self._texts(), output_emitter, self._conn_options.timeout)

    async def _texts(self) -> AsyncIterator[str]:
        yield self._input_text


class _WrittenText(tts.SynthesizeStream):
    def __init__(self, owner: TTS, conn_options: APIConnectOptions) -> None:
        super().__init__(tts=owner, conn_options=conn_options)
        self._owner = owner

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        _initialize(output_emitter, stream=True)
        output_emitter.start_segment(segment_id=utils.shortuuid("segment_"))
        await self._owner.speak(
            self._texts(), output_emitter, self._conn_options.timeout, self._mark_started
        )

    async def _texts(self) -> AsyncIterator[str]:
        """A flush is the end: livekit lets no text follow it."""
        async for item in self._input_ch:
            if not isinstance(item, str):
                return
            yield item


def _initialize(output_emitter: tts.AudioEmitter, *, stream: bool) -> None:
    output_emitter.initialize(
        request_id=utils.shortuuid("kyutai_"),
        sample_rate=SAMPLE_RATE_HZ,
        num_channels=1,
        mime_type="audio/pcm",
        stream=stream,
    )

"""The espeak voice as a livekit TTS."""

from __future__ import annotations

from dataclasses import replace

from livekit.agents import NOT_GIVEN, NotGivenOr
from livekit.agents.utils import is_given
from livekit.plugins.speechcore import Voicing
from livekit.plugins.speechio import EngineTTS, InProcessSynthesiser

from .engine import Espeak, EspeakOptions


class TTS(EngineTTS):
    """espeak-ng at 24 kHz, off the event loop, stopped within 60 ms of audio when cancelled."""

    def __init__(
        self,
        options: EspeakOptions | None = None,
        *,
        voice: str | None = None,
        speed: float = 1.0,
    ) -> None:
        """`voice` is a short way to set that option; `speed` multiplies the rate. Blocks for some
        60 ms to load the voice.

        Raises EngineError when espeak-ng or the voice is not there.
        """
        chosen = options or EspeakOptions()
        self._espeak = Espeak(chosen if voice is None else replace(chosen, voice=voice))
        super().__init__(
            InProcessSynthesiser(self._espeak, name="espeak"),
            provider="espeak",
            voicing=Voicing(speed=speed),
        )

    @property
    def options(self) -> EspeakOptions:
        return self._espeak.options

    def update_options(
        self,
        options: NotGivenOr[EspeakOptions] = NOT_GIVEN,
        *,
        voice: NotGivenOr[str] = NOT_GIVEN,
    ) -> None:
        """Holds from the next text on. Raises EngineError for an unknown voice."""
        chosen = options if is_given(options) else self._espeak.options
        self._espeak.update_options(replace(chosen, voice=voice) if is_given(voice) else chosen)

"""The moonshine-voice library, as much of it as is used: a transcriber and its one stream."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from livekit.plugins.speechcore import EngineError

from .models import ModelName

_FORCE_UPDATE = 1


class Transcriber:
    """A loaded model with one stream of sound. For one thread at a time.

    The library's own voice detection is off: its memory is one for all streams of a process, so
    that two callers would disturb each other. Sound is what it is told to hear.
    """

    def __init__(self, folder: Path, model: ModelName, mend: str) -> None:
        """Blocks while the model loads; the weights are mapped from their files, so that several
        share them. Raises EngineError, with `mend` as the end of the sentence."""
        try:
            from moonshine_voice.errors import MoonshineError
            from moonshine_voice.moonshine_api import ModelArch
            from moonshine_voice.transcriber import Transcriber as Library
        except ImportError as e:
            raise EngineError("moonshine is not installed: install the 'moonshine' extra") from e
        self._error = MoonshineError
        options = {
            "vad_threshold": 0,
            "return_audio_data": "false",  # each update would copy the sound into a Python list
            "max_tokens_per_second": model.most_tokens_per_s,
        }
        try:
            self._library = Library(folder, ModelArch(model.architecture), options=options)
            # It never decodes by itself while it takes sound.
            self._stream = self._library.create_stream(update_interval=math.inf)
        except MoonshineError as e:
            raise EngineError(f"moonshine cannot load the model in {folder}: {mend}") from e

    def start(self) -> None:
        """Forgets the sound so far."""
        self._call(self._stream.start)

    def hear(self, pcm: bytes) -> None:
        """Takes mono int16 PCM at 16 kHz: 82 µs for 40 ms."""
        samples = np.frombuffer(pcm, dtype=np.int16).astype(np.float32) / 32768.0
        self._call(self._stream.add_audio, samples)

    def text(self) -> str:
        """Of the sound since `start()`; blocks while the model works."""
        transcript = self._call(self._stream.update_transcription, _FORCE_UPDATE)
        return " ".join(text for line in transcript.lines if (text := line.text.strip()))

    def close(self) -> None:
        self._stream.close()
        self._library.close()

    def _call(self, step: Any, *arguments: Any) -> Any:
        try:
            return step(*arguments)
        except self._error as e:
            raise EngineError(f"moonshine failed ({e}): is the model the one it is called?") from e

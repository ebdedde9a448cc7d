"""A streaming server of LLMVoX on this machine, that reads what it is asked to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tests.fakes.speech_server import FakeSpeechServer


@dataclass
class FakeLLMVox(FakeSpeechServer):
    """Says a tone whose length is that of the text, as 32-bit floats; a refusal repeats the text."""

    content_type: str = "application/octet-stream"
    piece_bytes: int = 9_603
    """No multiple of four: a sample may come in two pieces."""
    root: ClassVar[str] = ""
    path: ClassVar[str] = "/tts"
    text_field: ClassVar[str] = "text"

    def _sound(self, text: str) -> bytes:
        floats: bytes = (
            np.frombuffer(super()._sound(text), dtype="<i2").astype("<f4") / 32768
        ).tobytes()
        return floats

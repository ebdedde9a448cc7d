"""Settings of a worker with all three local engines, on models made for tests."""

from __future__ import annotations

from pathlib import Path

from tests.models.hum_kokoro import hum_kokoro
from tests.models.random_whisper import scripted_whisper
from tests.models.tiny_llama import write_tiny_llama

HEARD = "what time is it now"
"""What the recogniser understands, whatever is said."""


def local_settings(folder: Path) -> dict[str, str]:
    """Whisper that says one sentence, a llama that writes letters, a voice that hums; all run by their
    real libraries. `folder` keeps what is made."""
    voice = folder / "kokoro"
    voice.mkdir()
    files = hum_kokoro()
    (voice / "model.onnx").symlink_to(files.model_path)
    (voice / "voices.bin").symlink_to(files.voices_path)
    llama = write_tiny_llama(folder / "tiny.gguf")
    return {
        "AGENT_PROFILE": "local",
        "AGENT_STT": f"faster_whisper:{scripted_whisper(HEARD, english_only=True)}",
        "AGENT_LLM": f"llama_cpp:{llama}",
        "AGENT_LLM_CONTEXT": "16384",  # its tokens are single letters
        "AGENT_TTS": f"kokoro:{voice}",
        "AGENT_GREETING": "Hello, how can I help you?",
    }

"""How Whisper is run."""

from __future__ import annotations

from dataclasses import dataclass

from livekit.plugins.speechcore import EngineError


@dataclass(frozen=True, slots=True, kw_only=True)
class WhisperOptions:
    """The defaults suit a laptop without a GPU. Raises EngineError for what cannot work."""

    model: str = ""
    """The folder of a model converted for CTranslate2; needed where one is loaded."""
    language: str | None = "en"
    """For streams that name none; None detects it from what is said."""
    device: str = "auto"
    """`cpu`, `cuda`, or `auto`: a GPU if there is one."""
    compute_type: str | None = None
    """A quantisation of CTranslate2; None is int8 on a CPU, float16 on a GPU."""
    cpu_threads: int = 0
    """Of each worker; 0 is half the processors, 4 at most: two that share a core hinder each other
    (base, int8, 2 hyperthreads: 2.5 ms a token with one thread, 6.5 with two; the encoder gains 10%)."""
    workers: int = 1
    """Decodes that run at the same time. Each has its own threads; the weights are shared."""
    max_sessions: int = 64
    """Streams open at once; a session holds 2 MB at most."""
    beam_size: int = 5
    """For what becomes final. 5 take half as long again as 1, by token."""
    partial_beam_size: int = 1
    prompt: str = ""
    """Text the model takes for what was said before: spelling, style, names."""
    hot_words: str = ""
    """Words to listen for, in one line."""
    padding_s: float = 2.0
    """Silence encoded after the speech; see `window.py`."""
    tokens_per_s: float = 25.0
    """The most that is decoded per second of speech: bounds a decode that repeats itself."""
    partial_share: float = 0.5
    """Of real time that one stream's partials may take."""

    def __post_init__(self) -> None:
        least = {"cpu_threads": 0, "workers": 1, "max_sessions": 1, "beam_size": 1}
        least |= {"partial_beam_size": 1, "padding_s": 0}
        for name, value in least.items():
            if getattr(self, name) < value:
                raise EngineError(f"Whisper's {name} is {value} at least")
        if self.device not in {"auto", "cpu", "cuda"}:
            raise EngineError(f"Whisper runs on auto, cpu or cuda, not on {self.device!r}")
        if not self.tokens_per_s > 0 or not 0 < self.partial_share <= 1:
            raise EngineError("Whisper needs tokens_per_s above 0, partial_share above 0 up to 1")

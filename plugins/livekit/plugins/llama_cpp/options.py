"""How a llama.cpp server of ours runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from livekit.plugins.speechcore import EngineError


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """Raises EngineError for values that make no sense."""

    model: Path
    """A GGUF file."""

    context_tokens: int = 4096
    """For each slot. Older turns are left out of a conversation that grows beyond it."""

    slots: int = 4
    """How many calls keep their conversation evaluated at the same time."""

    threads: int | None = None
    """For generating and for reading; None: as many as there are physical cores."""

    niceness: int = 5
    """On a processor, 0 to 19: so far others go first. Whisper and the voice are waited for, the rest of
    an answer is not; at equal rights a first clause takes 1.7 times as long while llama.cpp writes
    on. More would starve it on a machine that is busy with other things."""

    gpu_layers: int | None = None
    """On the GPU; 0 for none, None for as many as fit if there is a GPU."""

    flash_attention: bool | None = None
    """None: where the device gains from it."""

    batch_tokens: int | None = None
    """Read in one piece, between two of which a dropped request is noticed; None: 512 with a GPU,
    else 128."""

    cache_reuse_tokens: int = 64
    """A piece of an earlier prompt at least so long is moved, not read again, when what stood before
    it was cut; 0: never."""

    context_shift: bool = True
    """An answer that reaches the end of the context goes on: the oldest tokens after the kept ones
    make room."""

    keep_tokens: int = 4
    """Kept at the front by a context shift, for requests that do not say themselves."""

    draft_model: Path | None = None
    """A small GGUF with the same vocabulary, whose guesses the model only checks."""

    draft_tokens: int = 8
    """Guessed at a time."""

    chat_template: str | None = None
    """Jinja; None: the model's own."""

    port: int = 0
    """On 127.0.0.1; 0: a free one."""

    slots_folder: Path | None = None
    """Where slots write what they have read, and read it from; None: they cannot. Keep it private:
    that is what callers have said."""

    api_key: str | None = None
    """Asked of every request but for health."""

    def __post_init__(self) -> None:
        least = {
            "context_tokens": 256,
            "slots": 1,
            "threads": 1,
            "niceness": 0,
            "gpu_layers": 0,
            "batch_tokens": 1,
            "cache_reuse_tokens": 0,
            "keep_tokens": 0,
            "draft_tokens": 1,
            "port": 0,
        }
        for name, low in least.items():
            value = getattr(self, name)
            if value is not None and value < low:
                raise EngineError(f"a llama.cpp server's {name} must be {low} or more, not {value}")

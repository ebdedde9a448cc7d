"""Why a llama.cpp server did not start, in one sentence that says what to do. Pure."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from pathlib import Path

from .options import ServerOptions

_MAGIC = b"GGUF"
_NAMED = ("model", "draft_model", "port")

_GPU_REMEDY = "install a GPU build of xllamacpp, or set gpu_layers to 0"


def check_file(path: Path) -> str | None:
    """What is wrong with a model file, as far as its first bytes tell; None if nothing is."""
    try:
        with path.open("rb") as file:
            magic = file.read(len(_MAGIC))
    except FileNotFoundError:
        return f"there is no model file {path}: run `parley download`"
    except OSError as e:
        return f"the model file {path} cannot be read: {e.strerror}"
    if magic != _MAGIC:
        return f"{path} is no GGUF file: run `parley download`, or name another file"
    return None


def why_it_failed(
    options: ServerOptions, answer: str, log: Sequence[str], exit_code: int | None
) -> str:
    """`answer`: what the process said itself; `log`: its last lines; both may be empty."""
    text = "\n".join([answer, *log]).lower()
    if exit_code == -signal.SIGKILL:
        return "the llama.cpp server was killed while it started, perhaps for lack of memory"
    if exit_code == -signal.SIGILL:
        return "this processor cannot run the installed xllamacpp: build it from source"
    if "no module named" in text:
        return "xllamacpp is not installed: install the 'llama' extra"
    if answer == "no GPU":
        return f"gpu_layers is {options.gpu_layers}, but there is no GPU: {_GPU_REMEDY}"
    for signs, sentence in _SIGNS:
        if any(sign in text for sign in signs):
            return sentence.format(**{name: getattr(options, name) for name in _NAMED})
    if exit_code is not None and exit_code < 0:
        return f"the llama.cpp server crashed while it started (signal {-exit_code})"
    return (
        f"llama.cpp cannot load {options.model}: it is broken, or of a kind it does not know;"
        " run `parley download`"
    )


_SIGNS = (
    (
        ("couldn't bind", "exiting due to http server error"),
        "the llama.cpp server cannot listen on port {port}: is it taken?",
    ),
    (
        ("chat template parsing error",),
        "llama.cpp cannot read the chat template: set chat_template to one that is valid Jinja",
    ),
    (
        ("unknown model architecture",),
        "{model} is a model of a kind that this llama.cpp does not know: update xllamacpp",
    ),
    (
        ("out of memory", "failed to allocate", "unable to allocate", "failed to create context"),
        "there is not enough memory for {model}: use a smaller model, fewer slots or less context",
    ),
    (
        ("failed to load draft model", "the target and draft vocabs"),
        "llama.cpp cannot use the draft model {draft_model}: it must be whole, and have the"
        " vocabulary of {model}",
    ),
    (
        ("not within the file bounds", "corrupted or incomplete", "exceeds remaining file size"),
        "{model} is truncated: run `parley download`",
    ),
)

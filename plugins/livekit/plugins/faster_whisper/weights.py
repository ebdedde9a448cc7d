"""Which models there are, and where on this machine they lie. Nothing here loads one."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

from livekit.plugins.speechcore import EngineError

FILES = ("config.json", "model.bin", "preprocessor_config.json", "tokenizer.json", "vocabulary.*")
"""Patterns of what a model consists of; large-v3 alone needs the third."""

_NEEDED = ("config.json", "model.bin", "tokenizer.json")
"""Without tokenizer.json faster-whisper would fetch one from the internet."""


MODELS = {
    "tiny": "Systran/faster-whisper-tiny",
    "tiny.en": "Systran/faster-whisper-tiny.en",
    "base": "Systran/faster-whisper-base",
    "base.en": "Systran/faster-whisper-base.en",
    "small": "Systran/faster-whisper-small",
    "small.en": "Systran/faster-whisper-small.en",
    "medium": "Systran/faster-whisper-medium",
    "medium.en": "Systran/faster-whisper-medium.en",
    "large-v3": "Systran/faster-whisper-large-v3",
    "large-v3-turbo": "dropbox-dash/faster-whisper-large-v3-turbo",
    "distil-small.en": "Systran/faster-distil-whisper-small.en",
    "distil-large-v3": "Systran/faster-distil-whisper-large-v3",
}
"""Their repositories on huggingface.co, by the names that `WhisperOptions.model` takes."""


def model_folder(model: str) -> Path:
    """Where a model lies: itself if it is a folder, else its place in Hugging Face's cache.

    Looks at the disk only. Raises EngineError, with the command that mends it.
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        return folder
    if model not in MODELS:
        raise EngineError(
            f"there is no Whisper model {model!r}: give a folder, or one of {', '.join(MODELS)}"
        )
    try:
        return Path(_snapshot(model, local_files_only=True))
    except EngineError:
        raise
    except Exception as e:  # the hub library has no common class for "it is not there"
        raise EngineError(
            f"the Whisper model {model} is not on this machine: run `parley download`"
        ) from e


def check_files(folder: Path) -> None:
    """Raises EngineError for a folder that lacks a file, or whose config is none of Whisper's."""
    missing = [name for name in _NEEDED if not (folder / name).is_file()]
    if not any(folder.glob("vocabulary.*")):
        missing.append("vocabulary.json")
    if missing:
        raise EngineError(
            f"the Whisper model in {folder} lacks {', '.join(missing)}: run `parley download` again"
        )
    try:
        config = json.loads((folder / "config.json").read_bytes())
        has_words = bool(config["alignment_heads"])
    except (ValueError, TypeError, KeyError) as e:
        raise broken(folder, "its config.json is not that of a Whisper model") from e
    if not has_words:
        raise broken(folder, "it cannot tell when a word was said")


def broken(folder: Path, reason: str) -> EngineError:
    return EngineError(
        f"the Whisper model in {folder} cannot be used, {reason}:"
        " delete the folder and run `parley download`"
    )


def download(model: str, folder: Path | None = None) -> Path:
    """Fetches a model of `MODELS` from Hugging Face, into its cache if no `folder` is given.

    Goes on with what is there already. Raises EngineError.
    """
    if model not in MODELS:
        raise EngineError(f"there is no Whisper model {model!r}: one of {', '.join(MODELS)}")
    try:
        return Path(_snapshot(model, local_dir=folder))
    except EngineError:
        raise
    except Exception as e:  # network, disk, permission: as many classes as causes
        raise EngineError(
            f"the Whisper model {model} could not be downloaded ({type(e).__name__}):"
            " check the connection and the disk, then try again"
        ) from e


def _snapshot(model: str, **options: Any) -> str:
    try:
        hub = importlib.import_module("huggingface_hub")
    except ImportError as e:
        raise EngineError("huggingface_hub is not installed: install the 'whisper' extra") from e
    path: str = hub.snapshot_download(MODELS[model], allow_patterns=list(FILES), **options)
    return path

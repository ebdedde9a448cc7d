"""What a Whisper model on this machine must consist of. Nothing here loads one."""

from __future__ import annotations

import json
from pathlib import Path

from livekit.plugins.speechcore import EngineError

_NEEDED = ("config.json", "model.bin", "tokenizer.json")
"""Without tokenizer.json faster-whisper would fetch one from the internet."""


def model_folder(model: str) -> Path:
    """Raises EngineError for what is no folder, with the command that makes one."""
    folder = Path(model).expanduser()
    if not model or not folder.is_dir():
        raise EngineError(
            f"there is no folder {model!r} with a Whisper model:"
            " run `parley download faster_whisper:base.en`, which says where it is"
        )
    return folder


def check_files(folder: Path) -> None:
    """Raises EngineError for a folder that lacks a file, or whose config is none of Whisper's."""
    missing = [name for name in _NEEDED if not (folder / name).is_file()]
    if not any(folder.glob("vocabulary.*")):
        missing.append("vocabulary.json")
    if missing:
        raise EngineError(
            f"the Whisper model in {folder} lacks {', '.join(missing)}:"
            " get it again with `parley download`"
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
        " delete the folder and get it again with `parley download`"
    )

"""Files that hold secrets: mode 600, written whole or not at all, readable by shells and dotenv."""

import os
import secrets
import shlex
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Keys", "load_keys", "make_state_dir", "read_env", "write_env", "write_private"]


@dataclass(frozen=True, kw_only=True)
class Keys:
    """An API key of a LiveKit server and its secret."""

    api_key: str
    api_secret: str = field(repr=False)


def make_state_dir(path: Path) -> None:
    """Makes the folder, for this user only."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


def write_private(path: Path, content: str | bytes) -> None:
    """Writes `content` to `path` with mode 600; readers see the old file or the new one."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def write_env(path: Path, values: Mapping[str, str]) -> None:
    """Writes `NAME=value` lines that `. file` and dotenv readers understand."""
    lines = [f"{name}={shlex.quote(value)}\n" for name, value in values.items()]
    write_private(path, "".join(lines))


def read_env(path: Path) -> dict[str, str]:
    """The values of a file written by `write_env`; empty when there is none or it is not one."""
    try:
        text = path.read_text()
    except (FileNotFoundError, UnicodeDecodeError):
        return {}
    values = {}
    for line in text.splitlines():
        name, separator, quoted = line.partition("=")
        try:
            words = shlex.split(quoted)
        except ValueError:
            continue
        if separator and len(words) == 1:
            values[name.strip()] = words[0]
    return values


def load_keys(path: Path) -> Keys:
    """The checkout's own key pair, made at random the first time.

    It is kept so that a server left running by an earlier start is recognised as ours.
    """
    values = read_env(path)
    key, secret = values.get("LIVEKIT_API_KEY", ""), values.get("LIVEKIT_API_SECRET", "")
    if key and len(secret) >= 32:
        return Keys(api_key=key, api_secret=secret)
    keys = Keys(api_key=f"parley-{secrets.token_hex(4)}", api_secret=secrets.token_urlsafe(36))
    write_env(path, {"LIVEKIT_API_KEY": keys.api_key, "LIVEKIT_API_SECRET": keys.api_secret})
    return keys

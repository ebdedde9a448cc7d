"""Where a Moshi server is, and how patient one is with it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from livekit.plugins.speechcore import EngineError

DEFAULT_URL = "ws://127.0.0.1:8998"
_PORT = 8998
_PATH = "/api/chat"
_SCHEMES = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MoshiOptions:
    """Raises EngineError for an address that is none."""

    url: str = DEFAULT_URL
    """Like ws://host:8998. Its query goes to the server as it is: the Rust server takes text_seed,
    audio_seed, text_temperature, audio_temperature, text_topk, audio_topk, pad_mult and
    repetition_penalty, a proxy in front of it perhaps worker_auth_id."""
    handshake_s: float = 3.0
    """Until the server listens."""
    stall_s: float = 1.5
    """Without sound from it, which never stops, until it is given up."""
    retries: int = 2
    """How often in a row one tries again."""

    def __post_init__(self) -> None:
        self._split()

    @property
    def endpoint(self) -> str:
        """The whole address; may hold a secret."""
        parts = self._split()
        path = parts.path if parts.path.strip("/") else _PATH
        return parts._replace(scheme=_SCHEMES[parts.scheme], path=path, fragment="").geturl()

    @property
    def netloc(self) -> str:
        """Host and port, without what may be secret."""
        parts = self._split()
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return f"{host}:{parts.port}" if parts.port else f"{host}"

    def _split(self) -> SplitResult:
        is_bare = "://" not in self.url
        try:
            parts = urlsplit(f"ws://{self.url}" if is_bare else self.url)
            port = parts.port
        except ValueError:
            raise EngineError(_sentence(self.url)) from None
        if parts.scheme not in _SCHEMES or not parts.hostname:
            raise EngineError(_sentence(self.url))
        if is_bare and port is None:
            parts = parts._replace(netloc=f"{parts.netloc}:{_PORT}")
        return parts


def _sentence(url: str) -> str:
    shown = url.partition("?")[0].rpartition("@")[2]
    return f"a Moshi server's address is like ws://host:8998, not {shown!r}"

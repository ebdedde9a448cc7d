"""What a model server is told at its start: where it listens, what it serves, its limits."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .address import TcpAddress, parse_address

DEFAULT_HEALTH_PORT = 8082

EXIT_OK = 0
EXIT_STUCK = 70
"""An engine hung for good: start the process anew."""
EXIT_UNUSABLE = 78
"""Settings, a model or an address that cannot be used: starting anew does not help."""


class ConfigError(Exception):
    """The settings cannot be used; the message has one line for each problem."""


@dataclass(frozen=True, kw_only=True)
class EngineConfig:
    """One engine of the server."""

    name: str
    """What callers ask for, for example "faster_whisper:base.en"."""

    kind: Literal["stt", "tts"]
    factory: str
    """"package.module:function"; called with `options`, returns a Recogniser or a Synthesiser."""

    options: Mapping[str, Any] = field(default_factory=dict)

    threads: int = 1
    """How many steps it makes at the same time. Most libraries use all processors for one."""

    capacity: int | None = None
    """How many callers it serves; None measures that."""

    max_batch: int = 1
    """How many interims are decoded together, if the engine has `decode_batch(sessions)`.

    Off by default: on a CPU one decode keeps all processors busy, so that a batch takes nearly as
    long as its parts and its first caller waits for the last. `parley tune` measures whether it pays.
    """

    lane: str = ""
    """Engines with the same one share threads and queue, so that their steps do not slow each other
    down; empty: threads of its own. The first of them says how many threads."""

    @property
    def lane_name(self) -> str:
        return self.lane or self.name


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a caller may take; beyond it is refused or cut off, and others do not notice."""

    connections: int = 512
    sessions: int = 512
    """Of all callers together, beside what each engine's capacity allows."""
    sessions_per_connection: int = 64
    hello_s: float = 2.0
    """From the connection to its greeting."""
    frame_s: float = 3.0
    """From a frame's first byte to its last."""
    silent_s: float = 30.0
    """Without a frame; callers ping."""
    slow_reader_s: float = 3.0
    """For which a caller may leave what it is sent unread."""
    unread_bytes: int = 4 << 20
    """Of output for one caller; more closes the connection at once."""
    waiting_audio_s: float = 30.0
    """Of one session's sound not yet heard by its engine."""
    drain_s: float = 60.0
    """For calls to end after SIGTERM."""
    stuck_s: float = 60.0
    """After which an engine whose threads all hang ends the process, to be started anew."""


@dataclass(frozen=True, kw_only=True)
class ServerConfig:
    """Raises nothing by itself: `check()` does."""

    address: str
    engines: tuple[EngineConfig, ...]
    token: str = field(default="", repr=False)
    """Must be given for TCP; checked on a Unix socket as well when it is given."""

    health_host: str = "127.0.0.1"
    health_port: int | None = DEFAULT_HEALTH_PORT
    """Of /healthz, /readyz and /metrics; 0 is any free one, None none."""

    limits: Limits = Limits()

    def check(self) -> None:
        """Raises ConfigError with all problems."""
        problems = [*self._address_problems(), *self._engine_problems()]
        if self.health_port is not None and not 0 <= self.health_port < 65_536:
            problems.append(f"there is no port {self.health_port}")
        if problems:
            raise ConfigError("\n".join(problems))

    def to_json(self) -> str:
        """Holds the token: for a pipe, not for a command line."""
        return json.dumps(dataclasses.asdict(self))

    def _address_problems(self) -> list[str]:
        try:
            address = parse_address(self.address)
        except ValueError as e:
            return [str(e)]
        if isinstance(address, TcpAddress) and not self.token:
            return ["a model server on TCP needs a token: set AGENT_MODELSERVER_TOKEN"]
        return []

    def _engine_problems(self) -> list[str]:
        problems = [] if self.engines else ["there is no engine to serve"]
        names = [engine.name for engine in self.engines]
        problems += [f"two engines are called {n!r}" for n in set(names) if names.count(n) > 1]
        for engine in self.engines:
            if engine.kind not in ("stt", "tts"):
                problems.append(f"{engine.name!r} must be stt or tts, not {engine.kind!r}")
            if engine.threads < 1 or engine.max_batch < 1:
                problems.append(f"{engine.name!r} needs threads and max_batch of at least 1")
            if engine.capacity is not None and engine.capacity < 1:
                problems.append(f"{engine.name!r} needs a capacity of at least 1")
        return problems


def config_from_json(text: str) -> ServerConfig:
    """Reads what `to_json` wrote, or a person. Raises ConfigError."""
    try:
        values = dict(json.loads(text))
        engines = tuple(EngineConfig(**engine) for engine in values.pop("engines", ()))
        limits = Limits(**values.pop("limits", {}))
        config = ServerConfig(engines=engines, limits=limits, **values)
        config.check()
    except (ValueError, TypeError, AttributeError, RecursionError) as e:
        raise ConfigError(f"the settings of the model server cannot be read: {e}") from e
    return config

"""Reads the addresses again and again and draws what they tell."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.parse import urlsplit, urlunsplit
from urllib.request import ProxyHandler, build_opener

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from agent.config import ConfigError, Settings
from agent.top.calls import calls_table, parse_calls
from agent.top.figures import Reading, Window, parse, server_figures, worker_figures
from agent.top.screen import server_table, worker_table

_TIMEOUT_S = 3.0
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # nosec B104 # to listen on, not to call

Draw = Callable[[str, Reading, Reading | None], RenderableType]


class Unanswered(Exception):
    """A sentence: what does not answer, and what to do."""


@dataclass(frozen=True, kw_only=True)
class TopOptions:
    worker: str
    """The URL of its `/metrics`."""
    model_server: str | None = None
    once: bool = False
    interval_s: float = 2.0

    @classmethod
    def of(
        cls, settings: Settings, worker: str | None, model_server: str | None, *, once: bool
    ) -> TopOptions:
        """Addresses as a person writes them; the worker of the settings for None. Raises ConfigError."""
        if worker is None:
            if not settings.agent_metrics_port:
                raise ConfigError(
                    [
                        "AGENT_METRICS_PORT is 0, so the worker has no metrics: set it to a port for the "
                        "worker, or name another worker's with --worker."
                    ]
                )
            host = _EVERYWHERE.get(settings.agent_host, settings.agent_host)
            host = f"[{host}]" if ":" in host else host
            worker = f"{host}:{settings.agent_metrics_port}"
        return cls(
            worker=metrics_url("--worker", worker),
            model_server=metrics_url("--model-server", model_server) if model_server else None,
            once=once,
        )


def metrics_url(option: str, address: str) -> str:
    """`host:port`, or a URL with or without its path. Raises ConfigError."""
    url = address if "://" in address else f"http://{address}"
    try:
        parts = urlsplit(url)
        is_address = bool(parts.hostname) and parts.scheme in ("http", "https") and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address:
        raise ConfigError([f"{option}: {address!r} is no address; write one like 127.0.0.1:9090"])
    path = parts.path if parts.path not in ("", "/") else "/metrics"
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))


@dataclass
class _Source:
    """One address, and the readings of its last minute."""

    url: str
    what: str
    remedy: str
    draw: Draw
    proof: str
    """A metric that it has, whatever its state."""
    calls_url: str | None = None
    """Of what tells of single calls, where somebody does."""
    window: Window = field(default_factory=Window)

    def table(self, now_s: float) -> RenderableType:
        """Raises Unanswered."""
        reading = self._read()
        table = self.draw(self.url, reading, self.window.add(reading, now_s))
        return table if self.calls_url is None else Group(table, self._calls(self.calls_url))

    def _calls(self, url: str) -> RenderableType:
        """An older worker tells of none, one on another machine may not."""
        try:
            with build_opener(ProxyHandler({})).open(url, timeout=_TIMEOUT_S) as answer:
                rows = parse_calls(answer.read())
        except (OSError, HTTPException, ValueError):
            return Text("Single calls are shown on the worker's own machine only.", style="dim")
        return calls_table(rows) if rows else Text("")

    def _read(self) -> Reading:
        try:
            with build_opener(ProxyHandler({})).open(self.url, timeout=_TIMEOUT_S) as answer:
                reading = parse(answer.read().decode())
        except HTTPError as e:
            raise self._unanswered(f"status {e.code}") from e
        except (OSError, HTTPException) as e:
            raise self._unanswered(str(getattr(e, "reason", e) or type(e).__name__)) from e
        except ValueError as e:
            raise Unanswered(f"What {self.url} answers are no metrics: {self.remedy}") from e
        if self.proof not in reading.samples:
            raise Unanswered(f"What answers at {self.url} is no {self.what}: {self.remedy}")
        return reading

    def _unanswered(self, reason: str) -> Unanswered:
        self.window = Window()
        return Unanswered(f"No {self.what} answers at {self.url} ({reason}): {self.remedy}")


def run_top(options: TopOptions, console: Console, errors: Console) -> int:
    """Until Ctrl-C, or once; returns the exit status. Where there is no terminal it draws once."""
    sources = _sources(options)
    try:
        first = Group(*(source.table(time.monotonic()) for source in sources))
    except Unanswered as e:
        errors.print(str(e), style="red", markup=False, highlight=False)
        return 1
    except KeyboardInterrupt:
        return 0
    if options.once or not console.is_terminal:
        console.print(first)
        return 0
    live = Live(first, console=console, screen=True, auto_refresh=False)
    try:
        live.start(refresh=True)
        while True:
            time.sleep(options.interval_s)
            live.update(Group(*map(_table_or_sentence, sources)), refresh=True)
    except KeyboardInterrupt:
        return 0
    finally:
        live.stop()  # as a context manager it would not, when Ctrl-C comes while it starts


def _table_or_sentence(source: _Source) -> RenderableType:
    """What answered before may be away for a while."""
    try:
        return source.table(time.monotonic())
    except Unanswered as e:
        return Text(str(e), style="red")


def _sources(options: TopOptions) -> list[_Source]:
    sources = [
        _Source(
            options.worker,
            "worker",
            "start one with `parley start`, or name its address with --worker.",
            _draw_worker,
            "parley_calls",
            urlunsplit((*urlsplit(options.worker)[:2], "/calls", "", "")),
        )
    ]
    if options.model_server is not None:
        remedy = "start one with `parley serve`, or leave --model-server out."
        proof = "parley_modelserver_connections"
        sources.append(_Source(options.model_server, "model server", remedy, _draw_server, proof))
    return sources


def _draw_worker(address: str, newest: Reading, oldest: Reading | None) -> RenderableType:
    is_recent = oldest is not None
    return worker_table(address, worker_figures(newest, oldest), is_recent=is_recent)


def _draw_server(address: str, newest: Reading, oldest: Reading | None) -> RenderableType:
    is_recent = oldest is not None
    return server_table(address, server_figures(newest, oldest), is_recent=is_recent)

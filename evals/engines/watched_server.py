"""The model server with a probe on its event loop, whose summary it writes to a file at its end.

    python -m evals.engines.watched_server lag.json   # settings in the first line of standard input

`watched_server` runs it so.
"""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from livekit.plugins.modelserver import EngineConfig, ModelServerProcess, Running, ServerConfig
from livekit.plugins.modelserver.app import end_process, end_with_parent, print_ready, serve
from livekit.plugins.modelserver.config import config_from_json

from evals.engines.lag import LagProbe

_START_S = 60.0


@asynccontextmanager
async def watched_server(lag: Path, *engines: EngineConfig) -> AsyncIterator[Running]:
    """In a process of its own, with its socket beside `lag`, which is there when it has ended."""
    config = ServerConfig(
        address=f"unix:{lag.with_name('models.sock')}", engines=engines, health_port=None
    )
    command = (sys.executable, "-m", "evals.engines.watched_server", str(lag))
    process = ModelServerProcess(config, command=command)
    try:
        yield await process.start(timeout_s=_START_S)
    finally:
        await process.aclose()


def main() -> None:
    config = config_from_json(sys.stdin.buffer.readline().decode())
    end_with_parent()
    probe = LagProbe()

    def on_ready(facts: dict[str, object]) -> None:
        probe.begin()
        print_ready(facts)

    status = serve(config, on_ready=on_ready)
    Path(sys.argv[1]).write_text(json.dumps(probe.summary()))
    end_process(status)


if __name__ == "__main__":
    main()

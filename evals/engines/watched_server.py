"""The model server with a probe on its event loop, whose summary it writes to a file at its end.

python -m evals.engines.watched_server lag.json   # settings in the first line of standard input
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from livekit.plugins.modelserver.app import end_process, end_with_parent, print_ready, serve
from livekit.plugins.modelserver.config import config_from_json

from evals.engines.lag import LagProbe


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

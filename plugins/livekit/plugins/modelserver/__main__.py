"""`python -m livekit.plugins.modelserver settings.json`, or `-` to read them from standard input.

With `-` the first line is the settings, and the end of the input ends the server.
"""

from __future__ import annotations

import sys
from pathlib import Path

from .app import end_process, end_with_parent, print_ready, serve
from .config import EXIT_UNUSABLE, ConfigError, ServerConfig, config_from_json
from .logs import log_to_stderr


def _settings(arguments: list[str]) -> ServerConfig:
    match arguments:
        case ["-"]:
            config = config_from_json(sys.stdin.buffer.readline().decode())
            end_with_parent()
            return config
        case [path]:
            return config_from_json(Path(path).read_text())
    raise ConfigError(str(__doc__))


def main() -> None:
    log_to_stderr()
    try:
        config = _settings(sys.argv[1:])
    except (ConfigError, OSError, UnicodeDecodeError) as e:
        sys.stderr.write(f"{e}\n")
        end_process(EXIT_UNUSABLE)
    is_child = sys.argv[1:] == ["-"]
    end_process(serve(config, on_ready=print_ready if is_child else None))


if __name__ == "__main__":
    main()

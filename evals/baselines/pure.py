"""The simulated stages' logic, without livekit-agents, which pipecat's environment does not have."""

import sys
from importlib.util import find_spec, module_from_spec


def _skip_init(package: str) -> None:
    """Makes the modules of `package` importable although its `__init__` cannot be run here."""
    spec = find_spec(package)
    if spec is None:
        raise ImportError(f"{package} was not found: run `sh scripts/evals_setup.sh`")
    sys.modules.setdefault(package, module_from_spec(spec))


_skip_init("livekit.plugins.simulated")

from livekit.plugins.simulated.recogniser import (  # noqa: E402
    Heard,
    HeardKind,
    ScriptedRecogniser,
)
from livekit.plugins.simulated.reply import (  # noqa: E402
    VoiceChooser,
    count_characters,
    reply_text,
    split_tokens,
)
from livekit.plugins.simulated.tone import Tone  # noqa: E402
from livekit.plugins.simulated.words import (  # noqa: E402
    Announcements,
    WordsError,
    parse_words,
)
from livekit.plugins.speechcore import EdgeFader, level_dbfs  # noqa: E402

__all__ = [
    "Announcements",
    "EdgeFader",
    "Heard",
    "HeardKind",
    "ScriptedRecogniser",
    "Tone",
    "VoiceChooser",
    "WordsError",
    "count_characters",
    "level_dbfs",
    "parse_words",
    "reply_text",
    "split_tokens",
]

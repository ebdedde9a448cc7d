"""One process that loads speech models once and serves them to all calls of a host.

A call holds a `ModelServerClient` and handles on its engines; the server itself is `app.serve`, or
`python -m livekit.plugins.modelserver`, or a `ModelServerProcess` that a worker keeps for itself.
"""

from .backoff import Backoff
from .client import ModelServerClient
from .config import ConfigError, EngineConfig, Limits, ServerConfig, config_from_json
from .remote import RemoteListener, RemoteRecogniser, RemoteSynthesiser
from .supervisor import ModelServerProcess, Running

__version__ = "0.1.0"
__all__ = [
    "Backoff",
    "ConfigError",
    "EngineConfig",
    "Limits",
    "ModelServerClient",
    "ModelServerProcess",
    "RemoteListener",
    "RemoteRecogniser",
    "RemoteSynthesiser",
    "Running",
    "ServerConfig",
    "__version__",
    "config_from_json",
]

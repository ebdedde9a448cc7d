"""The model server that the settings name, looked at before the first caller needs it."""

from __future__ import annotations

from livekit.plugins.modelserver import ModelServerClient
from livekit.plugins.speechcore import EngineBusy, EngineError, EngineTimeout

from agent.config import ConfigError, Settings
from agent.local.plan import SERVED
from agent.profiles import Choice

_TIMEOUT_S = 3.0


async def unreached(settings: Settings, choice: Choice) -> str:
    """Why it cannot be used yet, in a sentence; empty when it can, or none is needed.

    Raises ConfigError for what waiting does not mend: another token, an engine it does not serve.
    """
    needed = {str(spec) for spec in choice.all if spec.name in SERVED}
    address = settings.agent_modelserver
    if address is None or not needed:
        return ""
    try:
        client = ModelServerClient(address, token=settings.modelserver_token)
    except ValueError as e:
        raise ConfigError([f"AGENT_MODELSERVER: {e}"]) from None
    try:
        engines = (await client.status(timeout_s=_TIMEOUT_S))["engines"]
    except EngineError as e:
        if isinstance(e, EngineBusy | EngineTimeout) or isinstance(e.__cause__, OSError):
            return f"{e}: calls fail until that is mended, by `parley serve` for example."
        raise ConfigError([f"AGENT_MODELSERVER={address}: {e}"]) from None
    finally:
        client.close()
    if lacking := sorted(needed - engines.keys()):
        raise ConfigError(
            [
                f"The model server at {address} serves {', '.join(engines)}, not "
                f"{' and '.join(lacking)}: give it and the worker the same AGENT_STT and AGENT_TTS."
            ]
        )
    return ""

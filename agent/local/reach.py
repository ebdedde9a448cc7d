"""The model server that the settings name, looked at before the first caller needs it."""

from __future__ import annotations

from typing import Any

from livekit.plugins.modelserver import ModelServerClient, RemoteSynthesiser
from livekit.plugins.speechcore import EngineBusy, EngineError, EngineTimeout

from agent.config import ConfigError, Settings
from agent.engine_makers import voicing_of
from agent.local.plan import SERVED
from agent.profiles import Choice

_TIMEOUT_S = 3.0


def needed(choice: Choice) -> set[str]:
    """The engines of a model server that calls will ask for."""
    return {str(spec) for spec in choice.all if spec.name in SERVED}


async def unreached(settings: Settings, choice: Choice) -> str:
    """Why it cannot be used yet, in a sentence; empty when it can, or none is needed.

    Raises ConfigError for what waiting does not mend: another token, an engine it does not serve, a
    voice that the engine does not have.
    """
    address = settings.agent_modelserver
    if address is None or not needed(choice):
        return ""
    try:
        client = ModelServerClient(address, token=settings.modelserver_token)
    except ValueError as e:
        raise ConfigError([f"AGENT_MODELSERVER: {e}"]) from None
    try:
        engines = (await client.status(timeout_s=_TIMEOUT_S))["engines"]
        _check_served(engines, choice, address)
        await _try_voice(client, engines, choice)
    except EngineError as e:
        if isinstance(e, EngineBusy | EngineTimeout) or isinstance(e.__cause__, OSError):
            return f"{e}: calls fail until that is mended, by `parley serve` for example."
        raise ConfigError([f"AGENT_MODELSERVER={address}: {e}"]) from None
    finally:
        client.close()
    return ""


def _check_served(engines: dict[str, Any], choice: Choice, address: str) -> None:
    if lacking := sorted(needed(choice) - engines.keys()):
        raise ConfigError(
            [
                f"The model server at {address} serves {', '.join(engines)}, not "
                f"{' and '.join(lacking)}: give it and the worker the same AGENT_STT and AGENT_TTS."
            ]
        )


async def _try_voice(client: ModelServerClient, engines: dict[str, Any], choice: Choice) -> None:
    """Has nothing spoken, as calls will ask for it. Raises EngineError where the engine says that it
    has no such voice, or that this one does not speak the language."""
    spec = choice.tts
    if spec.name in SERVED:
        rate_hz = engines[str(spec)]["rate"]
        voice = RemoteSynthesiser(client, str(spec), sample_rate_hz=rate_hz)
        async for _ in voice.speak("", voicing_of(choice, spec), timeout_s=_TIMEOUT_S):
            pass

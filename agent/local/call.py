"""One call's way to the local engines: the model server, and a slot of llama.cpp."""

from __future__ import annotations

from livekit.plugins.modelserver import ModelServerClient, RemoteRecogniser, RemoteSynthesiser

from agent.config import Settings
from agent.engine_spec import EngineSpec
from agent.local.addresses import LocalAddresses
from agent.local.models import is_url
from agent.local.slots import SlotLock
from agent.profiles import ProfileError


class LocalCall:
    """Connects to nothing before an engine is used. Closed with the call."""

    def __init__(self, settings: Settings, addresses: LocalAddresses | None) -> None:
        self._settings = settings
        self._addresses = addresses
        self._client: ModelServerClient | None = None
        self._slots: SlotLock | None = None

    def recogniser(self, spec: EngineSpec, *, sample_rate_hz: int) -> RemoteRecogniser:
        """Raises ProfileError when there is no model server to ask."""
        return RemoteRecogniser(self._connection(), str(spec), sample_rate_hz=sample_rate_hz)

    def synthesiser(self, spec: EngineSpec, *, sample_rate_hz: int) -> RemoteSynthesiser:
        """Raises ProfileError when there is no model server to ask."""
        return RemoteSynthesiser(self._connection(), str(spec), sample_rate_hz=sample_rate_hz)

    def llama_url(self, spec: EngineSpec) -> str:
        """Of the server that the setting names, or of the worker's own. Raises ProfileError."""
        if is_url(spec):
            return spec.model or ""
        return self._own_servers().llama_url

    def llama_slot(self, spec: EngineSpec) -> int | None:
        """The slot that is this call's own; None on others' servers, and when all are taken."""
        if is_url(spec):
            return None
        own = self._own_servers()
        self._slots = self._slots or SlotLock(own.slots_folder, own.llama_slots)
        return self._slots.take()

    def close(self) -> None:
        """Harmless when repeated."""
        if self._client is not None:
            self._client.close()
        if self._slots is not None:
            self._slots.release()

    def _connection(self) -> ModelServerClient:
        if self._client is None:
            address = self._settings.agent_modelserver or self._own_servers().model_server
            token = self._settings.modelserver_token
            try:
                self._client = ModelServerClient(address, token=token)
            except ValueError as e:
                raise ProfileError(f"AGENT_MODELSERVER: {e}") from e
        return self._client

    def _own_servers(self) -> LocalAddresses:
        if self._addresses is None:
            raise ProfileError(
                "the local engines run beside a worker: start one with `parley dev`, or name a "
                "model server in AGENT_MODELSERVER."
            )
        return self._addresses

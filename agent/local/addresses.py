"""Where calls find the local engines of their worker. Told to job processes by the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path

_SOCKET = "PARLEY_MODELSERVER_SOCKET"
_LLAMA = "PARLEY_LLAMA_URL"
_SLOTS = "PARLEY_LLAMA_SLOTS"


@dataclass(frozen=True, kw_only=True)
class LocalAddresses:
    """Of the servers that a worker runs for itself."""

    model_server: str
    llama_url: str
    llama_slots: int
    slots_folder: Path
    """Where calls lock their slot."""

    def publish(self, environment: MutableMapping[str, str]) -> None:
        """To this process's children from now on."""
        environment[_SOCKET] = self.model_server
        environment[_LLAMA] = self.llama_url
        environment[_SLOTS] = f"{self.llama_slots} {self.slots_folder}"

    @classmethod
    def published(cls, environment: Mapping[str, str] = os.environ) -> LocalAddresses | None:
        """What a worker has published; None in a process without one."""
        if _SOCKET not in environment:
            return None
        count, _, folder = environment[_SLOTS].partition(" ")
        return cls(
            model_server=environment[_SOCKET],
            llama_url=environment[_LLAMA],
            llama_slots=int(count),
            slots_folder=Path(folder),
        )

"""Chains that own their members, so that a test need not know that there are several engines."""

from __future__ import annotations

from typing import Any

from livekit.agents import stt
from livekit.plugins.chains import Member
from livekit.plugins.chains.stt import ChainSTT


class OwningChainSTT(ChainSTT):
    def __init__(self, *engines: stt.STT[Any], deadline_s: float = 2.0) -> None:
        members = [Member(f"engine {place}", it, deadline_s) for place, it in enumerate(engines)]
        super().__init__(members)
        self._owned = engines

    async def aclose(self) -> None:
        await super().aclose()
        for engine in self._owned:
            await engine.aclose()

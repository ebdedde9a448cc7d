"""Kyutai's plugins with a server of their own on a thread, so that a test need not know there is one."""

from __future__ import annotations

from livekit.plugins import kyutai

from .providers.faults import Fault, Plan
from .providers.kyutai import EARS, VOICE, FakeKyutai
from .providers.thread import ProviderThread


class KyutaiThread(ProviderThread[FakeKyutai]):
    """With what a client needs to reach it."""

    def __init__(self, server: FakeKyutai) -> None:
        super().__init__(server)
        self.options = kyutai.ServerOptions(url=server.address, api_key=server.key)


def _thread(service: str, fault: Fault | None) -> KyutaiThread:
    server = FakeKyutai()
    if fault is not None:
        server.plans[service] = Plan.always(fault)
    return KyutaiThread(server)


class ServedKyutaiSTT(kyutai.STT):
    """Every request meets the fault."""

    def __init__(self, fault: Fault | None = None) -> None:
        self._served = _thread(EARS, fault)
        super().__init__(self._served.options)

    async def aclose(self) -> None:
        await super().aclose()
        self._served.stop()


class ServedKyutaiTTS(kyutai.TTS):
    """Every request meets the fault."""

    def __init__(self, fault: Fault | None = None) -> None:
        self._served = _thread(VOICE, fault)
        super().__init__(self._served.options)

    async def aclose(self) -> None:
        await super().aclose()
        self._served.stop()

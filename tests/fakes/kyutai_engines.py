"""Kyutai's plugins with a server of their own on a thread, so that a test need not know there is one."""

from __future__ import annotations

import asyncio
import contextlib
import threading

from livekit.plugins import kyutai

from .providers.faults import Fault, Plan
from .providers.kyutai import EARS, VOICE, FakeKyutai

_START_S = 5.0


class KyutaiThread:
    """Serves until `stop()`, which does not wait for the end."""

    def __init__(self, server: FakeKyutai) -> None:
        self._server = server
        self._loop = asyncio.new_event_loop()
        self._stopped = asyncio.Event()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="moshi-server")
        self._thread.start()
        assert self._started.wait(_START_S)
        self.options = kyutai.ServerOptions(url=server.address, api_key=server.key)

    def stop(self) -> None:
        """Twice is fine."""
        with contextlib.suppress(RuntimeError):  # it has ended
            self._loop.call_soon_threadsafe(self._stopped.set)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        async with self._server.running():
            self._started.set()
            await self._stopped.wait()


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

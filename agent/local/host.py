"""Runs the local engines of a worker: a model server for speech, llama.cpp's server for text.

Both are processes that end with the worker, however it ends, and are started again when they die.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from livekit.plugins.modelserver import EngineConfig, ModelServerProcess, ServerConfig
from livekit.plugins.speechcore import EngineThread

from agent.config import Settings
from agent.local.addresses import LocalAddresses
from agent.local.models import LocalModel, gguf_of
from agent.local.plan import LocalPlan, SpeechOptions, engine_options, make_plan
from agent.local.precision import with_precision
from agent.local.slots import is_any_held
from agent.local.tuning import Tuning, load
from agent.ports import free_port
from agent.profiles import Choice
from agent.weights import store_of

if TYPE_CHECKING:
    from livekit.plugins.llama_cpp import LlamaServer, WarmSlots

    from agent.opening import Opening

logger = logging.getLogger(__name__)

LOADING_TIMEOUT_S = 180.0
"""For the models to be read from a slow disk."""

READING_S = 45.0
"""So long a start waits until the language model has read what calls begin with; it goes on beside
them then."""

_SHARED_LANE = "cpu"
"""Speech engines take turns: on a CPU two steps at once take twice as long each."""


@dataclass(frozen=True, kw_only=True)
class LocalHost:
    """What is to run, and where calls will find it. Nothing runs before `running()`."""

    plan: LocalPlan
    addresses: LocalAddresses
    speech: SpeechOptions
    tuning: Tuning
    context_tokens: int
    """Of each call, in llama.cpp."""
    health_port: int | None
    opening: Callable[[], Opening] | None = None
    """Makes what llama.cpp is to have read before there are calls; None: nothing."""

    @classmethod
    def prepare(
        cls,
        plan: LocalPlan,
        folder: Path,
        *,
        speech: SpeechOptions,
        tuning: Tuning,
        context_tokens: int = 4096,
        llama_slots: int = 4,
        health_port: int | None,
        opening: Callable[[], Opening] | None = None,
    ) -> LocalHost:
        """`folder`: private, for sockets and locks; its path must be short, as a socket's must.
        `llama_slots`: calls whose conversation llama.cpp keeps evaluated."""
        addresses = LocalAddresses(
            model_server=f"unix:{folder / 'models.sock'}",
            llama_url=f"http://127.0.0.1:{free_port()}",
            llama_slots=llama_slots,
            slots_folder=folder / "slots",
        )
        return cls(
            plan=plan,
            addresses=addresses,
            speech=speech,
            tuning=tuning,
            context_tokens=context_tokens,
            health_port=health_port,
            opening=opening,
        )

    def server_config(self) -> ServerConfig:
        return ServerConfig(
            address=self.addresses.model_server,
            engines=tuple(
                EngineConfig(
                    name=served.name,
                    kind=served.kind,
                    factory=f"agent.local.factories:{served.model.spec.name}",
                    options=engine_options(served, self.speech, self.tuning),
                    max_batch=self.tuning.whisper_batch if served.kind == "stt" else 1,
                    lane=_SHARED_LANE,
                )
                for served in self.plan.served
            ),
            health_port=self.health_port,
        )

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Loads the models, then keeps the servers up. Raises EngineError when one cannot start."""
        async with contextlib.AsyncExitStack() as stack:
            if self.plan.llm is not None:
                await stack.enter_async_context(self._llama(self.plan.llm))
            if self.plan.served:
                process = ModelServerProcess(self.server_config())
                stack.push_async_callback(process.aclose)
                await process.start(timeout_s=LOADING_TIMEOUT_S)
            logger.info(
                "local engines are ready",
                extra={
                    "served": [served.name for served in self.plan.served],
                    "llm": str(self.plan.llm.spec) if self.plan.llm else None,
                    "draft": str(self.plan.draft.spec) if self.plan.draft else None,
                },
            )
            yield

    @contextlib.asynccontextmanager
    async def _llama(self, model: LocalModel) -> AsyncIterator[None]:
        from livekit.plugins.llama_cpp import keep_running

        server, thread = self._llama_server(model), EngineThread("llama-server")
        warm = self._warm_slots(self.opening()) if self.opening else None
        on_start = warm.begin if warm else lambda: None
        keeping: asyncio.Task[None] | None = None
        try:
            await thread.call(
                lambda: server.start(timeout_s=LOADING_TIMEOUT_S),
                timeout_s=LOADING_TIMEOUT_S + 5.0,
            )
            on_start()
            keeping = asyncio.create_task(
                keep_running(server, thread, on_start=on_start), name="llama-server"
            )
            if warm and not await warm.wait(READING_S):
                logger.warning("llama.cpp goes on reading what calls begin with beside them")
            yield
        finally:
            if keeping is not None:
                keeping.cancel()
                await asyncio.gather(keeping, return_exceptions=True)
            if warm is not None:
                await warm.aclose()
            thread.submit(server.stop)
            thread.close()

    def _llama_server(self, model: LocalModel) -> LlamaServer:
        from livekit.plugins.llama_cpp import LlamaServer, ServerOptions

        at = self.addresses
        if self.opening:
            at.slots_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        options = ServerOptions(
            model=gguf_of(model),
            draft_model=gguf_of(self.plan.draft) if self.plan.draft else None,
            slots=at.llama_slots,
            context_tokens=self.context_tokens,
            threads=self.tuning.llama_threads or None,
            port=int(at.llama_url.rpartition(":")[2]),
            slots_folder=at.slots_folder if self.opening else None,
        )
        return LlamaServer(options)

    def _warm_slots(self, opening: Opening) -> WarmSlots:
        from livekit.plugins.llama_cpp import WarmSlots

        at = self.addresses
        return WarmSlots(
            at.llama_url,
            opening.chat_ctx,
            opening.tools,
            slots=at.llama_slots,
            is_in_use=partial(is_any_held, at.slots_folder, at.llama_slots),
        )


def local_host(settings: Settings, choice: Choice, folder: Path) -> LocalHost | None:
    """What a worker has to run for `choice`, published to its children; None for nothing.

    `folder`: private, with a short path. Raises WeightsError.
    """
    tuning = load(settings.cache_dir)
    plan = plan_of(settings, choice, tuning, served=not settings.agent_modelserver)
    if plan.is_empty:
        return None
    host = LocalHost.prepare(
        plan,
        folder,
        speech=SpeechOptions.of(settings, choice),
        tuning=tuning,
        context_tokens=settings.agent_llm_context,
        llama_slots=settings.agent_llm_slots,
        health_port=0,
        opening=partial(_opening, settings),
    )
    host.addresses.publish(os.environ)
    return host


def _opening(settings: Settings) -> Opening:
    from agent.opening import opening_of  # heavy: job processes start before it is imported

    return opening_of(settings)


def plan_of(
    settings: Settings, choice: Choice, tuning: Tuning | None = None, *, served: bool = True
) -> LocalPlan:
    """The local engines among those of `choice`, run as `tuning` says. Raises WeightsError."""
    store = store_of(settings)
    plan = make_plan(choice.all, store, served=served, draft=settings.agent_llm_draft)
    return with_precision(plan, settings, store, tuning) if tuning else plan

"""One member's stream: fed without holding up the loop, listened to, left behind when it hangs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from livekit import rtc
from livekit.agents import stt
from livekit.agents.utils import aio

from .strays import Strays

_FRAMES_A_STEP = 10
"""A second of a replay; resampling it takes 2 ms."""


class Leg:
    """Owned by the chain's stream. `on_event` and `on_end` are called from tasks of the leg's own."""

    def __init__(
        self,
        stream: stt.RecognizeStream,
        strays: Strays,
        on_event: Callable[[stt.SpeechEvent], None],
        on_end: Callable[[BaseException | None], None],
    ) -> None:
        """`on_end` gets what the stream has failed with, None if it just ended; it is not called
        after `close`."""
        self._stream = stream
        self._strays = strays
        self._on_event = on_event
        self._on_end = on_end
        self._input = aio.Chan[rtc.AudioFrame | None]()
        """None is a flush."""
        self._tasks = [
            asyncio.create_task(self._feed(), name="chain.stt.feed"),
            asyncio.create_task(self._listen(), name="chain.stt.listen"),
        ]

    def push(self, frame: rtc.AudioFrame) -> None:
        self._input.send_nowait(frame)

    def flush(self) -> None:
        self._input.send_nowait(None)

    def end_input(self) -> None:
        self._input.close()

    def close(self) -> asyncio.Future[None]:
        """Lets go of the stream; nobody need wait for what is returned."""
        self._input.close()
        for task in self._tasks:
            self._strays.leave(task)
        closing = asyncio.ensure_future(self._stream.aclose())
        self._strays.keep(closing)
        return closing

    async def _feed(self) -> None:
        fed = 0
        try:
            async for item in self._input:
                if item is None:
                    self._stream.flush()
                else:
                    self._stream.push_frame(item)
                fed += 1
                if fed % _FRAMES_A_STEP == 0:
                    await asyncio.sleep(0)
            self._stream.end_input()
        except RuntimeError:
            return  # it has ended, and `_listen` knows why
        except Exception as e:
            self._on_end(e)

    async def _listen(self) -> None:
        try:
            async for event in self._stream:
                self._on_event(event)
        except Exception as e:
            if isinstance(e.__context__, StopAsyncIteration):
                e.__context__ = None  # livekit's own way to end; it tells nothing of the fault
            self._on_end(e)
        else:
            self._on_end(None)

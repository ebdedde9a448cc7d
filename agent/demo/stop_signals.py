"""Ctrl-C and its relatives: the first asks for an orderly end, the second for a quick one."""

import asyncio
import signal
from types import TracebackType

__all__ = ["StopSignals"]


class StopSignals:
    """Use as a context manager inside a running loop."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        """Set by the first SIGINT, SIGTERM or SIGHUP."""
        self.hurry = asyncio.Event()
        """Set by the next one."""
        self._signals = [signal.SIGINT, signal.SIGTERM]
        # Under nohup the terminal may go away without ending the demo.
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            self._signals.append(signal.SIGHUP)

    def __enter__(self) -> "StopSignals":
        # Set explicitly: background jobs of a plain shell start with SIGINT ignored.
        for signum in self._signals:
            asyncio.get_running_loop().add_signal_handler(signum, self._received)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for signum in self._signals:
            asyncio.get_running_loop().remove_signal_handler(signum)

    def _received(self) -> None:
        (self.hurry if self.asked.is_set() else self.asked).set()

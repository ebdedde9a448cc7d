"""What the person who started the demo sees: a line for each thing that is ready, a spinner until."""

from types import TracebackType

import segno
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

__all__ = ["Screen", "qr_lines"]


class Screen:
    """Spinners for what is being worked on, in a terminal; lines for what is done, always.

    Use as a context manager: leaving it takes the spinners away.
    """

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        self._progress = Progress(
            *columns,
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}
        self._said: str | None = None

    def __enter__(self) -> "Screen":
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def working(self, what: str, detail: str = "") -> None:
        """`what` is in progress; `detail` may change as often as it likes."""
        text = f"{what}: {detail}" if detail else what
        if what in self._tasks:
            self._progress.update(self._tasks[what], description=escape(text))
        else:
            self._tasks[what] = self._progress.add_task(escape(text), total=None)
        if not self.console.is_terminal:
            self._say_once(text)

    def done(self, what: str, detail: str = "") -> None:
        """`what` is ready."""
        self.forget(what)
        self.console.print(Text.assemble(("✓ ", "green"), what, (f"  {detail}", "dim")))

    def forget(self, what: str) -> None:
        """`what` is no longer worked on."""
        if what in self._tasks:
            self._progress.remove_task(self._tasks.pop(what))
            self._progress.refresh()

    def forget_all(self) -> None:
        """Nothing is worked on any longer."""
        for what in list(self._tasks):
            self.forget(what)

    def rest(self) -> None:
        """All is ready: no more spinners, and no work for them while the demo runs."""
        self.forget_all()
        self._progress.stop()

    def note(self, text: str) -> None:
        """A line of plain text."""
        self.console.print(Text(text))

    def command(self, text: str) -> None:
        """A line to copy; never wrapped."""
        self.console.print(Text(f"  {text}"), soft_wrap=True)

    def address(self, label: str, url: str) -> None:
        """The line everything was for."""
        line = Text.assemble(("\n" + label + "  ", "bold"), (url, "bold cyan underline"))
        self.console.print(line, soft_wrap=True)

    def warn(self, text: str) -> None:
        """A line that must not be overlooked."""
        self.console.print(Text(text, style="yellow"))

    def error(self, text: str) -> None:
        """Why it ends, with the remedy."""
        self.console.print(Text.assemble(("✗ ", "red"), text))

    def qr(self, url: str) -> None:
        """`url` for a phone's camera."""
        for line in qr_lines(url):
            # Dark on light whatever the terminal's colours are: cameras want it that way round.
            self.console.print(Text(line, style="black on white"), soft_wrap=True)

    def _say_once(self, text: str) -> None:
        # Counters ("12 of 30 MB") belong on a spinner, not in a log.
        stem = text.partition(", ")[0]
        if stem != self._said:
            self.console.print(Text(f"… {stem}"), soft_wrap=True)
            self._said = stem


def qr_lines(text: str) -> list[str]:
    """A QR code of `text` as lines of half blocks, with its quiet zone; one character is 1×2 cells."""
    rows = [list(row) for row in segno.make(text, error="m", micro=False).matrix_iter(border=2)]
    if len(rows) % 2:
        rows.append([0] * len(rows[0]))
    blocks = {(0, 0): " ", (1, 0): "▀", (0, 1): "▄", (1, 1): "█"}
    lines = []
    for upper, lower in zip(rows[::2], rows[1::2], strict=True):
        pairs = zip(upper, lower, strict=True)
        lines.append("".join(blocks[(int(bool(a)), int(bool(b)))] for a, b in pairs))
    return lines

"""What a call in the terminal looks like."""

from __future__ import annotations

from typing import Literal

from livekit.agents.voice.io import TextOutput
from rich.console import Console
from rich.table import Table
from rich.text import Text

from agent.console.waterfall import Bar, bars
from agent.room_messages import Level
from agent.turn_record import TurnRecord

_WIDTH = 40
"""Of the bars, in characters."""
_STYLES: dict[Level, str] = {"info": "dim", "warning": "yellow", "error": "red"}


class Screen:
    """Draws on one console. Two kinds of line may be unfinished: the agent's words, and the prompt."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._open: Literal["agent", "prompt"] | None = None

    def tell(self, sentence: str, level: Level = "info") -> None:
        self._end_line()
        self._console.print(Text(sentence, style=_STYLES[level]))

    def user(self, text: str) -> None:
        """What the user said or typed."""
        self._end_line()
        self._console.print(Text.assemble(("you   ", "bold cyan"), text))

    def agent(self, words: str) -> None:
        """The next words of the agent."""
        if self._open != "agent":
            self._end_line()
            self._console.print(Text("agent ", style="bold green"), end="")
            words = words.lstrip()
            self._open = "agent"
        self._console.print(Text(words), end="", soft_wrap=True)

    def end_of_words(self) -> None:
        if self._open == "agent":
            self._end_line()

    def prompt(self) -> None:
        """Asks the user to type; what they type follows on the same line, until `typed`."""
        self._end_line()
        self._console.print(Text("you   ", style="bold cyan"), end="")
        self._open = "prompt"

    def typed(self) -> None:
        """The user has ended the line of the prompt."""
        if self._open == "prompt":
            self._open = None

    def turn(self, record: TurnRecord) -> None:
        """A turn's waterfall."""
        self._end_line()
        self._console.print(waterfall(record))

    def _end_line(self) -> None:
        if self._open is not None:
            self._open = None
            self._console.print()


class SpokenWords(TextOutput):
    """The agent's words on the screen, as they are said."""

    def __init__(self, screen: Screen) -> None:
        super().__init__(label="console", next_in_chain=None)
        self._screen = screen

    async def capture_text(self, text: str) -> None:
        self._screen.agent(text)

    def flush(self) -> None:
        self._screen.end_of_words()


def waterfall(record: TurnRecord) -> Table:
    """Where the time of a turn went; 0 is the end of the user's words."""
    found = bars(record)
    table = Table.grid(padding=(0, 1))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(style="dim", justify="right", no_wrap=True)
    table.add_column(style="dim", no_wrap=True)
    first_s = min((bar.from_s for bar in found), default=0.0)
    first_s, last_s = min(0.0, first_s), max((bar.at_s for bar in found), default=0.0)
    for bar in found:
        drawn = _drawn(bar, first_s, last_s)
        table.add_row(bar.label, drawn, f"{bar.at_s * 1000:.0f} ms", bar.engine or "")
    table.add_row(_outcome(record), "", _total(record), _more(record))
    return table


def _drawn(bar: Bar, first_s: float, last_s: float) -> Text:
    per_s = _WIDTH / max(last_s - first_s, 0.001)
    begin = min(_WIDTH - 1, int((bar.from_s - first_s) * per_s))
    length = max(1, min(_WIDTH - begin, round((bar.at_s - bar.from_s) * per_s)))
    style = "green" if bar.is_early else "blue"
    return Text.assemble(" " * begin, ("█" * length, style), " " * (_WIDTH - begin - length))


def _outcome(record: TurnRecord) -> Text:
    style = "red" if record.outcome == "failed" else "dim"
    return Text(f"turn {record.turn} {record.outcome or ''}".rstrip(), style=style)


def _total(record: TurnRecord) -> str:
    return "no answer" if record.playout_s is None else f"{record.playout_s * 1000:.0f} ms"


def _more(record: TurnRecord) -> str:
    """What is worth a word beside the times; of what is typed nothing is known before its end."""
    is_spoken = record.speech_start_s is not None
    words = ["begun early"] if is_spoken and record.speculated == "adopted" else []
    return ", ".join([*words, *(f"{stage} failed" for stage in record.faults)])

import io

import pytest
import segno
from rich.console import Console

from agent.demo.screen import Screen, qr_lines


def recorded(*, terminal: bool = False, width: int = 80) -> tuple[Screen, io.StringIO]:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=width, highlight=False)
    return Screen(console), out


def test_outside_a_terminal_each_step_is_one_plain_line() -> None:
    screen, out = recorded()
    with screen:
        screen.working("LiveKit server", "downloading x")
        screen.working("LiveKit server", "downloading x, 1 of 20 MB")
        screen.working("LiveKit server", "downloading x, 2 of 20 MB")
        screen.done("LiveKit server", "port 7880")
    assert out.getvalue().splitlines() == [
        "… LiveKit server: downloading x",
        "✓ LiveKit server  port 7880",
    ]


def test_in_a_terminal_what_is_worked_on_has_a_spinner_that_goes_away() -> None:
    screen, out = recorded(terminal=True)
    with screen:
        screen.working("Worker", "starting [1]")
        screen.done("Worker", "registered")
    assert "starting [1]" in out.getvalue()
    assert "starting" not in out.getvalue().partition("✓")[2]


def test_at_rest_the_terminal_is_left_alone_and_lines_still_come() -> None:
    screen, out = recorded(terminal=True)
    with screen:
        screen.working("Worker", "starting")
        screen.rest()
        before = out.getvalue()
        screen.error("The worker ended.")
    assert "\x1b[?25h" in before  # the cursor is shown again
    assert out.getvalue().removeprefix(before).count("\x1b[2K") == 0
    assert "The worker ended." in out.getvalue()


def test_texts_are_shown_as_they_are() -> None:
    screen, out = recorded()
    with screen:
        screen.error("[bold]x[/bold]")
        screen.note("[red]")
    assert out.getvalue() == "✗ [bold]x[/bold]\n[red]\n"


def test_lines_to_copy_are_never_broken() -> None:
    screen, out = recorded(width=20)
    with screen:
        screen.command("x" * 200)
        screen.address("Talk:", "http://127.0.0.1:8080/" + "y" * 100)
    assert "x" * 200 in out.getvalue()
    assert "y" * 100 in out.getvalue()


@pytest.mark.parametrize("url", ["https://192.168.1.20:8443", "https://10.0.0.7:50123"])
def test_the_qr_code_has_its_quiet_zone_and_three_finders(url: str) -> None:
    lines = qr_lines(url)
    width = len(lines[0])
    assert {len(line) for line in lines} == {width}
    assert len(lines) == (width + 1) // 2
    assert lines[0].strip() == ""
    assert lines[1].startswith("  █▀▀▀▀▀█")
    assert lines[1].endswith("█▀▀▀▀▀█  ")
    assert any(line.startswith("  █▀▀▀▀▀█") for line in lines[5:])


def test_the_qr_code_holds_exactly_the_cells_of_the_symbol() -> None:
    cells = segno.make("https://10.0.0.7:8443", error="m", micro=False).matrix_iter(border=2)
    expected = sum(sum(map(bool, row)) for row in cells)
    text = "".join(qr_lines("https://10.0.0.7:8443"))
    assert text.count("▀") + text.count("▄") + 2 * text.count("█") == expected

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from agent.demo.options import DemoError, DemoOptions
from agent.demo.prepare import own_keys, prepare, ways_to_a_server
from agent.demo.screen import Screen
from agent.private_files import Keys


@pytest.fixture
def options(tmp_path: Path) -> DemoOptions:
    return DemoOptions(
        root=tmp_path,
        cache_dir=tmp_path / "cache",
        dist=tmp_path / "dist",
        environ={"PATH": str(tmp_path / "nothing")},
        offline=True,
    )


def run(options: DemoOptions) -> tuple[int, str]:
    out = io.StringIO()
    return prepare(options, Screen(Console(file=out, width=1000))), out.getvalue()


def install(options: DemoOptions) -> None:
    program = options.cache_dir / "bin" / "livekit-server"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho livekit-server version 1.11.0\n")
    program.chmod(0o755)


def test_the_ways_come_in_the_order_of_their_cost(options: DemoOptions) -> None:
    ways = ways_to_a_server(options, Keys(api_key="k", api_secret="s"))
    assert [way.name for way in ways] == [
        "LIVEKIT_URL",
        "a server already running",
        "an installed livekit-server",
        "Homebrew",
        "Go",
        "Docker",
        "the official release",
    ]


def test_for_phones_a_running_loopback_server_does_not_do(options: DemoOptions) -> None:
    ways = ways_to_a_server(replace(options, lan=True), Keys(api_key="k", api_secret="s"))
    assert "a server already running" not in [way.name for way in ways]


def test_an_installed_server_is_enough(options: DemoOptions) -> None:
    install(options)
    status, shown = run(options)
    assert status == 0
    assert "✓ LiveKit server  in the tool cache" in shown


def test_with_a_given_server_none_is_installed(options: DemoOptions) -> None:
    status, shown = run(replace(options, livekit_url="wss://live.example"))
    assert status == 0
    assert "LIVEKIT_URL" in shown


def test_when_there_is_no_way_one_sentence_says_so(options: DemoOptions) -> None:
    status, shown = run(options)
    assert status == 1
    assert "No LiveKit server was found. Tried: an installed livekit-server" in shown
    assert "the official release (PARLEY_OFFLINE is set)" in shown
    assert "Traceback" not in shown


def test_keys_of_the_settings_win_over_our_own(options: DemoOptions) -> None:
    given = replace(options, api_key="k", api_secret="s" * 32)
    assert own_keys(given) == Keys(api_key="k", api_secret="s" * 32)
    assert own_keys(options).api_key.startswith("parley-")


@pytest.mark.parametrize("half", [{"api_key": "k"}, {"api_secret": "s" * 32}])
def test_half_a_pair_of_keys_is_refused(options: DemoOptions, half: dict[str, str]) -> None:
    with pytest.raises(DemoError, match="Only one of LIVEKIT_API_KEY and LIVEKIT_API_SECRET"):
        own_keys(replace(options, **half))  # type: ignore[arg-type]

"""Calls in a terminal: in writing as processes, with sound on a machine of our own."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from rich.console import Console

from agent.config import ConfigError, Settings
from agent.console import ConsoleOptions, run_console
from tests.fakes.sound_device import Machine
from tests.session.terminal import Terminal, at_a_terminal, in_writing
from tests.stack.caller import resample
from tests.stack.speech import speech

pytestmark = pytest.mark.timeout(60)


def parley_console(*arguments: str, cwd: Path, **environment: str) -> subprocess.Popen[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("AGENT_", "LIVEKIT_"))}
    return subprocess.Popen(
        [sys.executable, "-m", "agent", "console", "--profile", "embedded", *arguments],
        cwd=cwd,
        env={**clean, "COLUMNS": "120", **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_what_is_piped_in_is_answered_line_by_line_until_its_end(tmp_path: Path) -> None:
    process = parley_console("--text", cwd=tmp_path)
    shown, complaints = process.communicate(
        "What is twelve times seven?\nRemember that my dog is called Rex.\n\n"
        "What did I tell you about my dog?",
        timeout=60,
    )
    assert process.returncode == 0, complaints
    said = [line for line in shown.splitlines() if line.startswith(("you", "agent"))]
    assert said[0] == "agent Hello, I am Parley. How can I help you?"
    assert said[1:3] == ["you   What is twelve times seven?", "agent That is 84."]
    assert "Rex" in said[-1] and said[-1].startswith("agent")
    assert shown.count("LLM first token") == 3
    assert complaints == ""


def test_without_a_microphone_the_call_goes_on_in_writing_until_ctrl_c(tmp_path: Path) -> None:
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')\n")
    process = parley_console(cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert process.stdin and process.stdout
    process.stdin.write("What time is it?\n")
    process.stdin.flush()
    shown = ""
    while "turn 1 answered" not in shown:
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        shown += line
    process.send_signal(signal.SIGINT)
    rest, complaints = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "apt install libportaudio2" in shown and "goes on in writing" in shown
    assert "agent It is " in shown
    assert "Traceback" not in complaints + rest


def test_a_profile_that_cannot_be_had_is_told_in_a_sentence() -> None:
    console = Console(file=io.StringIO())
    with pytest.raises(ConfigError) as caught:
        run_console(Settings(), ConsoleOptions(text=True, profile="cloud"), console)
    assert caught.value.problems[0].startswith("There is no profile 'cloud'")


def test_a_line_that_is_too_long_is_refused_and_the_next_one_answered() -> None:
    status, shown = in_writing("x" * 3000 + "\nHello.\n", Settings())
    assert status == 0
    assert "2000 characters" in shown
    assert "turn 1 answered" in shown


def test_saying_goodbye_ends_the_call() -> None:
    status, shown = in_writing("Goodbye.\nWhat time is it?\n", Settings())
    assert status == 0
    assert "oodbye" in shown and "has ended the call" in shown
    assert "It is" not in shown


def test_spoken_words_are_understood_and_answered_by_voice() -> None:
    machine = Machine()

    def person(terminal: Terminal) -> None:
        terminal.wait_for("How can I help you?")
        time.sleep(1.0)
        machine.say(resample(speech("What time is it?"), 48_000, machine.rate_hz))
        terminal.wait_for("turn 1 answered")

    shown = at_a_terminal(machine, person, Settings())
    assert machine.loudest > 1000
    assert "you   " in shown
    assert "TTS first audio" in shown and "espeak" in shown
    assert "STT final" in shown and "pocketsphinx" in shown


def test_a_device_that_is_unplugged_leaves_a_call_in_writing() -> None:
    machine = Machine()

    def person(terminal: Terminal) -> None:
        terminal.wait_for("How can I help you?")
        machine.is_unplugged.set()
        terminal.wait_for("has gone. The call goes on in writing.")
        terminal.type("What is twelve times seven?\n")
        terminal.wait_for("turn 1 answered")

    assert "That is 84." in at_a_terminal(machine, person, Settings())


def test_the_microphone_goes_through_the_noise_chain() -> None:
    machine = Machine()
    estimates = metric("noise_floor_dbfs_count")

    def person(terminal: Terminal) -> None:
        terminal.wait_for("How can I help you?")
        # The first estimate is made of a second of the microphone's sound.
        terminal.wait_until(lambda: metric("noise_floor_dbfs_count") > estimates, "an estimate")
        assert metric("noise_filtered_calls") == 1.0
        machine.say(resample(speech("What time is it?"), 48_000, machine.rate_hz))
        terminal.wait_for("turn 1 answered")

    at_a_terminal(machine, person, Settings(agent_noise="highpass,rnnoise,gate,gain"))
    assert metric("noise_filtered_calls") == 0.0


def metric(name: str) -> float:
    return REGISTRY.get_sample_value(f"parley_{name}") or 0.0

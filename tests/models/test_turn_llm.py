"""AGENT_TURN_LLM, from the setting to the turn: a call at a terminal, with llama.cpp's own server behind
another engine."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from livekit.plugins import llama_cpp

from agent.config import Settings
from agent.turns.turn_taker import TurnTaker
from tests.fakes.sound_device import Machine
from tests.models.tiny_llama import write_tiny_llama
from tests.session.terminal import Terminal, at_a_terminal
from tests.stack.caller import resample
from tests.stack.speech import speech

pytestmark = pytest.mark.timeout(60)


def test_a_llama_among_the_engines_of_a_call_tells_where_the_turn_may_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, float]] = []
    take = TurnTaker.on_model

    def noted(taker: TurnTaker, words: str, end_probability: float) -> None:
        take(taker, words, end_probability)
        told.append((words, end_probability))

    monkeypatch.setattr(TurnTaker, "on_model", noted)
    machine = Machine()

    def person(terminal: Terminal) -> None:
        terminal.wait_for("Hello.")
        time.sleep(0.5)
        machine.say(resample(speech("Tell me about the"), 48_000, machine.rate_hz))
        terminal.wait_until(lambda: bool(told), "word of the language model")

    server = llama_cpp.LlamaServer(
        llama_cpp.ServerOptions(
            model=write_tiny_llama(tmp_path / "tiny.gguf"),
            context_tokens=16384,  # its tokens are single letters
            slots=1,
            threads=1,
            gpu_layers=0,
        )
    )
    server.start(timeout_s=15.0)
    settings = Settings(
        agent_profile="embedded",
        agent_llm=f"responder, llama_cpp:{server.url}",
        agent_turn_llm="on",
        agent_greeting="Hello.",
    )
    try:
        at_a_terminal(machine, person, settings, profile=None)
    finally:
        server.stop()
    assert all(words and 0 < probability < 1 for words, probability in told)

"""docs/faults.md: the tests that it points to are there, and its times are the product's."""

from __future__ import annotations

import re
from pathlib import Path

from agent.chained import ALONE_S, HOSTED_S, LOCAL_S
from agent.config import Settings
from agent.turns.watchdog import Limits
from agent.watch import limits as limits_of

CHECKOUT = Path(__file__).parents[2]
TEXT = (CHECKOUT / "docs" / "faults.md").read_text(encoding="utf-8")
QUOTED = re.findall(r"`([^`\s]+)`", TEXT)


def test_every_test_that_is_named_is_there() -> None:
    named = [word.partition("::") for word in QUOTED if word.startswith("tests/")]
    assert len(named) > 40
    missing = []
    for path, _, name in named:
        file = CHECKOUT / path
        if not file.exists() or (name and f"def {name}(" not in file.read_text(encoding="utf-8")):
            missing.append(f"{path}::{name}")
    assert missing == []


def test_every_setting_that_is_named_is_one() -> None:
    named = {word.partition("=")[0] for word in QUOTED if word.startswith("AGENT_")}
    assert named and named <= {name.upper() for name in Settings.model_fields}


def test_the_times_are_those_of_the_product() -> None:
    limits = Limits()
    rows = {
        "clear speech of 0.8 s or more, and not a word": limits.words_s,
        "words, and the turn is not over": limits.turn_s,
        "the language model writes nothing": limits.thinking_s,
        "a tool runs": limits.tool_s,
        "there is text and no sound": limits.voice_s,
        "the voice has stopped, and there is more text": limits.sound_s,
        "an apology without a sound": limits.apology_s,
    }
    for state, limit_s in rows.items():
        assert f"| {state} | {limit_s:g} |" in TEXT
    patient = limits_of(Settings(), "local", {"tts": LOCAL_S["tts"]})
    silent_s = f"silent for {patient.voice_s:g} s, of which the first has {LOCAL_S['tts']:g}"
    assert silent_s in TEXT
    assert f"clear speech of {limits.least_speech_s:g} s" in TEXT
    assert f"waits for it, {5 + limits.tool_s:g} s at most" in TEXT
    assert f"no token in time ({HOSTED_S['llm']:g} s hosted, {LOCAL_S['llm']:g} s local" in TEXT
    alone = "{stt:g}, {llm:g} and {tts:g} s".format(**ALONE_S)
    assert f"asked twice (after {alone} where it says nothing)" in TEXT
    assert f"no sound in time ({HOSTED_S['tts']:g} s hosted, {LOCAL_S['tts']:g} s local)" in TEXT

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from evals.ear.scenario import Call, Echo, ScenarioError, Step, load_calls, parse_calls

README = Path(__file__).parents[2] / "evals" / "README.md"
CALL = """
- name: plain-01
  set: plain
  split: dev
  conditions: {noise_dbfs: null, band: phone, echo: {level_db: -25}, loss: 0.02, reply_s: 8}
  seed: 4
  steps:
    - utterance: {id: u1, text: I would like | a table, voice: slt, pauses_s: [0.7]}
      seconds: 1.5
    - kind: cough
      when: during
      seconds: 2
      level_db: -6
      utterance: {id: c1, voice: sound, sound: cough, seed: 3}
    - kind: interruption
      when: after
      utterance: {id: h1, voice: human, recording: h-card1, tags: [human]}
"""


def call_with(**changes: Any) -> list[dict[str, Any]]:
    step = {"utterance": {"id": "u1", "text": "hello", "voice": "slt"}}
    return [{"name": "a", "set": "plain", "split": "dev", "steps": [step]} | changes]


def step_with(**changes: Any) -> list[dict[str, Any]]:
    utterance = {"id": "u1", "text": "hello", "voice": "slt"} | changes
    return call_with(steps=[{"utterance": utterance}])


def test_a_file_of_calls_is_read(tmp_path: Path) -> None:
    path = tmp_path / "calls.yaml"
    path.write_text(CALL)
    (call,) = load_calls(path)
    assert isinstance(call, Call)
    assert call.conditions.echo == Echo(level_db=-25, delay_ms=150)
    assert call.conditions.noise_dbfs is None
    assert [step.kind for step in call.steps] == ["turn", "cough", "interruption"]
    assert [step.when for step in call.steps] == ["quiet", "during", "after"]
    assert call.steps[0].utterance.parts == ("I would like", "a table")
    assert call.steps[0].utterance.plain_text == "I would like a table"
    assert call.steps[2].utterance.tags == ("human",)
    assert all(isinstance(step, Step) for step in call.steps)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (step_with(text="a | b"), "u1: 2 parts need 1 pauses, not 0"),
        (step_with(pauses_s=[0.5]), "u1: 1 parts need 0 pauses, not 1"),
        (step_with(text="a |", pauses_s=[0.5]), "u1: there is no text on one side of a '|'"),
        (step_with(text=""), "u1: there is no text"),
        (step_with(voice="human"), "u1: a human voice needs the id of its recording, or a wav"),
        (step_with(voice="human", recording="h", wav="h.wav"), "u1: a human voice needs the id"),
        (step_with(wav="h.wav"), "u1: a wav is said by the voice human, not slt"),
        (step_with(voice="sound"), "u1: a sound needs its name"),
        (step_with(colour="red"), "0.steps.0.utterance.colour: Unexpected keyword argument"),
        (call_with(steps=[]), "0.steps: Tuple should have at least 1 item"),
        (call_with(split="train"), "0.split: Input should be 'dev' or 'test'"),
        (call_with(conditions={"loss": 2}), "0.conditions.loss: Input should be less than"),
        ("hello", "file: Input should be a valid tuple"),
    ],
)
def test_a_mistake_is_named_with_its_place(content: Any, message: str) -> None:
    with pytest.raises(ScenarioError, match="^calls.yaml: ") as caught:
        parse_calls(content, "calls.yaml")
    assert message in str(caught.value)


def test_all_mistakes_are_named_at_once() -> None:
    content = call_with(split="train", conditions={"band": "narrow"})
    with pytest.raises(ScenarioError) as caught:
        parse_calls(content, "calls.yaml")
    assert len(str(caught.value).splitlines()) == 2


def test_the_example_in_the_readme_is_a_call() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    (example,) = [block for block in blocks if "mine-1" in block]
    (call,) = parse_calls(yaml.safe_load(example), "README.md")
    assert [step.when for step in call.steps] == ["quiet", "during", "after"]
    assert (call.conditions.loss, call.conditions.band) == (0.02, "phone")


def test_two_calls_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "calls.yaml"
    path.write_text(CALL + CALL)
    with pytest.raises(ScenarioError, match="a name of its own, not plain-01"):
        load_calls(path)


def test_a_call_cannot_begin_in_the_agents_speech() -> None:
    step = {"when": "during", "utterance": {"id": "u1", "text": "hello", "voice": "slt"}}
    with pytest.raises(ScenarioError, match="the first step must wait for quiet"):
        parse_calls(call_with(steps=[step]), "calls.yaml")


def test_a_file_that_is_no_yaml_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text("- {")
    with pytest.raises(ScenarioError, match="broken.yaml cannot be read"):
        load_calls(path)
    with pytest.raises(ScenarioError, match="cannot be read"):
        load_calls(tmp_path / "missing.yaml")

"""The official plugins against the fake providers: healthy, and with every fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hosted.stock import FAULTS, STOCK, column, try_out
from tests.hosted.trials import QUESTION, SENTENCE, TIMEOUT_S

pytestmark = pytest.mark.usefixtures("http")

README = Path(__file__).parents[1] / "fakes/providers/README.md"
NOT_TRIED = "–"


def table() -> dict[str, dict[str, str]]:
    """By engine and fault, as the README has it."""
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in README.read_text().splitlines()
        if line.startswith("| ")
    ]
    names = rows[0][1:]
    return {name: {row[0]: row[at] for row in rows[1:]} for at, name in enumerate(names, start=1)}


def test_the_readme_tells_of_every_engine_and_every_fault() -> None:
    told = table()
    assert list(told) == list(STOCK)
    assert all(list(faults) == list(FAULTS) for faults in told.values())


@pytest.mark.parametrize("name", STOCK)
async def test_without_a_fault_the_whole_answer_comes_at_once(name: str) -> None:
    outcome = await try_out(name, None)
    assert outcome.end == "done"
    assert outcome.took_s < TIMEOUT_S
    answers = {"OpenAI LLM": "I heard Hello..", "TTS": SENTENCE.lower()}
    kind = "TTS" if "TTS" in name else name
    expected = answers.get(kind, QUESTION)
    assert outcome.text == (expected.replace(",", "").rstrip(".") if kind == "TTS" else expected)


@pytest.mark.parametrize("name", STOCK)
async def test_every_fault_ends_as_the_readme_says(name: str) -> None:
    told = {fault: ends for fault, ends in table()[name].items() if ends != NOT_TRIED}
    seen = await column(name, list(told))
    wrong = {fault: seen[fault] for fault in told if seen[fault] not in told[fault].split(" / ")}
    assert not wrong

from __future__ import annotations

from pathlib import Path

import pytest
from livekit.plugins.responder import load_skills
from livekit.plugins.responder.replies import Moment, Responder

from agent.config import Settings
from agent.tools.faq import Faq, load_faq, parse_markdown

TEXT = """
# When are you open?

We are open from **nine to five**, see [our page](https://example.org).

## Empty

## How do I return a parcel?

- Print the label.
- Bring it to the shop.
"""


def test_headings_are_questions_and_text_is_speakable() -> None:
    answers = parse_markdown(TEXT)
    assert [a.question for a in answers] == ["When are you open?", "How do I return a parcel?"]
    assert answers[0].text == "We are open from nine to five, see our page."
    assert answers[1].text == "Print the label. Bring it to the shop."


@pytest.mark.parametrize(
    ("question", "heading"),
    [
        ("when do you open", "When are you open?"),
        ("how can I return my parcel please", "How do I return a parcel?"),
        ("what is the capital of France", None),
        ("is it", None),
    ],
)
def test_the_section_that_fits_is_found_or_none(question: str, heading: str | None) -> None:
    answer = Faq(parse_markdown(TEXT)).search(question)
    assert (answer.question if answer else None) == heading


def test_a_long_answer_ends_with_a_sentence() -> None:
    (answer,) = parse_markdown("# Long\n\n" + "This is a sentence. " * 100)
    assert len(answer.text) <= 600
    assert answer.text.endswith("sentence.")


def test_the_documents_that_come_with_parley_answer() -> None:
    faq = load_faq(Settings().faq_dir)
    answer = faq.search("is my voice sent anywhere")
    assert answer is not None and "Nothing is recorded" in answer.text


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.md").write_bytes(b"\xff\xfe# no")
    with pytest.raises(ValueError, match=r"bad\.md is not UTF-8"):
        load_faq(tmp_path)


@pytest.mark.parametrize(
    "question",
    [
        answer.question
        for path in sorted(Settings().faq_dir.glob("*.md"))
        for answer in parse_markdown(path.read_text(encoding="utf-8"))
    ],
)
def test_the_responder_looks_the_questions_of_these_documents_up_in_them(question: str) -> None:
    reply = Responder(load_skills()).answer(question, Moment(tools=frozenset(["search_faq"])))
    (call,) = reply.calls
    found = load_faq(Settings().faq_dir).search(str(call.arguments["question"]))
    assert found is not None and found.question == question

"""An answer that another model ends sounds as if one had given it."""

from __future__ import annotations

import random
import re

import pytest
from livekit.agents import llm
from livekit.plugins.chains.continuation import Continuing, Seam, WholeWords, continued

SEAMS = [
    # said, what the next one gives, what is heard of it
    ("It is sunny and ", "warm today.", "warm today."),
    ("It is sunny and", "warm today.", " warm today."),
    ("It is sunny and ", " warm today.", "warm today."),
    ("It is sunny and ", "sunny and warm today.", "warm today."),
    ("It is sunny and ", "Sunny, and warm today.", "warm today."),
    ("It is sunny and ", "It is sunny and warm today.", "warm today."),
    ("It is sunny", "sunny, and warm today.", ", and warm today."),
    ("It is sunny,", "sunny, and warm today.", " and warm today."),
    ("It is sunny and ", "…and warm today.", "warm today."),
    ("It is sunny and ", "... warm today.", "warm today."),
    ("It is sunny", "…", ""),
    ("It is sunny", ", and warm.", ", and warm."),
    ("It is sunny", " , and warm.", ", and warm."),
    ("It is sunny.", "It is warm.", " It is warm."),
    ("Yes. It is sunny. ", "It is sunny. Bye.", "Bye."),
    ("the cat and the ", "the cat and the dog", "dog"),
    ("the cat and the ", "the cat is old", "cat is old"),
    ("the cat and the ", "cat and so on", "cat and so on"),
    ("no no ", "no no no", "no"),
    ("It is sunny.", "It is sunny.", ""),
    ("It is sunny.", "", ""),
    ("", " Hello there.", " Hello there."),
    ("  ", "Hello there.", "Hello there."),
    ("Well - yes, ", "- yes, of course", "of course"),
    ("It costs 3.5 ", "3.5 euros", "euros"),
    ("Don't you ", "don’t you worry", "worry"),
    ("今天天气", "天气很好。", "很好。"),
    ("Überall ist es ", "überall ist es schön", "schön"),
]


@pytest.mark.parametrize(("said", "given", "heard"), SEAMS, ids=lambda text: text or "nothing")
def test_what_was_said_is_not_said_again(said: str, given: str, heard: str) -> None:
    for tokens in ([given], list(given), re.findall(r"\s*\S+|\s+$", given)):
        seam = Seam(said)
        assert "".join([*map(seam.process, tokens), seam.finish()]) == heard


def test_the_first_new_word_is_given_as_soon_as_it_is_whole() -> None:
    seam = Seam("It is sunny and ")
    given = [seam.process(token) for token in ("sun", "ny", " and", " wa", "rm", " today", ".")]
    assert given == ["", "", "", "wa", "rm", " today", "."]


def test_a_continuation_that_repeats_nothing_is_not_held_beyond_its_first_word() -> None:
    seam = Seam("It is sunny and ")
    assert [seam.process(token) for token in ("warm", " to", "day")] == ["", "warm to", "day"]


WHOLE = [
    (["Su", "re", ".", " I", " can"], ["", "", "Sure.", " ", "I "]),
    (["The", " wea", "ther", " is"], ["", "The ", "", "weather "]),
    (["don", "'t", " go"], ["", "", "don't "]),
    (["今天", "很好"], ["今天", "很好"]),
    (["a" * 33], ["a" * 33]),
    (["", " ", ""], ["", " ", ""]),
]


@pytest.mark.parametrize(("tokens", "passed"), WHOLE)
def test_only_whole_words_are_passed_on(tokens: list[str], passed: list[str]) -> None:
    words = WholeWords()
    given = [words.process(token) for token in tokens]
    assert given == passed
    assert "".join(given) + words.finish() == "".join(tokens)


def test_however_an_answer_is_cut_and_repeated_the_words_are_the_same() -> None:
    """A thousand answers of random words that die anywhere and are taken up with some overlap."""
    chance = random.Random(7)
    for _ in range(1000):
        words = [chance.choice("one two three four five six".split()) for _ in range(12)]
        numbered = [f"{word}{at}," for at, word in enumerate(words)]  # no repeats of its own
        cut = chance.randrange(1, 12)
        overlap = chance.randrange(0, cut + 1)
        said = " ".join(numbered[:cut]) + chance.choice(["", " "])
        rest = " ".join(numbered[cut - overlap :]).upper()
        seam = Seam(said)
        at, heard = 0, ""
        while at < len(rest):
            step = chance.randrange(1, 9)
            heard += seam.process(rest[at : at + step])
            at += step
        heard += seam.finish()
        assert (said + heard).lower() == " ".join(numbered)


def conversation() -> llm.ChatContext:
    chat_ctx = llm.ChatContext.empty()
    chat_ctx.add_message(role="system", content="Be brief.")
    chat_ctx.add_message(role="user", content="How is the weather?")
    return chat_ctx


def told(chat_ctx: llm.ChatContext) -> list[tuple[str, str]]:
    return [(message.role, message.text_content or "") for message in chat_ctx.messages()]


def test_a_model_is_shown_what_was_said_and_asked_to_go_on() -> None:
    chat_ctx = conversation()
    before = told(chat_ctx)
    now = told(continued(chat_ctx, "It is sunny and ", Continuing.INSTRUCTED))
    assert now[:3] == [*before, ("assistant", "It is sunny and")]
    assert now[3][0] == "user" and 'after "It is sunny and"' in now[3][1]
    assert told(chat_ctx) == before, "the conversation itself was changed"


def test_a_model_that_can_takes_up_the_next_token() -> None:
    now = told(continued(conversation(), "It is sunny and ", Continuing.PREFILLED))
    assert now[-1] == ("assistant", "It is sunny and")


def test_one_that_cannot_is_asked_the_question_itself() -> None:
    chat_ctx = conversation()
    assert continued(chat_ctx, "It is", Continuing.AFRESH) is chat_ctx
    assert continued(chat_ctx, " ", Continuing.PREFILLED) is chat_ctx

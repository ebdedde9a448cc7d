"""Markdown, HTML and emoji are not read out; what they mark is."""

from __future__ import annotations

import pytest
from livekit.plugins.speechcore.text import ClauseLength, ClauseSplitter, plain_text


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("**Bold**, *italic*, __bold__, _italic_ and ***both***.", "Bold, italic, bold, italic and both."),
        ("Half of an **emphasis", "Half of an emphasis"),
        ("emphasis** of a clause", "emphasis of a clause"),
        ("2 * 3 and 2*3 and a_b_c", "2 * 3 and 2*3 and a_b_c"),
        ("Run `make demo` now.", "Run make demo now."),
        ("```python\nprint(1)\n```\nDone.", "print(1). Done."),
        ("This is ~~not~~ it.", "This is it."),
        ("See [the docs](https://example.com/x?y=1).", "See the docs."),
        ("![A cat](cat.png) sits.", "A cat sits."),
        ("Go to <https://example.com>.", "Go to https://example.com."),
        ("It is so.[^1]", "It is so."),
        ("# Title\nText.", "Title. Text."),
        ("### Title ###\n", "Title."),
        ("- one\n* two\n+ three\n  - four", "one. two. three. four"),
        ("- [x] done\n- [ ] open", "done. open"),
        ("1. Open it.\n2) Close it.", "1: Open it. 2: Close it."),
        ("> quoted\n> twice", "quoted. twice"),
        ("above\n\n---\n\nbelow", "above. below"),
        ("| Name | Age |\n|:-----|----:|\n| Ann | 30 |", "Name, Age. Ann, 30."),
        ("a || b", "a || b"),
        ("<b>Bold</b> &amp; plain<br>next", "Bold & plain. next"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("Hello 🙂👍🏽 there ❤️!", "Hello there !"),
        ("🇫🇷", ""),
        ("One line\nand another.\nEnd", "One line. and another. End"),
        ("  many   spaces\t here ", "many spaces here"),
        ("Grüße aus Köln, 东京。", "Grüße aus Köln, 东京。"),
        ("", ""),
    ],
)  # fmt: skip
def test_markup_goes_and_text_stays(written: str, plain: str) -> None:
    assert plain_text(written) == plain


def test_an_emphasis_that_is_cut_in_two_clauses_leaves_no_marks() -> None:
    splitter = ClauseSplitter(
        length=ClauseLength(sentence_chars=4, comma_chars=8, conjunction_chars=20, max_chars=40)
    )
    splitter.push("It is **very, very cold. Take a coat**, and [gloves](http://example.com/a,b).")
    splitter.finish()
    clauses = []
    while (clause := splitter.take()) is not None:
        clauses.append(plain_text(clause))
    assert len(clauses) > 2
    assert " ".join(clauses) == "It is very, very cold. Take a coat, and gloves."

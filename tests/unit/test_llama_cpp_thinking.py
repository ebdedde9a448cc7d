import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit.plugins.llama_cpp.thinking import ThinkingFilter

TABLE = [
    ("Hello there.", "Hello there."),
    ("<think>They greet me.</think>Hello.", "Hello."),
    ("<think>\n\n</think>\n\nHello.", "\n\nHello."),
    ("Well, <think>what now?</think>hello.", "Well, hello."),
    ("<think>a</think>Yes<think>b</think>.", "Yes."),
    ("<thinking>a</thinking>Yes.", "Yes."),
    ("<reasoning>a</reasoning>Yes.", "Yes."),
    ("[THINK]a[/THINK]Yes.", "Yes."),
    ("<think>a [THINK] b </thinking> c</think>Yes.", "Yes."),
    ("<think>it never ends", ""),
    ("Yes.<think>it never ends </thin", "Yes."),
    ("</think>Hello.", "Hello."),
    ("Is 3 < 4? [yes]", "Is 3 < 4? [yes]"),
    ("a <thin line", "a <thin line"),
    ("<thi", "<thi"),
    ("", ""),
]


def speak(*pieces: str) -> str:
    thinking = ThinkingFilter()
    return "".join([*map(thinking.process, pieces), thinking.finish()])


@pytest.mark.parametrize(("text", "spoken"), TABLE)
def test_thoughts_are_taken_out_whatever_the_pieces(text: str, spoken: str) -> None:
    assert speak(text) == spoken
    assert speak(*text) == spoken
    for cut in range(len(text)):
        assert speak(text[:cut], text[cut:]) == spoken


def test_text_that_cannot_be_a_tag_is_not_held_back() -> None:
    thinking = ThinkingFilter()
    assert thinking.process("Hello <") == "Hello "
    assert thinking.process("b>") == "<b>"


def test_it_can_be_used_again_after_a_thought_without_an_end() -> None:
    thinking = ThinkingFilter()
    thinking.process("<think>hm")
    assert thinking.finish() == ""
    assert thinking.process("Hello.") == "Hello."


@given(st.lists(st.sampled_from([*"ab<>/[]", "think", "<think>", "</think>", "[THINK]"])))
def test_what_comes_out_does_not_depend_on_where_the_pieces_end(pieces: list[str]) -> None:
    assert speak(*pieces) == speak("".join(pieces))

"""agent.receipts: which typed texts are known, by the ids of their senders."""

from __future__ import annotations

from agent.receipts import LONGEST_ID, SeenTexts, TextId


def test_a_text_is_known_by_its_sender_and_their_id() -> None:
    seen, text = SeenTexts(), TextId("ann", "1")
    assert text not in seen
    seen.begin(text)
    assert text in seen
    assert TextId("bob", "1") not in seen
    assert TextId("ann", "2") not in seen


def test_a_text_that_has_begun_is_not_yet_taken() -> None:
    seen, text = SeenTexts(), TextId("ann", "1")
    seen.begin(text)
    assert not seen.is_taken(text)
    seen.take(text)
    assert seen.is_taken(text)


def test_a_text_that_was_lost_on_its_way_may_come_again() -> None:
    seen, text = SeenTexts(), TextId("ann", "1")
    seen.begin(text)
    seen.forget(text)
    seen.forget(text)
    assert text not in seen
    assert not seen.is_taken(text)


def test_texts_without_an_id_push_no_other_out() -> None:
    seen, text = SeenTexts(most=1), TextId("ann", "1")
    seen.begin(text)
    seen.begin(None)
    seen.forget(None)
    assert text in seen


def test_the_texts_that_began_first_are_forgotten_first() -> None:
    seen = SeenTexts(most=2)
    texts = [TextId("ann", str(number)) for number in range(4)]
    for text in texts:
        seen.begin(text)
        seen.take(text)
    assert [text in seen for text in texts] == [False, False, True, True]


def test_an_id_comes_with_a_text_s_attributes_and_is_short() -> None:
    assert TextId.of("ann", {"parley.id": "1", "lk.other": "x"}) == TextId("ann", "1")
    assert TextId.of("ann", {"parley.id": "x" * LONGEST_ID}) is not None
    for attributes in (None, {}, {"parley.id": ""}, {"parley.id": "x" * (LONGEST_ID + 1)}):
        assert TextId.of("ann", attributes) is None

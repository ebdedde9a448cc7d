from livekit.agents import LanguageCode, stt

from agent.turns.held import HeldWords

INTERIM = stt.SpeechEventType.INTERIM_TRANSCRIPT
FINAL = stt.SpeechEventType.FINAL_TRANSCRIPT


def event(text: str, kind: stt.SpeechEventType = INTERIM) -> stt.SpeechEvent:
    return stt.SpeechEvent(
        type=kind, alternatives=[stt.SpeechData(language=LanguageCode("en"), text=text)]
    )


def test_a_partial_takes_the_place_of_the_one_before_and_finals_stay() -> None:
    held = HeldWords()
    for said in (event("wait"), event("wait stop"), event("wait stop", FINAL), event("I")):
        held.hold(said, 0.0)
    assert held.text == "wait stop I"
    assert [it.type for it in held.release()] == [FINAL, INTERIM]
    assert held.text == ""


def test_the_rest_of_a_dropped_segment_is_known_until_its_final() -> None:
    held = HeldWords()
    held.hold(event("uh huh"), 0.0)
    assert held.drop() == []
    assert held.is_of_dropped(event("Uh-huh"))
    assert held.is_of_dropped(event("uh-huh.", FINAL))
    assert not held.is_of_dropped(event("uh huh", FINAL))


def test_a_segment_that_goes_on_is_another() -> None:
    held = HeldWords()
    held.hold(event("yeah"), 0.0)
    held.drop()
    assert not held.is_of_dropped(event("yeah but how"))


def test_any_final_ends_the_dropped_segment() -> None:
    for last in (event("Yeah okay.", FINAL), event("", FINAL)):
        held = HeldWords()
        held.hold(event("yeah"), 0.0)
        held.drop()
        assert not held.is_of_dropped(last)
        assert not held.is_of_dropped(event("yeah"))


def test_a_dropped_final_leaves_one_without_words_for_whoever_waits() -> None:
    held = HeldWords()
    held.hold(event("okay", FINAL), 0.0)
    (left,) = held.drop()
    assert (left.type, left.alternatives[0].text) == (FINAL, "")


def test_words_without_a_decision_grow_stale() -> None:
    held = HeldWords()
    assert not held.are_stale(100.0)
    held.hold(event("hello"), 0.0)
    assert not held.are_stale(1.4)
    assert held.are_stale(1.6)

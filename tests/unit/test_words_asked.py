"""What the agent asked for."""

import pytest

from agent.turns.words.asked import Asked, asked_for, offered_words


@pytest.mark.parametrize(
    ("agent_said", "asked"),
    [
        ("", Asked.NOTHING),
        ("Your table is booked.", Asked.NOTHING),
        ("Could I have your phone number?", Asked.PHONE),
        ("What number can we reach you on?", Asked.PHONE),
        ("Could you read me your card number?", Asked.CARD),
        ("Do you have your order number?", Asked.NUMBER),
        ("What are the last four digits?", Asked.SHORT_CODE),
        ("What's your zip code?", Asked.SHORT_CODE),
        ("What is your name?", Asked.NAME),
        ("And your email address?", Asked.EMAIL),
        ("How do you spell that?", Asked.SPELLING),
        ("What is your address, please?", Asked.ADDRESS),
        ("When were you born?", Asked.BIRTH_DATE),
        ("Which day would suit you?", Asked.DATE),
        ("Did you get the email?", Asked.YES_NO),
        ("Is that correct?", Asked.YES_NO),
        ("Thank you. Shall I book it?", Asked.YES_NO),
        ("Would you like red or white?", Asked.CHOICE),
        ("How many people?", Asked.FACT),
        ("How can I help you?", Asked.OPEN),
        ("Can I help you with anything else?", Asked.YES_NO),
        ("What is your name? I need it for the booking.", Asked.NAME),
    ],
)
def test_the_question_is_recognised(agent_said: str, asked: Asked) -> None:
    assert asked_for(agent_said) is asked


def test_the_words_on_offer_are_those_of_the_last_question() -> None:
    assert offered_words("We have both. Would you like red or white?") == {"red", "white"}

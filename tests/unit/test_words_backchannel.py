"""Signs of listening against words that want the agent to stop."""

import itertools

import pytest

from agent.turns.words.backchannel import overlap_words

BACKCHANNELS = """
mm hmm | Mm-hmm. | uh huh | um hum | mmm | hmm | ah | oh | ooh | yeah | yeah yeah yeah | Yes. | okay | Okay, right. | sure
I see. | oh wow | got it | really | Really? | oh really | right right | of course | fair enough | that makes sense
makes total sense | sounds good | sounds like a plan | no way | oh my god | ha ha ha | hahaha | that's hilarious
that is really interesting | how lovely | what a pity | good point | good to know | i know | i know right | me too
thank you so much | okay thanks | you're right | gotcha | oh no | no problem | wow okay i see | fabulous
that's so true | yeah i understand | yep totally | that was ridiculous | uh yeah | well okay | alright then | very kind
fantastic | [laughter] | oh i see okay | go on | amazing wow | tell me about it
"""
CONTENT = """
wait | Stop. | no | no no no | No, no! | hold on | hang on a minute | actually | but | sorry | excuse me | what
what about tuesday | can i ask | i want to | yeah but | yes but not today | okay stop | okay goodbye | hello | um no
right can you repeat that | i have a question | that's wrong | that's not what i said | never mind | turn it off
how much is it | okay so how much is it | oh wait | great can you book it | i don't understand | go back | next
is that with breakfast | what a mess you made of my order | i know the way there | no way i will pay that
could you speak up | the other one | my card was stolen | seven o'clock | mm hmm and how do i pay
"""
UNCLEAR = "i | that | that's | so | and | oh my | yeah i | okay so | it's | the | banana | is that | i can"


def _split(table: str) -> list[str]:
    return [text.strip() for text in table.strip().replace("\n", " | ").split("|")]


@pytest.mark.parametrize("text", _split(BACKCHANNELS))
def test_signs_of_listening_are_backchannels(text: str) -> None:
    assert overlap_words(text) == "backchannel"


@pytest.mark.parametrize("text", _split(CONTENT))
def test_corrections_requests_and_questions_are_content(text: str) -> None:
    assert overlap_words(text) == "content"


@pytest.mark.parametrize("text", _split(UNCLEAR))
def test_a_beginning_that_may_become_either_is_unclear(text: str) -> None:
    assert overlap_words(text) == "unclear"


@pytest.mark.parametrize("text", ["", "  ", "...", "[coughing]", "(music)", "♪"])
def test_noise_and_silence_are_no_words(text: str) -> None:
    assert overlap_words(text) == "none"


def test_backchannels_combine_in_any_order() -> None:
    signs = ["yeah", "mm hmm", "oh wow", "i see", "that makes sense", "right", "great"]
    for pair in itertools.permutations(signs, 2):
        assert overlap_words(" ".join(pair)) == "backchannel", pair


@pytest.mark.parametrize("sign", ["yeah", "okay", "mm hmm", "i see", "oh wow"])
@pytest.mark.parametrize("request_", ["can you repeat that", "but when", "wait", "i need it today"])
def test_a_request_behind_a_backchannel_is_content(sign: str, request_: str) -> None:
    assert overlap_words(f"{sign} {request_}") == "content"


@pytest.mark.parametrize("answer", ["yes", "yeah", "no", "okay", "mm hmm", "sure", "sounds good"])
def test_an_assent_behind_a_question_is_its_answer(answer: str) -> None:
    assert overlap_words(answer, "Shall I book it for Monday?") == "content"


@pytest.mark.parametrize("sound", ["um", "hmm", "oh wow", "ha ha"])
def test_a_sound_behind_a_question_is_no_answer(sound: str) -> None:
    assert overlap_words(sound, "Shall I book it for Monday?") == "backchannel"


def test_an_assent_behind_a_statement_is_a_backchannel() -> None:
    assert overlap_words("yeah", "Do you remember? It was on Monday.") == "backchannel"


def test_case_and_punctuation_do_not_matter() -> None:
    assert overlap_words("YEAH, OKAY!") == overlap_words("yeah okay") == "backchannel"


def test_a_long_row_of_signs_is_read_as_talk() -> None:
    row = "yeah right okay sure great wow fine true good nice cool lovely super"
    assert overlap_words(row) == "content"

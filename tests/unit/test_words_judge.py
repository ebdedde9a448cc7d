"""The judge of words, with the shipped weights."""

import json

import pytest

from agent.turns.words import WordsJudge
from agent.turns.words.judge import NEUTRAL, WEIGHTS

UNFINISHED = """
i want to go to the | i'd like a table for | go somewhere and | can you | what is | my name is | because | so | the
seven of | more respectable than | turn on the | tell me a | set a timer for | if you | i would like to | it's | and
what's the weather like in | do you have any | i need um | um | could you tell me where
"""
WHOLE = """
yes please | thank you | hello | goodbye | set a timer for ten minutes | what's the weather like in paris
where are you from | no thank you | good morning | call me back | tell me a story | go forward ten meters
remember that my dog is called rex | i think so | could you please repeat that | i'd like to book a table | thanks
what do you recommend | louder please | can i pay by card | mm hmm | i have to go now
how do i get to the station | please send me the invoice | i want to change my appointment
"""
UNDER_WAY = """
my number is | my number is five five five one two | john at gmail | john at gmail dot | my email is john dot miller
my name is hartley h a r | order number four four | my card number is four five three two one two three four
it's jane dot miller at | the code is four seven
"""
DICTATED = """
john at gmail dot com | john@gmail.com | my name is hartley h a r t l e y
my card number is four five three two one two three four five six seven eight nine oh one two
my number is oh seven seven double four three one nine six two five
"""
ANSWERS = """
Do you want it on Monday? => yes | Do you want it on Monday? => yes please | Do you want it on Monday? => no
Would you like red or white? => white | Tea or coffee? => coffee | Which one would you like? => the second one
Is that correct? => that's right | Shall I book it? => yes go ahead | Which day? => on monday
"""


def _split(table: str) -> list[str]:
    return [text.strip() for text in table.strip().replace("\n", " | ").split("|")]


@pytest.fixture(scope="module")
def judge() -> WordsJudge:
    return WordsJudge.load()


@pytest.mark.parametrize("text", _split(UNFINISHED))
def test_a_turn_does_not_end_after_an_open_phrase(judge: WordsJudge, text: str) -> None:
    assert judge.judge(text).end_probability < 0.2


@pytest.mark.parametrize("text", _split(WHOLE))
def test_a_turn_may_well_end_after_a_whole_request(judge: WordsJudge, text: str) -> None:
    assert judge.judge(text).end_probability > 0.7


@pytest.mark.parametrize("text", _split(UNDER_WAY))
def test_a_turn_does_not_end_within_a_dictation(judge: WordsJudge, text: str) -> None:
    verdict = judge.judge(text)
    assert verdict.end_probability < 0.2
    assert verdict.state in {"number", "email", "spelling"}


@pytest.mark.parametrize("text", _split(DICTATED))
def test_a_turn_may_well_end_after_what_was_dictated_looks_whole(
    judge: WordsJudge, text: str
) -> None:
    assert judge.judge(text).end_probability > 0.7


@pytest.mark.parametrize("line", _split(ANSWERS))
def test_a_short_answer_is_probably_the_end(judge: WordsJudge, line: str) -> None:
    question, answer = line.split(" => ")
    assert judge.judge(answer, question).end_probability > 0.7
    assert judge.judge(answer, question).end_probability >= judge.judge(answer).end_probability


def test_an_answer_that_goes_on_is_not_the_end(judge: WordsJudge) -> None:
    assert judge.judge("yes i'd like", "Do you want it on Monday?").end_probability < 0.2


@pytest.mark.parametrize(
    ("shorter", "longer"),
    [
        ("seven of", "seven of clubs"),
        ("more respectable than he", "more respectable than he was"),
        ("set a timer for", "set a timer for ten"),
        ("john at gmail dot", "john at gmail dot com"),
        ("what is twelve times", "what is twelve times seven"),
    ],
)
def test_the_word_that_was_missing_makes_an_end_likelier(
    judge: WordsJudge, shorter: str, longer: str
) -> None:
    assert judge.judge(longer).end_probability > judge.judge(shorter).end_probability


@pytest.mark.parametrize("text", ["", "   ", "...", "."])
def test_no_words_say_nothing(judge: WordsJudge, text: str) -> None:
    assert judge.judge(text) == NEUTRAL


@pytest.mark.parametrize("text", ["stop", "cancel", "help", "next", "Hello?"])
def test_a_command_of_one_word_may_be_all(judge: WordsJudge, text: str) -> None:
    assert judge.judge(text).end_probability > 0.6


@pytest.mark.parametrize("text", ["i need um", "i'd like a uh", "I would like…"])
def test_a_hesitation_is_called_one(judge: WordsJudge, text: str) -> None:
    assert judge.judge(text).state == "hesitation"


def test_a_full_stop_moves_the_verdict_a_little(judge: WordsJudge) -> None:
    bare, stopped = judge.judge("i would like to"), judge.judge("I would like to.")
    assert bare.end_probability < stopped.end_probability < 0.25


def test_an_earlier_sentence_of_the_turn_does_not_hide_the_last(judge: WordsJudge) -> None:
    assert judge.judge("I have a question. What time do you").end_probability < 0.2
    assert judge.judge("I have a question. What time do you open?").end_probability > 0.7


@pytest.mark.parametrize("text", ["i want to go to the", "turn on the", "seven of", "my number is"])
def test_without_the_trigram_open_phrases_are_known_too(text: str) -> None:
    assert WordsJudge.load(with_trigram=False).judge(text).end_probability < 0.2


@pytest.mark.parametrize("text", ["yes please", "thank you", "set a timer for ten minutes"])
def test_without_the_trigram_whole_requests_are_known_too(text: str) -> None:
    assert WordsJudge.load(with_trigram=False).judge(text).end_probability > 0.7


def test_the_weights_for_machines_without_the_trigram_do_not_ask_for_it() -> None:
    names = json.loads(WEIGHTS.read_text())["weights"]
    assert "last_preposition" in names
    assert not [name for name in names if name.startswith(("lm_", "kind_"))]

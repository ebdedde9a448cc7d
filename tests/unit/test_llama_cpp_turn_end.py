import math

import pytest
from livekit.plugins.llama_cpp.turn_end import Candidate, end_probability

END = 7


def candidate(text: str, probability: float, token: int = 1) -> Candidate:
    return Candidate(token, text, math.log(probability))


@pytest.mark.parametrize(
    ("candidates", "wanted"),
    [
        ([candidate("<|im_end|>", 0.3, END)], 0.3),
        ([candidate("?", 0.5), candidate("<|im_end|>", 0.3, END), candidate(" now", 0.2)], 0.8),
        ([candidate(".\n", 0.4), candidate(" and", 0.6)], 0.4),
        ([candidate("。", 0.25)], 0.25),
        ([candidate("...", 0.9), candidate(",", 0.1)], 0.0),
        ([candidate(" the", 1.0)], 0.0),
        ([], 0.0),
    ],
)
def test_a_turn_ends_with_its_token_or_with_the_mark_before_it(
    candidates: list[Candidate], wanted: float
) -> None:
    assert end_probability(candidates, END) == pytest.approx(wanted)


def test_it_is_a_probability_even_if_the_server_rounds_up() -> None:
    assert end_probability([candidate(".", 0.6), candidate("?", 0.6)], END) == 1.0

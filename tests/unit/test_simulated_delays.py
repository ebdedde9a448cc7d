import pytest
from livekit.agents import APIConnectOptions, APITimeoutError
from livekit.plugins.simulated import LLM, STT, TTS, parse_delay
from livekit.plugins.simulated.delays import format_delay, wait_for_engine

from tests.fakes.virtual_time import run_virtual


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("80ms", 0.08),
        ("0.08s", 0.08),
        ("1s", 1.0),
        (" 70 MS ", 0.07),
        ("0ms", 0.0),
        ("2.5ms", 0.0025),
    ],
)
def test_a_number_and_a_unit_are_a_delay(text: str, seconds: float) -> None:
    assert parse_delay(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "80", "ms", "-80ms", "1,5s", "80 minutes", "nan s", "infs", "٣s"]
)
def test_anything_else_is_refused_with_a_remedy(text: str) -> None:
    with pytest.raises(ValueError, match="80ms or 0.08s"):
        parse_delay(text)


def test_the_model_name_says_the_delay() -> None:
    assert [STT(0.08).model, LLM(0.15).model, TTS(0.07).model] == ["80ms", "150ms", "70ms"]
    assert parse_delay(format_delay(0.0125)) == 0.0125


@pytest.mark.parametrize("delay_s", [-1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("engine", [STT, LLM, TTS])
def test_an_impossible_delay_is_refused(engine: type, delay_s: float) -> None:
    with pytest.raises(ValueError, match="delay_s"):
        engine(delay_s)


def test_a_pace_or_a_length_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="tokens_per_s"):
        LLM(tokens_per_s=0)
    with pytest.raises(ValueError, match="reply_s"):
        TTS(reply_s=0)


def test_a_delay_longer_than_the_deadline_is_a_time_out() -> None:
    with pytest.raises(APITimeoutError):
        run_virtual(wait_for_engine(2.0, APIConnectOptions(timeout=1.0)))

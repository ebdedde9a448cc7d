from dataclasses import dataclass

import pytest
from livekit.agents import LanguageCode, stt
from livekit.plugins.speechio import PAUSE_SCORE

from agent.turns.endpointing import HazardPolicy, TurnView
from agent.turns.gate import SpeechGate
from agent.turns.patience import Pace
from agent.turns.turn_taker import TurnTaker
from agent.turns.words import Verdict

WINDOW_S = 0.032
LOUD, QUIET = (-25.0,) * 4, (-60.0,) * 4


@dataclass
class Call:
    """A caller on a clock of their own."""

    now_s: float = 100.0

    def __post_init__(self) -> None:
        self.gate = SpeechGate()
        self.verdicts = {"what time is it": 0.97, "what time": 0.1}
        self.taker = TurnTaker(HazardPolicy(), self._judge, clock=lambda: self.now_s)

    def _judge(self, words: str) -> Verdict:
        return Verdict(end_probability=self.verdicts.get(words, 0.5), state="plain")

    def sound(self, seconds: float, *, is_speech: bool) -> None:
        for _ in range(round(seconds / WINDOW_S)):
            self.now_s += WINDOW_S
            levels, score = (LOUD, 0.9) if is_speech else (QUIET, 0.02)
            self.taker.on_window(self.gate, self.gate.process(score, levels, WINDOW_S))

    def says(self, text: str, kind: stt.SpeechEventType) -> bool:
        data = stt.SpeechData(language=LanguageCode("en"), text=text)
        return self.taker.on_stt(stt.SpeechEvent(type=kind, alternatives=[data]))

    def wait_s(self) -> float:
        """Silence until the turn is taken to be over."""
        begun_s = self.now_s
        while not self.taker.is_over():
            assert self.now_s < begun_s + 10
            self.sound(WINDOW_S, is_speech=False)
        return self.now_s - begun_s


INTERIM = stt.SpeechEventType.INTERIM_TRANSCRIPT
PREFLIGHT = stt.SpeechEventType.PREFLIGHT_TRANSCRIPT
FINAL = stt.SpeechEventType.FINAL_TRANSCRIPT


@pytest.fixture
def call() -> Call:
    call = Call()
    call.sound(0.5, is_speech=False)
    return call


def test_nobody_has_finished_who_has_not_spoken_or_still_speaks(call: Call) -> None:
    assert not call.taker.is_over()
    call.sound(1, is_speech=True)
    call.says("what time is it", INTERIM)
    assert not call.taker.is_over()


@pytest.mark.parametrize(("text", "shortest_s", "longest_s"), [
    ("what time is it", 0.15, 0.35),
    ("what time", 1.5, 3.1),
])  # fmt: skip
def test_finished_words_end_the_turn_soon_and_others_late(
    call: Call, text: str, shortest_s: float, longest_s: float
) -> None:
    call.sound(1, is_speech=True)
    call.says(text, INTERIM)
    assert shortest_s <= call.wait_s() <= longest_s


def test_an_answer_is_begun_on_words_that_may_end_and_once_for_each(call: Call) -> None:
    call.sound(1, is_speech=True)
    assert not call.says("what time", INTERIM)
    assert call.says("what time is it", INTERIM)
    assert not call.says("what time is it", PREFLIGHT)
    assert not call.says("what time is it", FINAL)


def test_a_pause_of_the_recogniser_begins_an_answer_to_any_words(call: Call) -> None:
    call.sound(1, is_speech=True)
    assert call.says("what time", PREFLIGHT)


def test_a_pause_after_which_the_caller_goes_on_is_remembered(call: Call) -> None:
    before_s = call.taker.pace.mean_pause_s
    for _ in range(4):
        call.sound(0.6, is_speech=True)
        call.says("what time", INTERIM)
        call.sound(1.6, is_speech=False)
    assert call.taker.pace.mean_pause_s > before_s


def test_a_committed_turn_does_not_end_the_next(call: Call) -> None:
    call.sound(1, is_speech=True)
    call.says("what time is it", FINAL)
    call.wait_s()
    call.taker.committed()
    call.sound(2, is_speech=False)
    assert not call.taker.is_over()
    call.sound(1, is_speech=True)
    call.says("what time", INTERIM)
    assert call.wait_s() > 1.5


class ScorePolicy:
    """Notes what it is asked about, and never ends a turn."""

    def __init__(self) -> None:
        self.seen: list[float | None] = []

    def is_over(self, view: TurnView, pace: Pace) -> bool:
        self.seen.append(view.pause_score)
        return False


def scored(text: str, kind: stt.SpeechEventType, score: object) -> stt.SpeechEvent:
    data = stt.SpeechData(language=LanguageCode("en"), text=text, metadata={PAUSE_SCORE: score})
    return stt.SpeechEvent(type=kind, alternatives=[data])


def test_a_recognisers_score_of_a_pause_reaches_the_policy_for_that_pause(call: Call) -> None:
    policy = call.taker.policy = ScorePolicy()
    call.sound(1, is_speech=True)
    call.says("what time", INTERIM)
    call.sound(0.2, is_speech=False)
    call.taker.is_over()
    call.taker.on_stt(scored("what time", PREFLIGHT, 0.8))
    call.taker.is_over()
    call.sound(0.5, is_speech=True)  # the caller goes on
    call.sound(0.2, is_speech=False)
    call.taker.is_over()
    assert policy.seen == [None, 0.8, None]


@pytest.mark.parametrize("score", ["0.8", True, 1.5, -0.1, float("nan"), None])
def test_a_score_that_is_none_is_not_used(call: Call, score: object) -> None:
    policy = call.taker.policy = ScorePolicy()
    call.sound(1, is_speech=True)
    call.taker.on_stt(scored("what time", PREFLIGHT, score))
    call.sound(0.2, is_speech=False)
    call.taker.is_over()
    assert policy.seen == [None]


def of_model(call: Call) -> float | None:
    """What the policy is told at this moment."""
    policy = call.taker.policy = ModelPolicy()
    call.taker.is_over()
    return policy.seen


class ModelPolicy:
    """Notes what it is told of the language model, and never ends a turn."""

    seen: float | None = None

    def is_over(self, view: TurnView, pace: Pace) -> bool:
        self.seen = view.model_probability
        return False


def test_what_a_language_model_makes_of_the_words_reaches_the_policy(call: Call) -> None:
    call.sound(1, is_speech=True)
    call.says("what time", INTERIM)
    call.sound(0.2, is_speech=False)
    assert of_model(call) is None, "it has not said anything yet"
    call.taker.on_model("what time", 0.8)
    assert of_model(call) == 0.8
    call.says("What time?", FINAL)
    assert of_model(call) == 0.8, "these are the same words"


def test_of_other_words_it_is_not_used(call: Call) -> None:
    call.sound(1, is_speech=True)
    call.says("what time", INTERIM)
    call.taker.on_model("what time", 0.8)
    call.says("what time is it", INTERIM)
    call.sound(0.2, is_speech=False)
    assert of_model(call) is None
    call.taker.on_model("what", 0.9)
    assert of_model(call) is None


def test_all_segments_of_a_turn_are_its_words(call: Call) -> None:
    call.sound(1, is_speech=True)
    call.says("good morning", FINAL)
    call.says("what time", INTERIM)
    call.taker.on_model("what time", 0.1)
    call.sound(1.1, is_speech=False)
    assert of_model(call) is None
    call.taker.on_model("good morning what time", 0.8)
    assert of_model(call) == 0.8


def test_the_next_turn_is_not_judged_by_the_last_even_where_the_words_are_the_same(
    call: Call,
) -> None:
    for _ in range(2):
        call.sound(1, is_speech=True)
        call.says("yes", INTERIM)
        call.sound(0.2, is_speech=False)
        assert of_model(call) is None
        call.taker.on_model("yes", 0.8)
        call.taker.committed()

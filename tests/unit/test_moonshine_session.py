"""When a Moonshine session decodes and what it says, with a model and a detector of the test's own.

The real library is in tests/models/test_moonshine.py.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest
from livekit.plugins.moonshine.models import (
    ARCHITECTURES,
    LANGUAGES,
    check_language,
    parse_model,
)
from livekit.plugins.moonshine.session import SAMPLE_RATE_HZ, Session
from livekit.plugins.speechcore import EngineBusy, EngineError
from moonshine_voice.moonshine_api import moonshine_get_stt_catalog_string, string_to_model_arch

from tests.fakes.audio import noise
from tests.fakes.bad_vads import LoudnessDetector

WINDOW_SAMPLES = 512
LOUD, QUIET = -20.0, -60.0


@dataclass
class CountingModel:
    """Understands a word in each half second it hears since its start."""

    heard_s: float = 0.0
    heard_in_all_s: float = 0.0
    starts: int = 0
    decodes: int = 0
    cost_s: float = 0.0
    now_s: float = field(default=0.0)

    def start(self) -> None:
        self.starts += 1
        self.heard_s = 0.0

    def hear(self, pcm: bytes) -> None:
        seconds = len(pcm) / 2 / SAMPLE_RATE_HZ
        self.heard_s += seconds
        self.heard_in_all_s += seconds

    def text(self) -> str:
        self.decodes += 1
        self.now_s += self.cost_s
        return " ".join(f"word{number}" for number in range(int(self.heard_s / 0.5)))


class Talk:
    """A session, fed with loud and quiet in steps of 40 ms."""

    def __init__(self, *, cost_s: float = 0.0, joint: str = " ") -> None:
        self.model = CountingModel(cost_s=cost_s)
        self.released = 0
        self.session = Session(
            self.model,
            LoudnessDetector(),
            window_samples=WINDOW_SAMPLES,
            joint=joint,
            release=self._release,
            clock=lambda: self.model.now_s,
        )
        self.newest = self.session.decode()

    def _release(self) -> None:
        self.released += 1

    def hear(self, duration_s: float, level_dbfs: float, step_s: float = 0.04) -> None:
        pcm = noise(duration_s, level_dbfs, SAMPLE_RATE_HZ)
        step = round(step_s * SAMPLE_RATE_HZ) * 2
        for start in range(0, len(pcm), step):
            self.newest = self.session.accept(pcm[start : start + step])


@pytest.fixture
def talk() -> Talk:
    return Talk()


def test_silence_costs_the_model_nothing(talk: Talk) -> None:
    talk.hear(30.0, QUIET)
    assert talk.model.decodes == 0
    assert talk.newest.text == talk.session.finish().text == ""


def test_interims_grow_while_somebody_speaks(talk: Talk) -> None:
    talk.hear(0.5, QUIET)
    talk.hear(1.2, LOUD)
    first = talk.newest.text
    talk.hear(1.0, LOUD)
    assert first and talk.newest.text.startswith(first)
    assert len(talk.newest.text) > len(first)
    assert not talk.newest.is_settled


def test_a_pause_settles_the_text_and_the_final_is_that_text(talk: Talk) -> None:
    talk.hear(1.5, LOUD)
    talk.hear(0.25, QUIET)
    assert talk.newest.is_settled
    decodes = talk.model.decodes
    assert talk.session.finish().text == talk.newest.text
    assert talk.model.decodes == decodes, "what was decoded already is decoded again"


def test_a_pause_after_decoded_speech_is_due_once_to_say_that_it_is_settled(talk: Talk) -> None:
    talk.session.feed(noise(62 * 0.032, LOUD, SAMPLE_RATE_HZ))
    assert not talk.session.decode().is_settled
    talk.session.feed(noise(0.3, QUIET, SAMPLE_RATE_HZ))
    assert talk.session.is_due
    assert talk.session.decode().is_settled
    assert talk.model.decodes == 1
    talk.session.feed(noise(0.1, QUIET, SAMPLE_RATE_HZ))
    assert not talk.session.is_due


def test_a_long_silence_after_speech_is_not_heard_by_the_model(talk: Talk) -> None:
    talk.hear(1.5, LOUD)
    talk.hear(20.0, QUIET)
    assert talk.model.heard_in_all_s < 2.5
    assert talk.newest.is_settled


def test_words_after_a_pause_take_the_settling_back(talk: Talk) -> None:
    talk.hear(1.5, LOUD)
    talk.hear(0.3, QUIET)
    assert talk.newest.is_settled
    talk.hear(0.2, LOUD)
    assert not talk.newest.is_settled
    talk.hear(0.5, LOUD)
    assert talk.model.starts == 1, "the words before the pause are context for those after it"


def test_pieces_are_joined_and_timed_from_the_first_sample(talk: Talk) -> None:
    talk.hear(1.0, QUIET)
    talk.hear(1.5, LOUD)
    talk.hear(1.5, QUIET)
    talk.hear(1.5, LOUD)
    talk.hear(1.0, QUIET)
    words = talk.newest.words
    assert " ".join(word.text for word in words) == talk.newest.text
    assert talk.model.starts == 2
    assert words[0].start_s == pytest.approx(1.0, abs=0.1)
    assert words[-1].end_s == pytest.approx(5.5, abs=0.1)
    assert any(word.start_s == pytest.approx(4.0, abs=0.1) for word in words)
    assert all(word.start_s < word.end_s for word in words)


def test_a_segment_begins_with_nothing_of_the_one_before(talk: Talk) -> None:
    talk.hear(1.5, LOUD)
    assert talk.session.finish().text
    talk.hear(0.5, QUIET)
    assert talk.newest.text == ""
    talk.hear(1.5, LOUD)
    assert talk.newest.words[0].start_s == pytest.approx(2.0, abs=0.1)


def test_a_flush_in_the_midst_of_a_word_loses_no_sound(talk: Talk) -> None:
    talk.hear(2.0, LOUD)
    first = talk.session.finish()
    talk.hear(2.0, LOUD)
    second = talk.session.finish()
    assert first.text and second.text
    assert talk.model.heard_in_all_s == pytest.approx(4.0, abs=0.1)


def test_a_whole_recording_at_once_is_all_decoded(talk: Talk) -> None:
    for _ in range(3):
        talk.session.feed(noise(1.5, LOUD, SAMPLE_RATE_HZ) + noise(1.5, QUIET, SAMPLE_RATE_HZ))
    assert talk.session.is_due
    talk.session.decode()
    assert not talk.session.is_due
    assert talk.model.starts == 3
    assert len(talk.session.finish().text.split()) >= 9


def test_a_slow_model_is_asked_less_often() -> None:
    quick, slow = Talk(cost_s=0.01), Talk(cost_s=1.0)
    for talk in (quick, slow):
        talk.hear(8.0, LOUD)
    assert quick.model.decodes > 15
    assert slow.model.decodes <= 5


def test_a_model_a_minute_behind_is_given_up(talk: Talk) -> None:
    with pytest.raises(EngineBusy, match="a minute of speech behind"):
        for _ in range(10):
            talk.session.feed(noise(13.0, LOUD, SAMPLE_RATE_HZ) + noise(1.0, QUIET, SAMPLE_RATE_HZ))


def test_languages_without_spaces_have_none_between_pieces() -> None:
    talk = Talk(joint="")
    talk.hear(0.5, LOUD)
    talk.hear(1.0, QUIET)
    talk.hear(0.5, LOUD)
    talk.hear(1.0, QUIET)
    assert " " not in talk.newest.text and talk.newest.text.count("word0") == 2


def test_closing_twice_gives_the_model_back_once(talk: Talk) -> None:
    talk.session.close()
    talk.session.close()
    assert talk.released == 1


@pytest.mark.parametrize(
    ("name", "architecture", "language"),
    [("base", 1, "en"), ("tiny", 0, "en"), ("tiny-ja", 0, "ja")],
)
def test_a_models_name_says_its_architecture_and_language(
    name: str, architecture: int, language: str
) -> None:
    model = parse_model(name)
    assert (model.architecture, model.language) == (architecture, language)


@pytest.mark.parametrize("name", ["", "large", "base-xx", "small-streaming-en"])
def test_another_name_is_refused(name: str) -> None:
    with pytest.raises(EngineError, match="there is no moonshine model"):
        parse_model(name)


def test_the_languages_are_those_of_the_librarys_catalogue() -> None:
    catalogue = json.loads(moonshine_get_stt_catalog_string())
    known = {
        language["code"]
        for language in catalogue["languages"]
        if {model["model_arch"] for model in language["models"]} & set(ARCHITECTURES.values())
    }
    assert set(LANGUAGES) == known
    for name, number in ARCHITECTURES.items():
        assert string_to_model_arch(name) == number


def test_a_model_hears_its_own_language_only() -> None:
    for language in (None, "en", "en-US", "EN_gb"):
        check_language(language, parse_model("base"))
    for language in ("de", "english"):
        with pytest.raises(EngineError, match="knows 'en' only"):
            check_language(language, parse_model("base"))
    check_language("es-MX", parse_model("base-es"))

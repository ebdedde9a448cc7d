"""What Kyutai's ears send of a caller's audio, and when they hold its words for settled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgpack
import numpy as np
import pytest
from livekit.plugins.kyutai.ear import Ear
from livekit.plugins.kyutai.messages import (
    FRAME_S,
    FRAME_SAMPLES,
    SAMPLE_RATE_HZ,
    HeardWord,
    MarkerReached,
    Step,
    WordEnded,
)
from livekit.plugins.kyutai.pauses import PauseScores
from livekit.plugins.kyutai.timeline import Timeline

from tests.fakes.audio import BED_DBFS, noise, speech_like

DELAY_S = 0.5
FLUSH_FRAMES = 8
"""Of silence behind the marker: the delay's seven, and one."""

LEAD_S, TAIL_S = 13 * FRAME_S, FRAME_S


def voice(seconds: float) -> bytes:
    return speech_like(seconds, [(0.0, seconds)], SAMPLE_RATE_HZ)


def quiet(seconds: float) -> bytes:
    return noise(seconds, BED_DBFS, SAMPLE_RATE_HZ)


def unpacked(messages: Sequence[bytes]) -> list[dict[str, Any]]:
    return [msgpack.unpackb(message) for message in messages]


def sound_s(messages: Sequence[bytes]) -> float:
    """How much sound is in these messages."""
    told = unpacked(messages)
    return sum(len(it["pcm"]) for it in told if it["type"] == "Audio") / SAMPLE_RATE_HZ


def markers(messages: Sequence[bytes]) -> list[int]:
    return [it["id"] for it in unpacked(messages) if it["type"] == "Marker"]


class Line:
    """An ear whose server hears everything at once and tells a score of each frame."""

    def __init__(self, *, score: float | None = None) -> None:
        self.ear = Ear(DELAY_S)
        self.score = score
        self.sent_s = 0.0
        self.sent: list[bytes] = []
        self._note(self.ear.begin())

    def hear(self, pcm: bytes) -> list[bytes]:
        return self._note(self.ear.hear(pcm))

    def flush(self) -> list[bytes]:
        return self._note(self.ear.flush())

    def say(self, text: str, start_s: float, stop_s: float | None = None) -> None:
        """The server tells a word; times are on its own clock."""
        self.ear.take(HeardWord(text, start_s))
        if stop_s is not None:
            self.ear.take(WordEnded(stop_s))

    def reach(self) -> bool:
        """The server comes to all markers; whether the words are settled then."""
        for number in markers(self.sent):
            self.ear.take(MarkerReached(number))
        return self.ear.is_settled

    def _note(self, messages: list[bytes]) -> list[bytes]:
        self.sent += messages
        length_s = sound_s(messages)
        self.sent_s += length_s
        if self.score is not None:
            for _ in range(round(length_s / FRAME_S)):
                self.ear.take(Step((0.0, 0.0, self.score, 0.0)))
        return messages


def test_a_connection_begins_with_a_second_of_silence() -> None:
    (message,) = unpacked(Ear(DELAY_S).begin())
    assert len(message["pcm"]) == 13 * FRAME_SAMPLES
    assert set(message["pcm"]) == {0.0}


@pytest.mark.parametrize("piece_bytes", [1000, 3840, 96_000])
def test_audio_goes_out_in_frames_of_80_ms_whatever_it_comes_in(piece_bytes: int) -> None:
    line, pcm = Line(), quiet(1.0)
    messages: list[bytes] = []
    for start in range(0, len(pcm), piece_bytes):
        messages += line.hear(pcm[start : start + piece_bytes])
    sent = unpacked(messages)
    assert {len(message["pcm"]) for message in sent} == {FRAME_SAMPLES}
    samples = np.concatenate([message["pcm"] for message in sent])
    expected = np.frombuffer(pcm, "<i2")[: len(samples)] / 32768
    assert np.allclose(samples, expected, atol=1e-6)


def test_a_pause_is_marked_once_with_a_delay_of_silence_behind_the_marker() -> None:
    line = Line()
    assert not markers(line.hear(quiet(0.5) + voice(0.5)))
    messages = line.hear(quiet(1.0))
    assert markers(messages) == [1]
    kinds = [it["type"] for it in unpacked(messages)]
    at = kinds.index("Marker")
    after = unpacked(messages)[at + 1]
    assert len(after["pcm"]) == FLUSH_FRAMES * FRAME_SAMPLES and not any(after["pcm"])
    assert sound_s(messages[: at - 1]) == pytest.approx(0.16, abs=0.081)
    assert not markers(line.hear(quiet(2.0)))


def test_words_are_settled_when_the_marker_of_the_pause_is_back() -> None:
    line = Line()
    line.hear(quiet(0.5) + voice(0.5))
    line.say("Hello", LEAD_S + 0.5)
    assert line.ear.transcript.text == "Hello" and not line.ear.is_settled
    line.hear(quiet(0.3))
    line.say("there.", LEAD_S + 0.8)
    assert line.ear.is_flushing and not line.ear.is_settled
    assert line.reach()
    assert line.ear.is_settled and line.ear.transcript.text == "Hello there."
    assert line.flush() == [], "nothing was said since"
    assert line.ear.finish().text == "Hello there."
    assert line.ear.transcript.text == ""


def test_a_voice_unsettles_and_the_next_pause_is_marked_anew() -> None:
    line = Line()
    line.hear(voice(0.5) + quiet(0.3))
    line.say("Hello", LEAD_S)
    line.reach()
    line.hear(voice(0.3))
    assert not line.ear.is_settled
    assert markers(line.hear(quiet(0.3))) == [2]


def test_a_flush_in_mid_word_sends_what_is_left_of_the_frame() -> None:
    line = Line()
    line.hear(quiet(0.5) + voice(0.5))
    messages = line.flush()
    first, tail, marker, rest = unpacked(messages)
    assert any(first["pcm"]) and len(first["pcm"]) == FRAME_SAMPLES
    assert (len(tail["pcm"]), marker["type"]) == (FRAME_SAMPLES, "Marker")
    assert len(rest["pcm"]) == FLUSH_FRAMES * FRAME_SAMPLES
    assert line.flush() == [] and line.ear.is_flushing, "the answer is on its way"


def test_a_flush_of_nothing_but_quiet_asks_too_for_the_gate_may_not_have_heard_it() -> None:
    line = Line()
    line.hear(quiet(1.0))
    assert markers(line.flush()) == [1]
    line.reach()
    assert line.ear.finish().text == ""


def test_a_word_that_comes_after_its_marker_is_asked_for_again() -> None:
    line = Line()
    line.hear(voice(0.5) + quiet(0.3))
    line.reach()
    line.say("late", LEAD_S)
    assert not line.ear.is_settled
    assert markers(line.hear(quiet(0.1))) == [2]
    line.reach()
    assert line.ear.is_settled


def test_times_are_those_of_the_callers_audio_without_our_silence() -> None:
    line = Line()
    line.hear(quiet(0.48) + voice(0.48))  # whole frames, so that nothing waits
    line.hear(quiet(0.48))
    flushed_s = TAIL_S + FLUSH_FRAMES * FRAME_S
    assert line.sent_s == pytest.approx(LEAD_S + 1.44 + flushed_s)
    line.say("one", LEAD_S + 0.48, LEAD_S + 0.88)
    line.hear(voice(0.48))
    line.say("two", line.sent_s - 0.48)
    one, two = line.ear.transcript.words
    assert (one.start_s, one.end_s) == (pytest.approx(0.48), pytest.approx(0.88))
    assert two.start_s == pytest.approx(1.44)
    assert 1.44 < two.end_s <= 1.93, "its end is not told: it is the sound's"


def test_words_without_ends_and_out_of_order_get_sound_times() -> None:
    line = Line()
    line.hear(voice(2.0))
    for text, start_s in (("a", 0.5), ("b", 0.4), ("c", 1.2)):
        line.say(text, LEAD_S + start_s)
    times = [at_s for word in line.ear.transcript.words for at_s in (word.start_s, word.end_s)]
    assert times == sorted(times)
    assert times[-1] <= 2.0 + FRAME_S


def test_empty_words_and_markers_of_nobody_change_nothing() -> None:
    ear = Ear(DELAY_S)
    assert not ear.take(HeardWord("", 1.0))
    assert not ear.take(WordEnded(1.0))
    assert not ear.take(MarkerReached(7))
    assert not ear.is_flushing and ear.transcript.text == ""


def test_the_score_of_a_pause_is_told_once_its_words_are_settled() -> None:
    line = Line(score=0.1)
    line.hear(voice(0.5))
    line.say("Hello", LEAD_S)
    assert line.ear.transcript.pause_score is None
    line.score = 0.8
    line.hear(quiet(0.3))
    line.reach()
    assert line.ear.transcript.pause_score == 0.8
    line.score = 0.95
    line.hear(quiet(1.0))
    assert line.ear.transcript.pause_score == 0.8, "our silence made that pause longer"
    line.score = 0.05
    line.hear(voice(0.3))
    assert line.ear.transcript.pause_score is None


def test_a_model_without_scores_gives_none() -> None:
    line = Line()
    line.hear(voice(0.5) + quiet(0.3))
    line.say("Hello", LEAD_S)
    line.reach()
    assert line.ear.is_settled and line.ear.transcript.pause_score is None
    assert line.ear.owed == 0


def test_a_server_that_is_behind_gets_no_silence_of_ours_until_it_has_caught_up() -> None:
    ear = Ear(DELAY_S)
    ear.begin()
    ear.take(Step((0.1, 0.1, 0.1, 0.1)))
    assert not markers(ear.hear(voice(0.5) + quiet(0.5)))
    while ear.owed:
        ear.take(Step((0.1, 0.1, 0.1, 0.1)))
    assert markers(ear.hear(quiet(0.1))) == [1]


def test_the_scores_that_count_are_found_by_their_order() -> None:
    pauses = PauseScores()
    pauses.sent(2, counts=False)
    pauses.sent(1, counts=True)
    pauses.sent(1, counts=False)
    assert pauses.owed == 4
    for told, expected in ((0.9, None), (0.8, None), (0.3, 0.3), (0.7, 0.3), (0.6, 0.3)):
        pauses.told((0.0, 0.0, told, 0.0))
        assert pauses.score == expected
    assert pauses.owed == 0


def test_a_model_with_fewer_heads_gives_its_last_score() -> None:
    pauses = PauseScores()
    for scores, expected in (((0.2,), 0.2), ((), 0.2), ((0.1, 0.5), 0.5)):
        pauses.sent(1, counts=True)
        pauses.told(scores)
        assert pauses.score == expected


@pytest.mark.parametrize(
    ("server_s", "caller_s"),
    [(0.0, 0.0), (0.5, 0.0), (1.0, 0.0), (1.5, 0.5), (2.0, 1.0), (2.4, 1.0), (3.0, 1.5)],
)
def test_a_moment_in_inserted_silence_is_where_it_was_inserted(
    server_s: float, caller_s: float
) -> None:
    timeline = Timeline()
    timeline.inserted(SAMPLE_RATE_HZ)
    timeline.heard(SAMPLE_RATE_HZ)
    timeline.inserted(SAMPLE_RATE_HZ // 2)
    timeline.heard(SAMPLE_RATE_HZ)
    assert timeline.to_caller_s(server_s) == pytest.approx(caller_s)


def test_a_long_call_keeps_a_bounded_past_and_its_place() -> None:
    timeline = Timeline()
    for _ in range(10_000):
        timeline.heard(SAMPLE_RATE_HZ)
        timeline.inserted(SAMPLE_RATE_HZ)
    assert timeline.to_caller_s(20_000) == pytest.approx(10_000)
    assert timeline.to_caller_s(19_998.5) == pytest.approx(9_999.5)

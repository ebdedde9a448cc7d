"""Words, pace, quiet places, level, and whose turn it is: what a chain of voices computes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit import rtc
from livekit.plugins.chains import GarbageError
from livekit.plugins.chains.tts_level import MOST_DB, Gain, SpeechLevel, matching_gain_db
from livekit.plugins.chains.tts_pace import Pace, boundaries, text_units
from livekit.plugins.chains.tts_quiet import Loudness, Quiet
from livekit.plugins.chains.tts_reply import ReplyVoice
from livekit.plugins.chains.tts_script import PartReader, Script
from livekit.plugins.chains.tts_seam import next_anchor, place
from livekit.plugins.chains.tts_sound import SoundIntake
from livekit.plugins.chains.tts_words import Mark, WordTrack, tokens
from livekit.plugins.speechcore import Word, level_dbfs

RATE_HZ = 16_000


def tone(length_s: float, peak: int = 8000) -> bytes:
    times = np.arange(round(length_s * RATE_HZ)) / RATE_HZ
    pcm: bytes = (np.sin(2 * np.pi * 300 * times) * peak).astype(np.int16).tobytes()
    return pcm


def silence(length_s: float) -> bytes:
    return bytes(2 * round(length_s * RATE_HZ))


def words(*told: tuple[str, float]) -> list[Word]:
    """Each with its end; it begins where the one before ends."""
    starts = [0.0, *(end_s for _, end_s in told)]
    return [Word(text, starts[i], end_s) for i, (text, end_s) in enumerate(told)]


@given(st.text(max_size=40))
def test_the_tokens_of_a_text_are_the_text(text: str) -> None:
    found = tokens(text)
    assert "".join(text[token.start : token.end] for token in found) == (text if found else "")
    assert all(token.letters for token in found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Yes, it is.", ["Yes, ", "it ", "is."]),
        ("he said “Yes” – twice", ["he ", "said ", "“Yes” – ", "twice"]),
        ("今日は。元気", ["今", "日", "は。", "元", "気"]),
        ("…", []),
    ],
)
def test_a_token_has_its_punctuation(text: str, expected: list[str]) -> None:
    assert [text[token.start : token.end] for token in tokens(text)] == expected


@pytest.mark.parametrize(
    ("text", "told", "expected"),
    [
        ("Yes, it is.", [("Yes, ", 0.3), ("it ", 0.5)], [(0.3, 5), (0.5, 8)]),
        ("Yes, it is.", [("yes", 0.3), ("it", 0.5), ("is", 0.8)], [(0.3, 5), (0.5, 8), (0.8, 11)]),
        ("a well-known one", [("a", 0.1), ("well", 0.4), ("known", 0.7)], [(0.1, 2), (0.7, 13)]),
        ("pay $5 now", [("pay", 0.2), ("five", 0.5), ("dollars", 0.9)], [(0.2, 4)]),
        (
            "pay $5 now",
            [("pay", 0.2), ("five", 0.5), ("dollars", 0.9), ("now", 1.2)],
            [(0.2, 4), (0.9, 7), (1.2, 10)],
        ),
        ("one two", [("one", 0.5), ("two", 0.3)], [(0.5, 4), (0.5, 7)]),
        ("one two", [("", 0.5), ("…", 0.3)], []),
    ],
)
def test_told_words_mark_the_text(
    text: str, told: list[tuple[str, float]], expected: list[tuple[float, int]]
) -> None:
    track = WordTrack()
    for word in words(*told):
        track.add(text, [word])
    assert track.marks == [Mark(at_s, offset) for at_s, offset in expected]


def test_a_pace_is_learnt_from_whole_texts() -> None:
    pace = Pace()
    text = "this is a text of some length, spoken slowly"
    assert not pace.is_sure
    for _ in range(3):
        pace.observe(text, 5.0)
    assert pace.is_sure
    assert pace.expected_s(text) == pytest.approx(5.0)
    pace.observe("…", 5.0)
    pace.observe("yes", 0.1)
    assert pace.expected_s(text) == pytest.approx(5.0)


def test_texts_take_longer_with_digits_and_pauses() -> None:
    assert text_units("call 42 now") > text_units("call me now")
    assert text_units("yes. it is") > text_units("yes, it is") > text_units("yes it is")
    assert text_units("yes.") == text_units("yes")
    assert text_units("…") == 0.0


def test_boundaries_lie_before_the_pause_that_follows() -> None:
    first, second, third = boundaries("Yes, so")
    assert (first.offset, second.offset, third.offset) == (0, 5, 7)
    assert second.units == text_units("Yes")
    assert second.is_pause and not third.is_pause


def test_quiet_places_are_found_whatever_the_pieces() -> None:
    pcm = silence(0.1) + tone(0.3) + silence(0.2) + tone(0.3) + tone(0.05, 300) + tone(0.3)
    for step in (2 * 37, 2 * 1600, len(pcm)):
        loudness = Loudness(RATE_HZ)
        for start in range(0, len(pcm), step):
            loudness.add(pcm[start : start + step])
        quiets = loudness.quiets(0.0, 9.0)
        assert [(q.start_s, q.end_s) for q in quiets] == pytest.approx(
            [pytest.approx(span) for span in [(0.0, 0.1), (0.4, 0.6), (0.9, 0.95)]]
        )
        assert [q.is_long for q in quiets] == [False, True, False]
        assert loudness.onset_s == pytest.approx(0.1)
        assert loudness.sound_end_s == pytest.approx(1.25)
        assert not loudness.ends_in_quiet(0.02)


STEADY = Pace(unit_s=0.1, known_s=60.0)
START = Mark(0.0, 0)


@pytest.mark.parametrize(
    ("quiets", "received_s", "expected"),
    [
        # "one two, three": the words end at 0.5, 1.0 and, after a pause of 0.6 s, at 2.3
        ([Quiet(0.5, 0.54), Quiet(0.75, 0.79)], 0.8, (0.5, 4)),
        ([Quiet(0.55, 0.59), Quiet(0.93, 1.2)], 1.2, (0.93, 9)),
        ([Quiet(1.1, 1.4), Quiet(1.6, 1.61)], 1.7, (1.1, 9)),
        ([Quiet(0.0, 0.0)], 0.2, (0.0, 0)),
    ],
)
def test_the_text_goes_on_at_a_quiet_between_words(
    quiets: list[Quiet], received_s: float, expected: tuple[float, int]
) -> None:
    found = place("one two, three", STEADY, START, quiets, received_s)
    assert found is not None
    assert (found[0].start_s, found[1]) == expected


def test_without_a_quiet_there_is_no_place() -> None:
    assert place("one two", STEADY, START, [], 1.0) is None


@pytest.mark.parametrize(
    ("pause_s", "expected"), [(1.1, Mark(1.1, 9)), (0.75, Mark(0.75, 9)), (2.2, None)]
)
def test_a_long_pause_near_a_comma_is_that_comma(pause_s: float, expected: Mark | None) -> None:
    pause = Quiet(pause_s, pause_s + 0.3)
    assert next_anchor("one two, three", STEADY, START, pause) == expected


def test_the_level_of_a_voice_leaves_pauses_out() -> None:
    with_pauses, without = SpeechLevel(RATE_HZ), SpeechLevel(RATE_HZ)
    assert with_pauses.dbfs is None
    for _ in range(5):
        with_pauses.add(tone(0.31) + silence(0.4) + tone(0.1, 200))
        without.add(tone(0.31))
    assert with_pauses.dbfs == pytest.approx(without.dbfs, abs=0.3)
    assert without.dbfs == pytest.approx(level_dbfs(tone(1.0)), abs=0.2)


@given(st.none() | st.floats(-60, 0), st.none() | st.floats(-60, 0))
def test_a_gain_is_limited(reference: float | None, level: float | None) -> None:
    gain_db = matching_gain_db(reference, level)
    assert abs(gain_db) <= MOST_DB
    if reference is None or level is None:
        assert gain_db == 0.0


@given(st.lists(st.integers(0, 800), min_size=1, max_size=20), st.floats(-6, 6))
def test_a_gain_keeps_every_sample_and_never_clips(lengths: list[int], target_db: float) -> None:
    gain = Gain(RATE_HZ)
    loud = np.full(20_000, 30_000, dtype=np.int16)
    loud[::2] = -32_768
    for length in lengths:
        pcm = loud[:length].tobytes()
        out = np.frombuffer(gain.process(pcm, target_db), dtype=np.int16).astype(int)
        assert len(out) == length
        assert np.all(np.sign(out) == np.sign(loud[:length]))


def test_a_gain_moves_slowly_from_where_it_began() -> None:
    gain = Gain(RATE_HZ)
    begun = level_dbfs(gain.process(tone(0.5), 3.0)) - level_dbfs(tone(0.5))
    assert begun == pytest.approx(3.0, abs=0.05)
    gain.process(tone(0.25), -6.0)
    assert gain.now_db == pytest.approx(1.5)
    assert gain.process(tone(0.1), 1.5) != tone(0.1)
    assert Gain(RATE_HZ).process(tone(0.1), 0.0) == tone(0.1)


def test_a_reply_keeps_the_voice_that_took_over_until_it_has_ended() -> None:
    reply = ReplyVoice()
    assert reply.begin(0.0)
    reply.speak(0)
    reply.fail(0, 1)
    reply.end(1.0)
    assert not reply.begin(3.9)
    assert (reply.member, reply.switches) == (1, 1)
    assert not reply.begin(20.0), "one of its texts is still being spoken"
    reply.end(21.0)
    reply.end(22.0)
    assert reply.begin(25.0)
    assert reply.member is None


def test_who_no_longer_speaks_a_reply_cannot_fail_it() -> None:
    reply = ReplyVoice()
    reply.begin(0.0)
    reply.speak(1)
    reply.fail(0, 2)
    assert (reply.member, reply.switches) == (1, 0)


def test_a_text_that_is_still_being_written_is_due_by_whole_sentences() -> None:
    script = Script()
    script.push("It is a fine day today. Shall we ")
    assert script.due() == 0, "an engine may look at a little more of the next sentence"
    script.push("go out for a walk and")
    assert script.text[: script.due()] == "It is a fine day today. "
    script.finish()
    assert script.due() == len(script.text)


def test_parts_are_the_text() -> None:
    script = Script()
    reader = PartReader(script, 4)
    parts = []
    for piece in ("One. Two is ", "a sentence. ", "Three", " follows."):
        script.push(piece)
        while (part := reader.take()) is not None:
            parts.append(part)
            assert script.text[4 : reader.offset].endswith(part)
    script.finish()
    while (part := reader.take()) is not None:
        parts.append(part)
    assert "".join(parts) == script.text[4:]
    assert len(parts) > 1
    assert PartReader(Script("One. Two.", is_complete=True), 5).take() == "Two."


def frame(pcm: bytes, rate_hz: int = RATE_HZ, samples: int | None = None) -> rtc.AudioFrame:
    return rtc.AudioFrame(pcm, rate_hz, 1, len(pcm) // 2 if samples is None else samples)


@pytest.mark.parametrize(
    "garbage",
    [
        frame(tone(0.1), rate_hz=1),
        frame(tone(0.1), samples=100),
        frame(b"<html>It is not your day.</html> " * 50),
        frame(b'{"error": "no"}' * 100),
        frame(b"\0" + tone(0.1)[:-1]),
        frame(np.random.default_rng(1).bytes(3200)),
    ],
)
def test_what_is_no_audio_is_told_from_speech(garbage: rtc.AudioFrame) -> None:
    with pytest.raises(GarbageError):
        SoundIntake(RATE_HZ).process(garbage)


@pytest.mark.parametrize("pcm", [tone(0.1), silence(0.1), tone(0.005), tone(0.1, 32_000)])
def test_speech_is_no_garbage(pcm: bytes) -> None:
    assert SoundIntake(RATE_HZ).process(frame(pcm)) == pcm

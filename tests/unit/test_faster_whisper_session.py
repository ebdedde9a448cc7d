"""A caller's speech through a session: no word lost or doubled, nothing decoded in vain."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from livekit.plugins.faster_whisper.hypothesis import Scores
from livekit.plugins.faster_whisper.session import WhisperSession
from livekit.plugins.speechcore import EngineBusy, EngineError, PartialSession, Transcript
from livekit.plugins.speechcore.pace import PartialPace

from tests.fakes.audio import BED_DBFS, SPEECH_DBFS, noise
from tests.fakes.tone_words import RATE_HZ, SURE, WORD_S, ToneDecoder, parts, quiet, say, spoken

INVENTED = Scores(mean_log_probability=-0.38, no_speech_probability=0.88, compression_ratio=0.85)


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s

    def wait(self, duration_s: float) -> None:
        self.now_s += duration_s


def session_of(
    decoder: ToneDecoder, *, language: str | None = "en", clock: Clock | None = None
) -> WhisperSession:
    return WhisperSession(decoder, language=language, pace=PartialPace(), clock=clock or Clock())


def hear(session: WhisperSession, pcm: bytes) -> list[Transcript]:
    return [session.accept(part) for part in parts(pcm)]


def texts(transcripts: Iterable[Transcript]) -> list[str]:
    """The distinct texts, in their order."""
    found: list[str] = []
    for transcript in transcripts:
        if transcript.text and transcript.text not in found[-1:]:
            found.append(transcript.text)
    return found


def test_interims_grow_into_what_was_said() -> None:
    session = session_of(ToneDecoder())
    interims = texts(hear(session, quiet(0.5) + say(range(10))))
    assert len(interims) >= 4
    whole = [text.removesuffix(" uh").removesuffix("uh") for text in interims]
    assert all(spoken(range(10)).startswith(text) for text in whole)
    assert session.finish().text == spoken(range(10))


def test_a_pause_settles_the_text_which_is_final_without_another_decode() -> None:
    decoder = ToneDecoder()
    session = session_of(decoder)
    heard = hear(session, quiet(0.5) + say(range(5)) + quiet(0.6))
    assert heard[-1].is_settled
    assert heard[-1].text == spoken(range(5))
    decodes = len(decoder.requests)
    assert decoder.finals == 1
    assert session.finish() == heard[-1]
    assert len(decoder.requests) == decodes


def test_a_pause_is_settled_within_a_fifth_of_a_second() -> None:
    session = session_of(ToneDecoder())
    hear(session, quiet(0.5) + say(range(3), gap_s=0.0))
    assert not session.accept(quiet(0.1)).is_settled
    assert session.accept(quiet(0.1)).is_settled


def test_the_text_is_not_settled_any_more_when_somebody_goes_on() -> None:
    session = session_of(ToneDecoder())
    hear(session, quiet(0.5) + say(range(3)) + quiet(0.5))
    assert not any(transcript.is_settled for transcript in hear(session, say(range(3, 8))))
    assert session.finish().text == spoken(range(8))


def test_a_flush_in_the_midst_of_speech_decodes_all_of_it() -> None:
    session = session_of(ToneDecoder())
    hear(session, quiet(0.5) + say(range(7)))
    assert session.finish().text == spoken(range(7))


def test_what_is_final_is_not_said_again() -> None:
    decoder = ToneDecoder()
    session = session_of(decoder)
    hear(session, quiet(0.5) + say(range(3), gap_s=0.02))
    assert session.finish().text == spoken(range(3))
    decodes = len(decoder.requests)
    hear(session, quiet(1.0))
    assert session.finish().text == ""
    assert len(decoder.requests) == decodes
    hear(session, say(range(3, 6)) + quiet(0.5))
    assert session.finish().text == spoken(range(3, 6))


@pytest.mark.parametrize("level_dbfs", [float("-inf"), BED_DBFS])
def test_silence_costs_nothing_and_says_nothing(level_dbfs: float) -> None:
    decoder = ToneDecoder()
    session = session_of(decoder)
    heard = hear(session, noise(20.0, level_dbfs, RATE_HZ))
    assert not texts(heard)
    assert session.finish().text == ""
    assert not decoder.requests


def test_a_click_is_not_decoded() -> None:
    decoder = ToneDecoder()
    session = session_of(decoder)
    hear(session, quiet(1.0) + noise(0.07, SPEECH_DBFS, RATE_HZ) + quiet(1.0))
    assert session.finish().text == ""
    assert not decoder.requests


def test_what_a_model_invents_for_noise_is_neither_interim_nor_final() -> None:
    decoder = ToneDecoder(scores=INVENTED)
    session = session_of(decoder)
    heard = hear(session, quiet(0.5) + say(range(4)) + quiet(0.5))
    assert decoder.requests, "the noise never reached the decoder"
    assert not texts(heard)
    assert not any(transcript.is_settled for transcript in heard)
    assert session.finish().text == ""


def test_a_noise_is_not_decoded_again_with_the_words_that_follow() -> None:
    decoder = ToneDecoder(scores=INVENTED)
    session = session_of(decoder)
    hear(session, quiet(0.5) + noise(2.0, SPEECH_DBFS, RATE_HZ) + quiet(1.0))
    decoder.scores = SURE
    decoder.lengths_s.clear()
    hear(session, say(range(3)) + quiet(0.5))
    assert session.finish().text == spoken(range(3))
    assert max(decoder.lengths_s) < 1.9


def test_words_have_the_times_of_the_stream() -> None:
    session = session_of(ToneDecoder())
    hear(session, quiet(1.0) + say(range(2)) + quiet(4.0) + say(range(2, 4)) + quiet(0.5))
    words = session.finish().words
    later_s = 1.0 + 2 * (WORD_S + 0.06) + 4.0
    starts_s = [1.0, 1.3, later_s, later_s + 0.3]
    assert [word.start_s for word in words] == pytest.approx(starts_s, abs=0.04)
    assert [word.end_s - word.start_s for word in words] == pytest.approx([WORD_S] * 4, abs=0.05)


def test_times_go_on_after_a_final() -> None:
    session = session_of(ToneDecoder())
    for turn in range(3):
        hear(session, quiet(1.0) + say([turn], gap_s=1.0 - WORD_S))
        assert session.finish().words[0].start_s == pytest.approx(turn * 2.0 + 1.0, abs=0.04)


def test_quiet_within_a_turn_is_not_decoded() -> None:
    decoder = ToneDecoder()
    session = session_of(decoder)
    hear(session, quiet(1.0) + say(range(3)) + quiet(8.0) + say(range(3, 6)) + quiet(0.5))
    assert session.finish().text == spoken(range(6))
    assert max(decoder.lengths_s) < 4.0


@pytest.mark.parametrize("gap_s", [0.06, 0.25])
def test_a_turn_of_two_minutes_loses_and_doubles_no_word(gap_s: float) -> None:
    numbers = [n % 100 for n in range(round(120 / (WORD_S + gap_s)))]
    decoder = ToneDecoder()
    session = session_of(decoder)
    heard = hear(session, quiet(0.5) + say(numbers, gap_s=gap_s) + quiet(0.5))
    assert session.finish().text == spoken(numbers)
    assert max(decoder.lengths_s) <= 30.0
    interims = texts(heard)
    lengths = [len(text.split()) for text in interims]
    assert all(later >= earlier - 2 for earlier, later in zip(lengths, lengths[1:], strict=False))


def test_a_long_turn_is_cut_in_its_longest_pause() -> None:
    decoder = ToneDecoder()
    session = session_of(decoder)
    first, second = range(60), range(60, 100)
    hear(session, quiet(0.5) + say(first) + quiet(0.5) + say(second))
    assert session.finish().text == spoken([*first, *second])
    waiting = [
        length
        for length, request in zip(decoder.lengths_s, decoder.requests, strict=True)
        if request.is_final
    ]
    assert any(length == pytest.approx(60 * 0.3 + 0.3, abs=0.5) for length in waiting)


def test_later_audio_is_decoded_with_what_was_said_before() -> None:
    decoder = ToneDecoder()
    session = session_of(decoder)
    hear(session, quiet(0.5) + say(range(4)) + quiet(0.5) + say(range(4, 8)))
    interims = [request for request in decoder.requests if not request.is_final]
    assert interims[-1].context == spoken(range(4))
    assert interims[0].context == ""
    session.finish()
    assert decoder.requests[-1].context == "", "a whole turn needs no context"


def test_interims_cost_what_is_new_since_the_last_pause() -> None:
    decoder = ToneDecoder()
    session = session_of(decoder)
    hear(session, quiet(0.5) + say(range(30)) + quiet(0.5) + say(range(30, 33)))
    assert not decoder.requests[-1].is_final
    assert decoder.lengths_s[-1] < 2.0


def test_interims_take_no_more_than_their_share_of_time() -> None:
    clock = Clock()
    decoder = ToneDecoder(on_decode=lambda: clock.wait(0.6))
    session = session_of(decoder, clock=clock)
    hear(session, quiet(0.5) + say(range(60)))
    partials = len(decoder.requests) - decoder.finals
    assert partials * 0.6 <= 0.5 * 60 * 0.3 + 0.6
    assert partials >= 10
    assert session.finish().text == spoken(range(60))


def test_accept_is_feed_and_a_decode_that_is_due() -> None:
    session: PartialSession = session_of(ToneDecoder())
    for part in parts(quiet(0.5) + say(range(3)) + quiet(0.5), 0.02):
        session.feed(part)
        if session.is_due:
            newest = session.decode()
    assert newest.is_settled
    assert newest.text == spoken(range(3))
    assert not session.is_due
    assert session.decode() == newest, "a decode that is not due changes nothing"


def test_a_session_that_is_fed_only_decodes_all_at_the_end() -> None:
    session = session_of(ToneDecoder())
    for part in parts(quiet(0.5) + say(range(99), gap_s=0.2) + quiet(0.5)):
        session.feed(part)
    assert session.finish().text == spoken(range(99))


def test_a_session_gives_up_when_a_minute_waits() -> None:
    session = session_of(ToneDecoder())
    with pytest.raises(EngineBusy, match="minute"):
        for part in parts(say([n % 100 for n in range(400)])):
            session.feed(part)


def test_audio_may_come_in_any_pieces() -> None:
    pcm = quiet(0.5) + say(range(4)) + quiet(0.5)
    for part_s in (0.013, 0.5, 10.0):
        session = session_of(ToneDecoder())
        for part in parts(pcm, part_s):
            session.accept(part)
        assert session.finish().text == spoken(range(4))


def test_a_detected_language_is_kept_once_it_is_sure() -> None:
    decoder = ToneDecoder(language="de", language_probability=0.95)
    session = session_of(decoder, language=None)
    heard = hear(session, quiet(0.5) + say(range(8)) + quiet(0.5))
    assert heard[-1].language == "de"
    session.finish()
    decoder.language = "ru"
    hear(session, say(range(3)) + quiet(0.5))
    assert session.finish().language == "de"
    assert decoder.requests[-1].language == "de"


def test_a_language_that_is_not_sure_is_detected_again() -> None:
    decoder = ToneDecoder(language="nn", language_probability=0.4)
    session = session_of(decoder, language=None)
    hear(session, quiet(0.5) + say(range(8)) + quiet(0.5))
    assert session.finish().language == "nn"
    decoder.language, decoder.language_probability = "de", 0.95
    hear(session, say(range(8)) + quiet(0.5))
    assert session.finish().language == "de"


def test_an_error_of_the_decoder_is_raised_and_the_audio_is_still_there() -> None:
    def fail() -> None:
        raise EngineError("out of memory")

    decoder = ToneDecoder(on_decode=fail)
    session = session_of(decoder)
    with pytest.raises(EngineError, match="out of memory"):
        hear(session, quiet(0.5) + say(range(8)))
    decoder.on_decode = lambda: None
    assert session.finish().text.startswith("0")


def test_closing_frees_the_place_once() -> None:
    released: list[bool] = []
    session = WhisperSession(
        ToneDecoder(), language="en", pace=PartialPace(), release=lambda: released.append(True)
    )
    session.close()
    session.close()
    assert released == [True]

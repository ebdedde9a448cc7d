"""What is said is decoded in pieces between pauses, and joined; with a decoder that keeps a diary."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from livekit.plugins.pocketsphinx.native import INITIAL_CEPSTRAL_MEAN, RawWord
from livekit.plugins.pocketsphinx.session import Session
from livekit.plugins.speechcore import level_dbfs

from tests.fakes.audio import noise

RATE_HZ = 16_000
BED = noise(1.0, -60.0, RATE_HZ)
FRAME_BYTES = 320


@dataclass
class DiaryDecoder:
    """Takes every loud sound for a word named after its place in the utterance."""

    cepstral_mean: str = "untouched"
    posterior: float = 0.9
    utterances: list[bytearray] = field(default_factory=list)
    means: list[str] = field(default_factory=list)
    is_running: bool = False

    def start(self) -> None:
        assert not self.is_running
        self.is_running = True
        self.means.append(self.cepstral_mean)
        self.utterances.append(bytearray())

    def process(self, pcm: bytes) -> None:
        assert self.is_running
        self.utterances[-1] += pcm

    def end(self) -> None:
        assert self.is_running
        self.is_running = False
        self.cepstral_mean = f"after {len(self.utterances)}"

    def words(self) -> list[RawWord]:
        pcm = bytes(self.utterances[-1])
        frames = range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES)
        loud = [level_dbfs(pcm[start : start + FRAME_BYTES]) > -40 for start in frames]
        edges = np.flatnonzero(np.diff([False, *loud, False]))
        words = [RawWord("<s>", 0, 0, 1.0)]
        for number, (first, after) in enumerate(zip(edges[::2], edges[1::2], strict=True), 1):
            words.append(RawWord(f"w{number}", int(first), int(after) - 1, self.posterior))
        return words


def sound(duration_s: float = 0.5) -> bytes:
    return noise(duration_s, -20.0, RATE_HZ)


def quiet(duration_s: float) -> bytes:
    return noise(duration_s, -60.0, RATE_HZ)


def open_session() -> tuple[Session, DiaryDecoder]:
    decoder = DiaryDecoder()
    session = Session(decoder, lambda: None)
    session.accept(BED)
    return session, decoder


def test_quiet_is_never_decoded() -> None:
    session, decoder = open_session()
    session.accept(quiet(30.0))
    assert decoder.utterances == []
    assert session.finish().text == ""


def test_a_word_settles_at_the_pause_and_is_final_as_it_is() -> None:
    session, decoder = open_session()
    assert not session.accept(sound()).is_settled
    settled = session.accept(quiet(0.3))
    assert (settled.text, settled.is_settled) == ("W1", True)
    assert not decoder.is_running
    assert session.finish().text == settled.text
    assert session.finish().text == ""


def test_words_have_their_times_in_the_whole_stream() -> None:
    session, _ = open_session()
    session.accept(quiet(7.0) + sound(0.4) + quiet(0.3))
    (word,) = session.finish().words
    assert word.start_s == pytest.approx(8.0, abs=0.021)
    assert word.end_s == pytest.approx(8.4, abs=0.021)


def test_the_soft_beginning_before_the_gate_opens_is_decoded_too() -> None:
    session, decoder = open_session()
    session.accept(sound() + quiet(0.3))
    lead_s = decoder.words()[1].start_frame / 100
    assert lead_s == pytest.approx(0.25, abs=0.06)


def test_interims_show_while_it_is_being_said() -> None:
    session, _ = open_session()
    assert session.accept(sound(0.2)).text == ""
    interim = session.accept(sound(0.2))
    assert (interim.text, interim.is_settled) == ("W1", False)


def test_after_a_short_pause_the_piece_is_decoded_again_with_what_follows() -> None:
    session, decoder = open_session()
    session.accept(sound() + quiet(0.3))
    resumed = session.accept(sound() + quiet(0.3))
    assert (resumed.text, len(decoder.utterances)) == ("W1 w2", 2)
    assert bytes(decoder.utterances[1]).startswith(bytes(decoder.utterances[0]))
    assert decoder.means == [INITIAL_CEPSTRAL_MEAN] * 2
    assert session.finish().text == "W1 w2"


def test_after_a_long_pause_a_new_piece_begins_and_the_voice_is_known() -> None:
    session, decoder = open_session()
    session.accept(sound() + quiet(1.5) + sound() + quiet(0.3))
    assert decoder.means == [INITIAL_CEPSTRAL_MEAN, "after 1"]
    final = session.finish()
    assert final.text == "W1 w1"
    assert final.words[0].end_s < final.words[1].start_s


def test_the_text_does_not_shrink_while_a_piece_is_decoded_again() -> None:
    session, _ = open_session()
    settled = session.accept(sound(2.0) + quiet(0.3)).text
    assert session.accept(sound(0.1)).text == settled


def test_a_noise_after_words_leaves_them_as_they_were() -> None:
    session, decoder = open_session()
    settled = session.accept(sound() + quiet(0.2))
    decoder.posterior = 0.001
    session.accept(sound(0.2) + quiet(0.3))
    assert session.finish().text == settled.text == "W1"


def test_a_noise_alone_is_an_empty_segment_and_does_not_spoil_the_mean() -> None:
    session, decoder = open_session()
    decoder.posterior = 0.001
    noisy = session.accept(sound() + quiet(1.0))
    assert (noisy.text, noisy.is_settled) == ("", False)
    assert session.finish().text == ""
    session.accept(sound() + quiet(0.3))
    assert decoder.means == [INITIAL_CEPSTRAL_MEAN] * 2


def test_a_flush_in_mid_speech_decodes_what_is_there_and_nothing_twice() -> None:
    session, decoder = open_session()
    session.accept(sound(0.5))
    assert session.finish().text == "W1"
    session.accept(sound(0.5) + quiet(0.3))
    assert session.finish().text == "W1"
    assert sum(len(pcm) for pcm in decoder.utterances) <= len(sound(1.0) + quiet(0.3 + 0.3))


def test_speech_without_a_pause_is_cut_between_words_and_none_is_lost() -> None:
    session, decoder = open_session()
    said = 40
    session.accept((sound(0.8) + quiet(0.06)) * said + quiet(0.5))
    final = session.finish()
    assert len(final.words) == said
    assert max(len(pcm) for pcm in decoder.utterances) <= 11 * RATE_HZ * 2
    starts = [word.start_s for word in final.words]
    assert np.diff(starts) == pytest.approx(0.86, abs=0.03)


def test_the_same_audio_gives_the_same_text_however_it_is_cut() -> None:
    pcm = sound(0.6) + quiet(0.2) + sound(0.4) + quiet(0.3)
    texts = set()
    for step_bytes in (len(pcm), 3_200, 640, 362):
        session, _ = open_session()
        for start in range(0, len(pcm), step_bytes):
            session.accept(pcm[start : start + step_bytes])
        texts.add(session.finish().text)
    assert texts == {"W1 w2"}


def test_closing_gives_the_decoder_back_once_and_idle() -> None:
    decoder = DiaryDecoder()
    given_back: list[bool] = []
    session = Session(decoder, lambda: given_back.append(decoder.is_running))
    session.accept(BED + sound())
    session.close()
    session.close()
    assert given_back == [False]

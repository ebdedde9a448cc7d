"""Ogg Opus both ways: what is said is heard, and libav's own Ogg is the judge of ours."""

from __future__ import annotations

import io
import struct
from random import Random

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from livekit.plugins.moshi.ogg import OggReader, OggWriter
from livekit.plugins.moshi.opus import PIECE_BYTES, RATE_HZ, OggOpusDecoder, OggOpusEncoder
from livekit.plugins.speechcore import EngineError, duration_s, level_dbfs

from tests.fakes.providers.coded_speech import read, say
from tests.fakes.providers.voices import espeak_voice

WORDS = "the quick brown fox jumps over the lazy dog".split()


def pieces_of(pcm: bytes, size: int = PIECE_BYTES) -> list[bytes]:
    padded = pcm + bytes(-len(pcm) % size)
    return [padded[at : at + size] for at in range(0, len(padded), size)]


def encoded(pcm: bytes, encoder: OggOpusEncoder | None = None) -> list[bytes]:
    encoder = encoder or OggOpusEncoder()
    pages = [encoder.encode(piece) for piece in pieces_of(pcm, encoder.piece_bytes)]
    return [encoder.header(), *pages]


def decoded(pages: list[bytes]) -> bytes:
    decoder = OggOpusDecoder()
    return b"".join(decoder.push(page) for page in pages)


def likeness(pcm: bytes, other: bytes) -> float:
    """The highest correlation of two recordings, whatever lies in front of them; 1 is the same."""
    a, b = (np.frombuffer(it, "<i2").astype(float) for it in (pcm, other))
    size = len(a) + len(b)
    product = np.fft.irfft(np.fft.rfft(a, size) * np.conj(np.fft.rfft(b, size)), size)
    return float(product.max() / (np.linalg.norm(a) * np.linalg.norm(b)))


def test_real_speech_comes_back_as_it_was() -> None:
    speech = espeak_voice("The quick brown fox jumps over the lazy dog.", RATE_HZ).pcm
    heard = decoded(encoded(speech))
    assert likeness(speech, heard) > 0.95
    assert abs(level_dbfs(speech) - level_dbfs(heard)) < 1.0
    assert abs(duration_s(speech, RATE_HZ) - duration_s(heard, RATE_HZ)) < 0.04


def test_each_word_of_coded_speech_is_understood() -> None:
    assert read(decoded(encoded(say(WORDS, RATE_HZ))), RATE_HZ) == WORDS


def test_a_page_is_decoded_as_soon_as_it_is_there() -> None:
    pages = encoded(say(WORDS, RATE_HZ))
    decoder = OggOpusDecoder()
    lengths = [len(decoder.push(page)) for page in pages]
    assert lengths[0] == 0
    assert all(length > 0.9 * PIECE_BYTES for length in lengths[3:])


@pytest.mark.parametrize(("rate_hz", "piece_ms"), [(24_000, 80), (24_000, 40), (48_000, 20)])
def test_packets_of_other_lengths_and_rates_are_heard_at_the_right_pitch(
    rate_hz: int, piece_ms: int
) -> None:
    encoder = OggOpusEncoder(serial=42, rate_hz=rate_hz, piece_ms=piece_ms)
    assert read(decoded(encoded(say(WORDS, rate_hz), encoder)), RATE_HZ) == WORDS


def test_libav_reads_our_pages() -> None:
    stream = b"".join(encoded(say(WORDS, RATE_HZ)))
    heard = b""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE_HZ)
    with av.open(io.BytesIO(stream), format="ogg") as container:
        for frame in container.decode(audio=0):
            heard += b"".join(part.to_ndarray().tobytes() for part in resampler.resample(frame))
    assert read(heard, RATE_HZ) == WORDS


@pytest.mark.parametrize("layout", ["mono", "stereo"])
def test_we_read_libavs_pages_with_many_packets_each(layout: str) -> None:
    file = io.BytesIO()
    samples = np.frombuffer(say(WORDS, RATE_HZ), "<i2")
    with av.open(file, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=RATE_HZ, layout=layout)
        frame = av.AudioFrame.from_ndarray(
            np.repeat(samples, 2 if layout == "stereo" else 1)[None, :], "s16", layout
        )
        frame.sample_rate = RATE_HZ
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    assert read(decoded([file.getvalue()]), RATE_HZ) == WORDS


def test_a_stream_that_is_joined_after_its_head_is_heard() -> None:
    assert read(decoded(encoded(say(WORDS, RATE_HZ))[1:]), RATE_HZ) == WORDS


def test_a_lost_page_costs_its_own_sound_alone() -> None:
    pages = encoded(say(WORDS, RATE_HZ))
    del pages[8:11]  # within the first word
    assert read(decoded(pages), RATE_HZ)[1:] == WORDS[1:]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.binary(min_size=1, max_size=200), max_size=20), st.integers(0, 2**16))
def test_pages_of_anything_are_sound_or_gaps_or_one_error(packets: list[bytes], seed: int) -> None:
    writer, random = OggWriter(1), Random(seed)
    good = encoded(say("word", RATE_HZ))
    stream = [writer.page(packet, 0) for packet in packets] + good
    random.shuffle(stream)
    decoder = OggOpusDecoder()
    try:
        for page in stream:
            assert len(decoder.push(page)) % 2 == 0
    except EngineError as e:
        assert "Moshi server's sound" in str(e)


def test_sound_that_is_not_ogg_is_refused_in_a_sentence() -> None:
    decoder = OggOpusDecoder()
    with pytest.raises(EngineError, match="not Ogg Opus"):
        for _ in range(100):
            decoder.push(bytes(1000))


def test_ogg_that_is_not_opus_is_refused_in_a_sentence() -> None:
    writer, decoder = OggWriter(1), OggOpusDecoder()
    with pytest.raises(EngineError, match="not Opus"):
        for _ in range(100):
            decoder.push(writer.page(b"\xff\xff\xff\xff", 0))


@pytest.mark.parametrize(
    ("channels", "family", "length"), [(6, 1, 19), (0, 0, 19), (2, 255, 19), (1, 0, 12)]
)
def test_a_head_that_cannot_be_played_is_refused_in_a_sentence(
    channels: int, family: int, length: int
) -> None:
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, channels, 0, 48_000, 0, family)
    with pytest.raises(EngineError, match="sound"):
        OggOpusDecoder().push(OggWriter(1).page(head[:length], 0))


def test_a_piece_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="960 bytes"):
        OggOpusEncoder().encode(bytes(100))


def test_the_two_pages_of_the_head_are_what_the_standard_asks_for() -> None:
    head, tags = OggReader().push(OggOpusEncoder().header())
    assert head[:8] == b"OpusHead" and head[8:10] == b"\x01\x01"
    assert struct.unpack_from("<I", head, 12) == (RATE_HZ,)
    assert tags == b"OpusTags\x06\0\0\0parley\0\0\0\0"

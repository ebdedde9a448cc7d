"""What Kyutai's server, or whoever answers in its place, sends: a message, nothing, or an error that chains know."""

from __future__ import annotations

import contextlib
import math
from typing import Any

import msgpack
from hypothesis import example, given
from hypothesis import strategies as st
from livekit.plugins.kyutai.ear import Ear
from livekit.plugins.kyutai.messages import (
    BadMessage,
    HeardWord,
    Sound,
    SpokenWord,
    Step,
    WordEnded,
    unpack,
)
from livekit.plugins.kyutai.words import Spoken, WordFeed

from tests.fuzz.anything import mutated

KINDS = ("Ready", "Error", "Word", "EndWord", "Step", "Marker", "Audio", "Text")
NAMES = (
    "type",
    "text",
    "start_time",
    "stop_time",
    "id",
    "prs",
    "pcm",
    "message",
    "start_s",
    "stop_s",
)

whole_numbers = st.integers(-(2**63), 2**64 - 1)
"""Those that msgpack has."""

scalars = (
    st.none()
    | st.booleans()
    | whole_numbers
    | st.floats()
    | st.text(max_size=20)
    | st.binary(max_size=20)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)
nearly = st.fixed_dictionaries(
    {"type": st.sampled_from(KINDS)}, optional=dict.fromkeys(NAMES[1:], values)
)
whole = st.one_of(
    st.fixed_dictionaries({"type": st.just("Word"), "text": st.text(), "start_time": st.floats()}),
    st.fixed_dictionaries({"type": st.just("EndWord"), "stop_time": st.floats() | whole_numbers}),
    st.fixed_dictionaries({"type": st.just("Step"), "prs": st.lists(st.floats(), max_size=5)}),
    st.fixed_dictionaries({"type": st.just("Marker"), "id": whole_numbers}),
    st.fixed_dictionaries({"type": st.just("Audio"), "pcm": st.lists(st.floats(), max_size=9)}),
    st.fixed_dictionaries(
        {
            "type": st.just("Text"),
            "text": st.text(),
            "start_s": st.floats(),
            "stop_s": st.floats(),
        }
    ),
)


def pack(value: Any) -> bytes:
    packed: bytes = msgpack.packb(value, unicode_errors="surrogatepass")
    return packed


WORD = pack({"type": "Word", "text": "hello", "start_time": 0.48})
AUDIO = pack({"type": "Audio", "pcm": [0.5, -0.5, 0.0]})
anything = st.one_of(
    st.binary(max_size=200),
    values.map(pack),
    nearly.map(pack),
    whole.map(pack),
    mutated(WORD),
    mutated(AUDIO),
)


@given(anything)
@example(b"")
@example(b"\xc1")
@example(b"\x91" * 5_000)
@example(b"\xdf\xff\xff\xff\xff")
@example(b"\xc7\x0c\xff" + bytes(12))
@example(pack({1: 2}))
@example(pack({"type": "Audio", "pcm": [2**63, -1, "1", None]}))
@example(pack({"type": "Audio", "pcm": [math.nan, math.inf, -math.inf, 1e308]}))
@example(pack({"type": "Step", "prs": [math.nan]}))
def test_any_message_is_understood_or_a_fault_that_chains_know(data: bytes) -> None:
    with contextlib.suppress(BadMessage):
        match unpack(data):
            case Sound(pcm):
                assert len(pcm) % 2 == 0
            case HeardWord(_, at_s) | WordEnded(at_s):
                assert math.isfinite(at_s) and at_s >= 0
            case SpokenWord(_, start_s, stop_s):
                assert 0 <= start_s <= stop_s < math.inf
            case Step(scores):
                assert all(0 <= score <= 1 for score in scores)


@given(st.lists(whole.map(pack), max_size=30), st.integers(1, 5))
def test_whatever_a_server_says_words_have_times_in_their_order(
    messages: list[bytes], pieces: int
) -> None:
    ear = Ear(0.5)
    ear.begin()
    ear.hear(bytes(10_000 * pieces))
    ear.flush()
    for data in messages:
        with contextlib.suppress(BadMessage):
            if (message := unpack(data)) is not None:
                ear.take(message)
    transcript = ear.finish()
    times = [at_s for word in transcript.words for at_s in (word.start_s, word.end_s)]
    assert times == sorted(times)
    assert " ".join(word.text for word in transcript.words) == transcript.text


@given(st.text(), st.lists(st.integers(1, 9), max_size=20))
def test_any_text_is_sent_whole_however_it_is_cut(text: str, cuts: list[int]) -> None:
    feed, spoken, begin = WordFeed(), Spoken(), 0
    words = []
    for cut in cuts:
        words += feed.push(text[begin : begin + cut])
        begin += cut
    words += [*feed.push(text[begin:]), *feed.finish()]
    at_once = WordFeed()
    assert words == [*at_once.push(text), *at_once.finish()]
    for word in words:
        assert word.pieces >= 1
        spoken.send(word)
    told = [spoken.tell(float(at), float(at + 1)) for at in range(spoken.sent)]
    assert [word.text for word in told if word] == [word.text for word in words]

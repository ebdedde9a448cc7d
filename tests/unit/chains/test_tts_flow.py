"""A voice whose sound comes too slowly is followed by another one; one that pauses is not."""

from __future__ import annotations

import math

import pytest
from livekit.plugins.chains.events import ChainEvent, Switched
from livekit.plugins.chains.tts_flow import Flow

from tests.fakes.word_chain import TEXT, WAYS, Way, chain, say, taught, voice
from tests.fakes.word_voice import said


def flow(*pieces: tuple[float, float], due_since_s: float = 0.0) -> Flow:
    """Each piece is its time and its length."""
    made = Flow()
    for at_s, length_s in pieces:
        made.add(length_s, due_since_s, at_s)
    return made


def test_holes_are_counted_and_the_last_of_them_is_one_too_much() -> None:
    dripping = flow((1.0, 0.25), (1.45, 0.25), (1.9, 0.25))
    assert dripping.dry_s == pytest.approx(0.4)
    assert dripping.too_dry_at_s(0.0) == pytest.approx(1.9 + 0.25 + 0.1)


@pytest.mark.parametrize(
    "made",
    [
        flow(),
        flow((1.0, 0.5)),
        flow((1.0, 0.5), (1.2, 0.5), (1.9, 0.5)),
        flow((1.0, 0.25), (1.3, 0.25), (1.6, 0.25)),
        flow((1.0, 0.25), (1.7, 0.01)),
    ],
    ids=["silent", "one piece", "in time", "small holes", "what livekit kept back"],
)
def test_without_a_hole_it_is_never_too_dry(made: Flow) -> None:
    assert made.dry_s == 0.0 and made.too_dry_at_s(0.0) == math.inf


def test_what_livekit_kept_back_ends_no_hole() -> None:
    assert flow((1.0, 0.25), (1.7, 0.01), (1.85, 0.25)).dry_s == pytest.approx(0.6)


def test_while_nothing_is_owed_a_hole_is_none() -> None:
    made = flow((1.0, 0.25), (1.45, 0.25))
    assert made.too_dry_at_s(1.8) == math.inf, "it got nothing to speak before it had spoken all"
    made.add(0.25, 1.8, 2.5)
    made.end_part()
    made.add(0.25, 1.8, 3.5)
    assert made.dry_s == pytest.approx(0.2)


@WAYS
@pytest.mark.parametrize("tells", [False, True], ids=["silent on words", "tells its words"])
@pytest.mark.parametrize("streams", [False, True], ids=["whole texts", "streaming"])
@pytest.mark.virtual_time
async def test_a_voice_that_drips_is_followed_by_the_next_one(
    streams: bool, tells: bool, way: Way
) -> None:
    events: list[ChainEvent] = []
    slow = voice(piece_s=0.25, streams=streams, tells_words=tells)
    async with chain(slow, voice(), events=events) as speaker:
        await taught(speaker, slow)
        slow.manner.rtf = 1.8
        result = await way(speaker)
    assert result.words == said(TEXT)
    assert result.holes_s < 1.1
    assert [type(event) for event in events] == [Switched]


@pytest.mark.virtual_time
async def test_one_that_is_alone_goes_on_as_it_can() -> None:
    async with chain(voice(piece_s=0.25, rtf=1.5)) as speaker:
        assert (await say(speaker)).words == said(TEXT)


@WAYS
@pytest.mark.virtual_time
async def test_one_that_is_just_quick_enough_keeps_its_word(way: Way) -> None:
    events: list[ChainEvent] = []
    async with chain(voice(piece_s=0.25, rtf=0.95), voice(), events=events) as speaker:
        assert (await way(speaker)).words == said(TEXT)
    assert not events

"""The caller's sound on its way into the session, and again to another recogniser."""

from __future__ import annotations

from collections.abc import AsyncIterator

from livekit import rtc

from agent.realtime.tap import Tap, from_the_beginning, keep
from agent.realtime.turn_audio import TurnAudio

RATE_HZ = 1000


def frame(number: int) -> rtc.AudioFrame:
    return rtc.AudioFrame(number.to_bytes(2, "little") * 100, RATE_HZ, 1, 100)


def number(frame: rtc.AudioFrame) -> int:
    return int.from_bytes(bytes(frame.data)[:2], "little")


async def each(*frames: rtc.AudioFrame) -> AsyncIterator[rtc.AudioFrame]:
    for it in frames:
        yield it


class Doubled(rtc.FrameProcessor[rtc.AudioFrame]):
    """Another number in each frame."""

    def __init__(self) -> None:
        self.is_closed = False
        self._enabled = True

    @property
    def enabled(self) -> bool:
        return self._enabled

    @enabled.setter
    def enabled(self, value: bool) -> None:
        self._enabled = value

    def _process(self, it: rtc.AudioFrame) -> rtc.AudioFrame:
        return frame(2 * number(it))

    def _close(self) -> None:
        self.is_closed = True


async def test_a_turn_is_heard_from_its_beginning_with_no_sample_twice() -> None:
    audio = TurnAudio()
    audio.began()
    kept = [keep(frame(at), audio) for at in range(5)]
    # The last two wait in the session already, and two more come.
    live = each(*kept[3:], *(keep(frame(at), audio) for at in (5, 6)))
    listening = from_the_beginning(live, TurnAudio())
    assert [number(it) async for it in listening] == [3, 4, 5, 6]  # nothing is kept there


async def test_what_waits_in_the_session_already_is_not_given_again() -> None:
    audio = TurnAudio()
    audio.began()
    kept = [keep(frame(at), audio) for at in range(5)]

    async def live() -> AsyncIterator[rtc.AudioFrame]:
        for it in kept[3:]:
            yield it
        for at in (5, 6):
            yield keep(frame(at), audio)

    heard = [number(it) async for it in from_the_beginning(live(), audio)]
    assert heard == list(range(7))
    assert not audio.is_open


async def test_without_a_turn_only_what_is_live_is_heard() -> None:
    audio = TurnAudio()
    for at in range(5):
        keep(frame(at), audio)

    async def live() -> AsyncIterator[rtc.AudioFrame]:
        yield keep(frame(5), audio)

    assert [number(it) async for it in from_the_beginning(live(), audio)] == [5]


def test_the_tap_gives_what_the_filter_gives_and_keeps_that() -> None:
    audio, inner = TurnAudio(), Doubled()
    tap = Tap(inner, audio)
    audio.began()
    assert number(tap._process(frame(3))) == 6
    assert [int.from_bytes(piece[:2], "little") for piece in audio.pieces()] == [6]
    tap.enabled = False
    assert number(tap._process(frame(3))) == 3 and tap.enabled
    tap._close()
    assert inner.is_closed

"""Keeps what the caller says on its way into the session, and gives it to another recogniser."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator

from livekit import rtc

from agent.realtime.turn_audio import TurnAudio

_PLACE = "parley.place"


class Tap(rtc.FrameProcessor[rtc.AudioFrame]):
    """What `inner` gives, and nothing else: frames pass as they are, with their place noted."""

    def __init__(self, inner: rtc.FrameProcessor[rtc.AudioFrame], audio: TurnAudio) -> None:
        self._inner = inner
        self._audio = audio

    @property
    def enabled(self) -> bool:
        return True

    @enabled.setter
    def enabled(self, value: bool) -> None:
        self._inner.enabled = value

    def _process(self, frame: rtc.AudioFrame) -> rtc.AudioFrame:
        if self._inner.enabled:
            frame = self._inner._process(frame)
        return keep(frame, self._audio)

    def _close(self) -> None:
        self._inner._close()


def keep(frame: rtc.AudioFrame, audio: TurnAudio) -> rtc.AudioFrame:
    """Puts a mono frame's sound into `audio`, and its place into the frame."""
    frame.userdata[_PLACE] = audio.heard(bytes(frame.data), frame.sample_rate)
    return frame


async def from_the_beginning(
    live: AsyncIterable[rtc.AudioFrame], audio: TurnAudio
) -> AsyncIterator[rtc.AudioFrame]:
    """The turn that is kept, and then what is live: no sample twice, none left out. It is kept no
    longer then."""
    place, rate_hz = audio.position, audio.rate_hz
    pieces = list(audio.pieces())
    audio.settled()
    for pcm in pieces:
        yield rtc.AudioFrame(pcm, rate_hz, 1, len(pcm) // 2)
    async for frame in live:
        if frame.userdata.get(_PLACE, place + 1) > place:
            yield frame

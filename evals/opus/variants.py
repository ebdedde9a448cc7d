"""The settings that are held against each other: tracks with the same sound, published side by side."""

from __future__ import annotations

from dataclasses import dataclass

from livekit import rtc


@dataclass(frozen=True, kw_only=True)
class Variant:
    """How one track is sent. FEC is always on: neither SDK nor server can switch it off."""

    name: str
    kbps: int | None = None
    """The most that Opus may use; None: the SDK's own setting."""
    red: bool | None = None
    """Each packet carries the one before it, too (RFC 2198)."""
    dtx: bool | None = None
    """Hardly anything is sent while nobody speaks."""

    def options(self) -> rtc.TrackPublishOptions:
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        if self.kbps is not None:
            options.audio_encoding.max_bitrate = self.kbps * 1000
        if self.red is not None:
            options.red = self.red
        if self.dtx is not None:
            options.dtx = self.dtx
        return options


VARIANTS = (
    Variant(name="SDK defaults"),
    Variant(name="12 kbit/s", kbps=12, red=False, dtx=False),
    Variant(name="16 kbit/s", kbps=16, red=False, dtx=False),
    Variant(name="24 kbit/s", kbps=24, red=False, dtx=False),
    Variant(name="48 kbit/s", kbps=48, red=False, dtx=False),
    Variant(name="24 kbit/s, RED", kbps=24, red=True, dtx=False),
    Variant(name="48 kbit/s, RED", kbps=48, red=True, dtx=False),
    Variant(name="24 kbit/s, DTX", kbps=24, red=False, dtx=True),
)

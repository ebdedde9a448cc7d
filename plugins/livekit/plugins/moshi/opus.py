"""Ogg Opus as Moshi's servers send and take it, by libopus (which comes with PyAV). No I/O."""

from __future__ import annotations

import struct
from fractions import Fraction

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.resampler import AudioResampler
from livekit.plugins.speechcore import BYTES_PER_SAMPLE, EngineError

from .ogg import OggReader, OggWriter

RATE_HZ = 24_000
"""Of all PCM here, on both ways."""

PIECE_MS = 20
PIECE_BYTES = RATE_HZ * PIECE_MS // 1000 * BYTES_PER_SAMPLE

_POSITIONS_HZ = 48_000
"""Ogg counts Opus in samples of this rate, whatever the encoder was given."""

_BIT_RATE = 48_000
_VENDOR = b"parley"
_HEAD, _TAGS = b"OpusHead", b"OpusTags"
_HEAD_BYTES = 19
_MOST_CHANNELS = 2

_MOST_BROKEN_PACKETS = 50
_MOST_GARBAGE_BYTES = 65_536


class OggOpusEncoder:
    """Mono int16 PCM to Ogg pages, each with one packet."""

    def __init__(
        self, *, serial: int = 1, rate_hz: int = RATE_HZ, piece_ms: int = PIECE_MS
    ) -> None:
        """`rate_hz`: one that Opus knows. `piece_ms`: of each packet."""
        codec = av.CodecContext.create("libopus", "w")
        codec.sample_rate, codec.format, codec.layout = rate_hz, "s16", "mono"
        codec.bit_rate = _BIT_RATE
        codec.options = {"application": "voip", "frame_duration": str(piece_ms)}
        codec.open()
        self.piece_bytes = codec.frame_size * BYTES_PER_SAMPLE
        self._codec = codec
        self._writer = OggWriter(serial)
        self._count = 0
        self._positions = _POSITIONS_HZ * piece_ms // 1000

    def header(self) -> bytes:
        """The two pages that come before all others."""
        tags = _TAGS + struct.pack("<I", len(_VENDOR)) + _VENDOR + struct.pack("<I", 0)
        head = bytes(self._codec.extradata or b"")
        return self._writer.page(head, 0) + self._writer.page(tags, 0)

    def encode(self, pcm: bytes) -> bytes:
        """The page of one piece. Raises ValueError for any other length."""
        if len(pcm) != self.piece_bytes:
            raise ValueError(f"a piece has {self.piece_bytes} bytes, not {len(pcm)}")
        samples = np.frombuffer(pcm, dtype=np.int16).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate = self._codec.sample_rate
        frame.pts = self._count * samples.shape[1]
        frame.time_base = Fraction(1, self._codec.sample_rate)
        self._count += 1
        packets = self._codec.encode(frame)
        return b"".join(
            self._writer.page(bytes(packet), self._count * self._positions) for packet in packets
        )


class OggOpusDecoder:
    """Ogg Opus cut anywhere to mono int16 PCM of 24 kHz, whatever rate its head tells.

    A broken page or packet is a gap. Raises EngineError when nothing else comes any more.
    """

    def __init__(self) -> None:
        self._reader = OggReader()
        self._codec: AudioCodecContext | None = None
        self._resampler = AudioResampler(format="s16", layout="mono", rate=RATE_HZ)
        self._broken = 0

    def push(self, data: bytes) -> bytes:
        """What has become whole with it."""
        pcm = b"".join([self._decode(packet) for packet in self._reader.push(data)])
        if self._reader.garbage_bytes > _MOST_GARBAGE_BYTES:
            raise EngineError("the Moshi server's sound is not Ogg Opus")
        return pcm

    def _decode(self, packet: bytes) -> bytes:
        if packet.startswith(_HEAD):
            self._begin(packet)
            return b""
        if packet.startswith(_TAGS) or not packet:  # libav would take an empty one for the end
            return b""
        if self._codec is None:  # joined after its head, as the servers allow it, too
            self._begin(_head(1))
        assert self._codec is not None
        try:
            frames = self._codec.decode(av.Packet(packet))
        except av.error.FFmpegError as e:
            self._broken += 1
            if self._broken > _MOST_BROKEN_PACKETS:
                raise EngineError("the Moshi server's sound is Ogg, but not Opus") from e
            return b""
        self._broken = 0
        whole = [part for frame in frames for part in self._resampler.resample(frame)]
        return b"".join([part.to_ndarray().tobytes() for part in whole])

    def _begin(self, head: bytes) -> None:
        if len(head) < _HEAD_BYTES or head[8] >> 4:
            raise EngineError("the Moshi server's sound begins with a head that is not Opus's")
        channels, family = head[9], head[18]
        if family or not 1 <= channels <= _MOST_CHANNELS:
            raise EngineError(
                f"the Moshi server's sound has {channels} channels: it must be mono or stereo"
            )
        codec = av.CodecContext.create("libopus", "r")
        # The servers tell 80 ms to be skipped where it is 6.5, and do not skip them themselves.
        codec.extradata = _head(channels)
        self._codec = codec
        self._resampler = AudioResampler(format="s16", layout="mono", rate=RATE_HZ)


def _head(channels: int) -> bytes:
    return _HEAD + struct.pack("<BBHIhB", 1, channels, 0, RATE_HZ, 0, 0)

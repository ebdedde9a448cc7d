"""The microphone and the loudspeaker of the console."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import numpy as np
import pytest
from livekit import rtc

from agent.console.sound import (
    FRAME_SAMPLES,
    Microphone,
    NoSound,
    Sound,
    Speaker,
    sounddevice,
)
from tests.fakes.eventually import eventually
from tests.fakes.sound_device import Machine


def frame(level: int, count: int = FRAME_SAMPLES) -> rtc.AudioFrame:
    samples = np.full(count, level, dtype=np.int16)
    return rtc.AudioFrame(samples.tobytes(), 24_000, 1, count)


async def test_of_frames_that_nobody_reads_the_oldest_go() -> None:
    microphone = Microphone()
    for level in range(150):
        microphone.push(frame(level))
    first = await anext(microphone)
    assert np.frombuffer(first.data, dtype=np.int16)[0] == 50


async def test_a_microphone_that_has_gone_ends_the_input() -> None:
    microphone = Microphone()
    microphone.push(frame(1))
    microphone.push(None)
    assert len([one async for one in microphone]) == 1


async def test_what_the_loudspeaker_takes_ends_in_silence() -> None:
    speaker = Speaker()
    await speaker.capture_frame(frame(7, 480))
    assert speaker.queued_duration == pytest.approx(0.02)
    assert speaker.take(2 * 240) == np.full(240, 7, dtype=np.int16).tobytes()
    assert speaker.take(2 * 480) == np.full(240, 7, dtype=np.int16).tobytes() + bytes(480)
    assert speaker.queued_duration == 0


async def test_sound_goes_both_ways() -> None:
    machine = Machine()
    sound = Sound(machine)
    sound.open("mic", 3)
    try:
        await sound.speaker.capture_frame(frame(9_000, 2_400))
        await eventually(lambda: machine.loudest == 9_000)
        machine.say(np.full(4_800, 12_000))
        loudest = 0
        while loudest < 2_000:  # the high pass and the canceller have a part in it
            heard = await asyncio.wait_for(anext(sound.microphone), 5)
            assert (heard.sample_rate, heard.samples_per_channel) == (24_000, FRAME_SAMPLES)
            loudest = int(np.abs(np.frombuffer(heard.data, dtype=np.int16).astype(int)).max())
    finally:
        sound.close()
        sound.close()
    assert machine.asked == ["mic", 3]


async def test_each_frame_is_cleaned_on_its_way_to_the_session() -> None:
    microphone = Microphone()
    microphone.clean = lambda one: frame(2)
    microphone.push(frame(1))
    assert np.frombuffer((await anext(microphone)).data, dtype=np.int16)[0] == 2


async def test_a_device_that_goes_in_mid_call_is_told_once() -> None:
    machine, told = Machine(), []
    sound = Sound(machine)
    sound.on_lost = lambda: told.append(True)
    sound.open()
    machine.is_unplugged.set()
    await eventually(lambda: told)
    await asyncio.sleep(0.05)
    assert told == [True]
    async for _ in sound.microphone:
        pass  # it ends


async def test_without_a_microphone_the_sentence_says_what_there_is_not() -> None:
    sound = Sound(Machine(has_microphone=False))
    with pytest.raises(NoSound, match="no microphone that can be used .Error querying device -1"):
        sound.open()


def test_without_portaudio_or_its_package_the_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(NoSound, match="make setup"):
        sounddevice()
    monkeypatch.delitem(sys.modules, "sounddevice")
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(NoSound, match="apt install libportaudio2"):
        sounddevice()


def test_a_portaudio_that_does_not_start_is_told_in_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    (tmp_path / "sounddevice.py").write_text(
        "class PortAudioError(Exception): ...\n"
        "raise PortAudioError('Error initializing PortAudio:\\n Internal error', -9986)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(NoSound, match="Error initializing PortAudio: Internal error."):
        sounddevice()

"""The stock worker that Parley is measured against takes part in a call as it should."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from tests.room.conftest import Join
from tests.stack.caller import RATE_HZ, Caller
from tests.stack.processes import LiveKit, stop
from tests.stack.speech import speech

SENTENCE = "What is the weather going to be like tomorrow?"
REPLY_S = 3.0
METADATA = json.dumps({"profile": "simulated", "greeting": "", "simulated": {"reply_s": REPLY_S}})


@contextmanager
def running_stock(livekit: LiveKit, detector: str, folder: Path) -> Iterator[None]:
    ready, log = folder / "ready", folder / "stock.log"
    environment = {"AGENT_NAME": f"stock-{detector}", "PARLEY_READY_FILE": str(ready)}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "evals.baselines.stock", "--detector", detector],
            env=os.environ | livekit.environment | environment,
            stdout=output,
            stderr=output,
        )
    try:
        end_s = time.monotonic() + 60
        while not ready.exists():
            assert process.poll() is None and time.monotonic() < end_s, log.read_text()
            time.sleep(0.05)
        yield
    finally:
        status = stop(process)
    assert status == 0, log.read_text()


async def announce(caller: Caller, text: str, samples: np.ndarray) -> None:
    """Tells the simulated STT the words of `samples`, evenly spread."""
    words = text.lower().strip("?.").split()
    step_s = len(samples) / RATE_HZ / len(words)
    timed = [[word, i * step_s, (i + 1) * step_s] for i, word in enumerate(words)]
    packet = json.dumps({"words": timed})
    await caller.room.local_participant.publish_data(
        packet, reliable=True, topic="parley.sim.words"
    )


def pitch_hz(caller: Caller, since_s: float) -> float:
    """The strongest frequency in half a second of the agent's sound."""
    heard = [h.samples for h in caller.heard if h.at_s > since_s and h.is_sound][5:55]
    samples = np.concatenate(heard).astype(float)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum)) * RATE_HZ / len(samples)


@pytest.mark.parametrize("detector", ["vad", "v1-mini"])
async def test_the_stock_worker_answers_an_announced_sentence(
    detector: str, livekit: LiveKit, join: Join, tmp_path: Path
) -> None:
    samples = speech(SENTENCE)
    with running_stock(livekit, detector, tmp_path):
        caller = await join(f"stock-{detector}", metadata=METADATA)
        await caller.wait_for(lambda: caller.room.remote_participants, "agent")
        await asyncio.sleep(1.5)
        assert not any(heard.is_sound for heard in caller.heard)  # no greeting
        await announce(caller, SENTENCE, samples)
        end_s = await caller.say(samples)
        answered_s = await caller.wait_for_answer(end_s, 6)
        await caller.wait_for_quiet(1.0)
        spoken = [heard for heard in caller.heard if heard.is_sound]
        assert answered_s - end_s < 5
        assert spoken[-1].at_s - spoken[0].at_s == pytest.approx(REPLY_S, abs=0.3)
        assert pitch_hz(caller, end_s) == pytest.approx(500, abs=5)  # of the first reply
        assert caller.said("caller") == SENTENCE.lower().strip("?")
        await caller.leave()

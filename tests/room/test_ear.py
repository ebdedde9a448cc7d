"""The simulated caller in a real room: what it does, and what it makes of what it hears."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evals.ear.one_call import Job, run_job
from evals.ear.recording import Recording
from evals.ear.scenario import load_calls
from evals.ear.systems import choose, running
from tests.stack.caller import RATE_HZ
from tests.stack.processes import LiveKit
from tests.stack.speech import speech, write_wav

CALLS = """
- name: own-1
  set: own
  conditions: {{reply_s: 5}}
  steps:
    - utterance: {{id: a, voice: slt, text: set a timer for | ten minutes, pauses_s: [0.5]}}
    - kind: interruption
      when: during
      seconds: 1.5
      utterance: {{id: b, voice: human, wav: {wav}, text: stop I meant seven minutes}}
"""


def test_a_call_of_ones_own_is_carried_out_recorded_and_judged(
    livekit: LiveKit, tmp_path: Path
) -> None:
    wav, file = tmp_path / "stop.wav", tmp_path / "mine.yaml"
    write_wav(wav, speech("Stop, I meant seven minutes.", "awb"), RATE_HZ)
    file.write_text(CALLS.format(wav=wav))
    (call,) = load_calls(file)
    system = choose("parley", "normal")
    with running(system, livekit):
        report = run_job(Job(system=system, call=call, url=livekit.url, keep_audio=tmp_path))
    assert (report.facts["failure"], report.facts["skipped"]) == (None, 0)
    turn, interruption = (row.result for row in report.rows)
    assert (turn.outcome, interruption.outcome) == ("answered", "yielded")
    assert turn.event.pauses_s[0][1] - turn.event.pauses_s[0][0] == pytest.approx(0.5, abs=0.01)
    assert turn.response_s is not None and turn.response_s < 3
    assert 0 < turn.response_s - turn.stage_s["playout"] < 1
    assert interruption.stop_s is not None and interruption.stop_s < 2
    recording = Recording.load(tmp_path, "parley-normal-own-1")
    assert recording.events[1].start_s == pytest.approx(interruption.event.start_s)
    assert all(np.abs(lane.samples).max() > 1000 for lane in (recording.caller, recording.agent))

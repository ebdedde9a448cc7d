"""A conversation in writing and one by voice, held in real rooms and judged to the end."""

from __future__ import annotations

import uuid

from agent.config import load_settings
from agent.continuity import open_store
from evals.conversations.person import Place, hold
from evals.conversations.plan import system_of
from evals.conversations.scenario import load, only, parse
from evals.conversations.trial import Job, Trial, lines_of, trial_of
from evals.ear.one_call import close_room
from evals.ear.scenario import Conditions
from tests.stack.caller import join_token
from tests.stack.processes import KEYS, LiveKit, Worker

BY_VOICE = """\
- name: time
  about: A caller who says it again when misunderstood.
  user:
    goal: Know the time.
    wants:
      - say: ["What time is it?", "What is the time?"]
        until: {regex: '\\d+:\\d\\d [AP]M'}
        within_ms: 8000
  end:
    called: {get_time: {}}
    not_called: [end_call]
    state: {timers: [], notes: []}
"""


async def held(job: Job) -> Trial:
    """With the worker that is there, in a room of its own."""
    room = f"test-{uuid.uuid4().hex[:8]}"
    token = join_token(
        KEYS.api_key, KEYS.api_secret, room, "caller", "embedded", '{"greeting": ""}'
    )
    place = Place(url=job.url, room=room, token=token, store=open_store(load_settings(None)))
    conditions = Conditions(reply_s=20)
    found = await hold(
        lines_of(job, None), place, way=job.way, voice=job.voice, conditions=conditions
    )
    await close_room(job.url, room)
    return await trial_of(job, found)


async def test_a_script_is_typed_and_judged_by_words_tools_time_and_state(
    embedded: Worker, livekit: LiveKit
) -> None:
    (conversation,) = only(load(), ["timer_set_and_asked_for"])
    job = Job(
        system=system_of("embedded"),
        conversation=conversation,
        way="text",
        number=0,
        voice="slt",
        url=livekit.url,
    )
    trial = await held(job)
    verdicts = {check.what: check.verdict for check in trial.checks}
    assert set(verdicts.values()) == {"met"}, trial.checks
    assert "end: has timers [600.0]" in verdicts
    assert "step 2: runs list_timers" in verdicts
    assert "step 1: answers within 3000 ms" in verdicts
    assert trial.success is True
    assert trial.exchanges[0]["calls"] == ['set_timer({"duration_s": 600.0})']
    assert [result.outcome for result in trial.results] == ["answered", "answered"]


async def test_a_simulated_caller_is_understood_by_voice(
    embedded: Worker, livekit: LiveKit
) -> None:
    (conversation,) = parse(BY_VOICE, "test.yaml")
    job = Job(
        system=system_of("embedded"),
        conversation=conversation,
        way="voice",
        number=0,
        voice="slt",
        url=livekit.url,
    )
    trial = await held(job)
    assert trial.success is True, (trial.checks, trial.exchanges, trial.failure)
    assert {check.about for check in trial.checks} == {"task", "time"}
    assert trial.results[-1].outcome == "answered"
    assert trial.results[-1].stage_s, "the turn's own record is known"

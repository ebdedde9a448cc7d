"""What a person in a room can do to the agent beside talking to it, and what a log tells of them."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psutil
import pytest
from livekit import api, rtc
from livekit.rtc.participant import PublishTrackError

from agent.assistant import DEFAULT_INSTRUCTIONS
from agent.room_inputs import LONGEST_TEXT
from agent.web.tokens import JoinRequest, build_token
from tests.room.conftest import Join
from tests.stack.caller import Caller
from tests.stack.processes import KEYS, LiveKit, Worker, running_worker
from tests.stack.speech import speech

_FIELDS = re.compile(r"\x1b\[90m(\{.*\})\x1b\[0m$")
"""The fields of a record, behind its message."""


@pytest.fixture(scope="module")
def embedded(livekit: LiveKit) -> Iterator[Worker]:
    """In development mode a worker logs all that there is."""
    environment = {
        "AGENT_PROFILE": "embedded",
        "AGENT_NAME": "embedded",
        "AGENT_LOG_LEVEL": "DEBUG",
    }
    with running_worker(livekit.environment | environment) as worker:
        yield worker


async def greeted(join: Join, **arguments: Any) -> Caller:
    caller = await join("embedded", **arguments)
    await caller.wait_for_answer(caller.joined_s)
    await caller.wait_for_quiet()
    return caller


def agent_of(caller: Caller) -> rtc.RemoteParticipant:
    (agent,) = [
        participant
        for participant in caller.room.remote_participants.values()
        if participant.kind == rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
    ]
    return agent


async def type_text(caller: Caller, text: str) -> None:
    await caller.room.local_participant.send_text(text, topic="lk.chat")


async def ask(caller: Caller, question: str, answer: str) -> None:
    await type_text(caller, question)
    await caller.wait_for(lambda: answer in caller.said("agent"), f"answer {answer!r}")


def log_of(worker: Worker) -> tuple[str, str]:
    """The worker's log without what is in content fields, and what is in them."""
    told, content = [], []
    for line in worker.log.read_text(errors="replace").splitlines():
        found = _FIELDS.search(line)
        if not found:
            told.append(line)
            continue
        fields: dict[str, Any] = json.loads(found[1])
        private = {name for name in fields if name.startswith("lk.pii.")}
        content.append(json.dumps([fields[name] for name in private]))
        open_fields = {name: fields[name] for name in fields.keys() - private}
        told.append(line[: found.start()] + json.dumps(open_fields))
    return "\n".join(told).lower(), "\n".join(content).lower()


async def test_a_text_that_is_too_long_is_refused_and_the_call_goes_on(
    embedded: Worker, join: Join
) -> None:
    caller = await greeted(join)
    await type_text(caller, "tell me a story " * (LONGEST_TEXT // 10))
    await caller.wait_for(lambda: caller.notices, "notice")
    assert [notice["code"] for notice in caller.notices] == ["too_long"]
    assert str(LONGEST_TEXT) in caller.notices[0]["message"]
    await ask(caller, "What is twelve times seven?", "84")


async def test_a_flood_of_texts_is_dropped_and_the_call_goes_on(
    embedded: Worker, join: Join
) -> None:
    caller = await greeted(join)
    for _ in range(40):
        await type_text(caller, "What is two plus two?")
    await caller.wait_for(lambda: caller.notices, "notice")
    assert {notice["code"] for notice in caller.notices} == {"too_fast"}
    await asyncio.sleep(2.5)  # one more text in two seconds
    await ask(caller, "What is twelve times seven?", "84")
    assert len(caller.notices) <= 4


async def test_what_others_in_the_room_type_is_not_for_the_agent(
    embedded: Worker, join: Join
) -> None:
    caller = await greeted(join, room="overheard", caller=Caller("ann"))
    other = await join("", room="overheard", caller=Caller("bob", microphone=False))
    await type_text(other, "What is nine times nine?")
    await ask(caller, "What is twelve times seven?", "84")
    assert "81" not in caller.said("agent")


async def test_an_agent_offers_no_remote_procedures(embedded: Worker, join: Join) -> None:
    caller = await greeted(join)
    identity = agent_of(caller).identity
    for method in ("set_instructions", "lk.agent.session", "lk.playback_finished", ""):
        with pytest.raises(rtc.RpcError) as refused:
            await caller.room.local_participant.perform_rpc(
                destination_identity=identity, method=method, payload="{}"
            )
        assert refused.value.code == rtc.RpcError.ErrorCode.UNSUPPORTED_METHOD
    await ask(caller, "What is twelve times seven?", "84")


async def test_a_caller_who_bears_the_mark_of_our_agents_does_not_send_the_agent_away(
    embedded: Worker, livekit: LiveKit
) -> None:
    token = (
        api.AccessToken(KEYS.api_key, KEYS.api_secret)
        .with_identity("mallory")
        .with_attributes({"parley.agent": "embedded"})
        .with_grants(api.VideoGrants(room_join=True, room=f"marked-{uuid.uuid4().hex[:8]}"))
        .with_room_config(
            api.RoomConfiguration(agents=[api.RoomAgentDispatch(agent_name="embedded")])
        )
    )
    caller = Caller("mallory")
    await caller.join(livekit.url, token.to_jwt())
    await caller.wait_for_answer(caller.joined_s)
    await ask(caller, "What is twelve times seven?", "84")
    await caller.leave()


async def test_nothing_of_a_worker_listens_to_the_network(embedded: Worker) -> None:
    listening = {
        connection.laddr
        for process in embedded.processes()
        for connection in process.net_connections(kind="tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    assert {address.ip for address in listening} == {"127.0.0.1"}
    ports = {address.port for address in listening}
    assert {embedded.metrics_port, embedded.health_port} <= ports
    assert embedded.metrics_port != embedded.health_port


async def test_no_word_of_a_call_is_in_the_log_but_in_fields_for_content(
    embedded: Worker, join: Join
) -> None:
    caller = await greeted(join)
    await ask(caller, "Remember that my word is xylophone.", "remember")
    await caller.wait_for_quiet()
    await ask(caller, "What did I ask you to remember?", "xylophone")
    await caller.wait_for_quiet()
    end_s = await caller.say(speech("What time is it?"))
    with suppress(AssertionError):  # what counts is what was understood, if only a part
        await caller.wait_for_answer(end_s, timeout_s=8)
    await caller.leave()
    said = [entry["text"] for entry in caller.transcripts.values()]
    await asyncio.sleep(1.0)
    told, content = log_of(embedded)
    assert "xylophone" in content, "the test reads the log wrongly"
    assert "xylophone" not in told
    sentences = {text.strip().lower() for text in said if len(text.split()) >= 3}
    assert len(sentences) >= 4
    assert not [sentence for sentence in sentences if sentence in told]
    opening = DEFAULT_INSTRUCTIONS.read_text(encoding="utf-8").strip().splitlines()[0].lower()
    assert opening not in told
    assert KEYS.api_secret not in told + content


async def test_a_token_of_the_page_allows_speech_and_text_and_no_picture(
    embedded: Worker, livekit: LiveKit
) -> None:
    token = build_token(
        JoinRequest(room_name=f"page-{uuid.uuid4().hex[:8]}", identity="ann"),
        api_key=KEYS.api_key,
        api_secret=KEYS.api_secret,
        ttl_s=60,
        agent_name="embedded",
        agent_metadata=None,
    )
    caller = Caller("ann")
    await caller.join(livekit.url, token)
    await caller.wait_for_answer(caller.joined_s)
    await ask(caller, "What is twelve times seven?", "84")
    source = rtc.VideoSource(16, 16)
    track = rtc.LocalVideoTrack.create_video_track("camera", source)
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_CAMERA)
    with pytest.raises(PublishTrackError, match="timed out"):  # the server takes no notice
        await caller.room.local_participant.publish_track(track, options)
    await caller.leave()

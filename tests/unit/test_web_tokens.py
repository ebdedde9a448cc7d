"""agent.web.tokens: what a join token allows and which requests are refused."""

import json
import time
from typing import Any

import jwt
import pytest

from agent.web.tokens import (
    JoinRequest,
    Rules,
    TokenRequestError,
    build_token,
    fill_in,
    parse_request,
)

SECRET = "a-secret-of-at-least-32-characters-for-tests"
OPEN = Rules(rooms=("*",), choices=frozenset({"voice"}))


def claims_of(request: JoinRequest, **changes: Any) -> dict[str, Any]:
    arguments: dict[str, Any] = {"ttl_s": 600, "agent_name": None, "agent_metadata": None}
    token = build_token(request, api_key="key", api_secret=SECRET, **(arguments | changes))
    claims: dict[str, Any] = jwt.decode(token, SECRET, algorithms=["HS256"])
    return claims


def dispatch_of(claims: dict[str, Any]) -> dict[str, Any]:
    [agent] = claims["roomConfig"]["agents"]
    return dict(agent)


def request_with_agent(**agent: Any) -> dict[str, Any]:
    return {"room_config": {"agents": [agent]}}


def test_an_empty_request_gets_a_room_and_an_identity_of_its_own():
    request = fill_in(parse_request({}, agent_name=None), random_hex=lambda n: "0a" * n)

    assert request.room_name == "parley-0a0a0a0a0a0a0a0a"
    assert request.identity == "caller-0a0a0a0a0a0a0a0a"


def test_two_requests_never_share_a_room():
    rooms = {fill_in(JoinRequest()).room_name for _ in range(50)}

    assert len(rooms) == 50


def test_the_token_opens_one_room_for_one_identity_to_speak_and_write_and_no_more():
    claims = claims_of(JoinRequest(room_name="kitchen", identity="ann"))

    assert claims["sub"] == "ann"
    assert claims["video"] == {
        "roomJoin": True,
        "room": "kitchen",
        "canPublish": True,
        "canPublishSources": ["microphone"],
        "canSubscribe": True,
        "canPublishData": True,
    }


def test_the_token_expires_after_its_time_to_live():
    claims = claims_of(JoinRequest(room_name="kitchen", identity="ann"), ttl_s=90)

    assert claims["exp"] - claims["nbf"] == 90
    assert abs(claims["nbf"] - time.time()) < 10


def test_name_metadata_and_attributes_go_into_the_token():
    body = {
        "participant_name": "Ann",
        "participant_metadata": "m",
        "participant_attributes": {"tier": "gold"},
    }
    claims = claims_of(fill_in(parse_request(body, agent_name=None)))

    assert (claims["name"], claims["metadata"]) == ("Ann", "m")
    assert claims["attributes"] == {"tier": "gold"}


def test_automatic_dispatch_puts_no_agent_into_the_token():
    assert "roomConfig" not in claims_of(JoinRequest(room_name="r", identity="i"))


def test_explicit_dispatch_puts_the_configured_agent_and_metadata_into_the_token():
    claims = claims_of(
        JoinRequest(room_name="r", identity="i"),
        agent_name="parley",
        agent_metadata='{"language": "en"}',
    )

    assert dispatch_of(claims) == {"agentName": "parley", "metadata": '{"language": "en"}'}


def test_the_metadata_of_the_request_wins_over_the_configured_one():
    body = request_with_agent(metadata='{"voice": "low"}')
    request = fill_in(parse_request(body, agent_name="parley", rules=OPEN))
    claims = claims_of(request, agent_name="parley", agent_metadata='{"voice": "high"}')

    assert json.loads(dispatch_of(claims)["metadata"]) == {"voice": "low"}


def test_null_fields_count_as_not_given():
    body = {"room_name": None, "participant_attributes": None, "room_config": None}

    assert parse_request(body, agent_name=None) == JoinRequest()


def test_a_name_may_be_as_long_as_the_limit():
    body = {"room_name": "r" * 128}

    assert parse_request(body, agent_name=None, rules=OPEN).room_name == "r" * 128


@pytest.mark.parametrize(
    ("body", "agent_name", "message"),
    [
        ([], None, "must be a JSON object"),
        ({"room": "x"}, None, "Unknown field 'room'"),
        ({"room_name": 7}, None, "room_name must be a string"),
        ({"room_name": "\ud800"}, None, "not valid text"),
        ({"participant_name": "n" * 129}, None, "at most 128 characters"),
        ({"participant_attributes": ["a"]}, None, "object of strings"),
        ({"participant_attributes": {"a": 1}}, None, "object of strings"),
        ({"participant_attributes": {"\udfff": "a"}}, None, "object of strings"),
        ({"room_config": "x"}, "parley", "room_config must be an object"),
        ({"room_config": {"max_participants": 9}}, "parley", "may only hold agents"),
        ({"room_config": {"agents": {}}}, "parley", "must be a list of objects"),
        ({"room_config": {"agents": [7]}}, "parley", "must be a list of objects"),
        ({"room_config": {"agents": [{}, {}]}}, "parley", "one agent only"),
        (request_with_agent(deployment="x"), "parley", "agent_name and metadata only"),
        (request_with_agent(agent_name="other"), "parley", "this one gives 'parley'"),
        (request_with_agent(agent_name="other"), None, "dispatches by itself"),
        (request_with_agent(metadata="{}"), None, "set AGENT_NAME"),
        (request_with_agent(metadata="[1]"), "parley", "must be a JSON object"),
        (request_with_agent(metadata="{"), "parley", "must be a JSON object"),
    ],
)
def test_a_wrong_request_is_refused_with_one_sentence(body: object, agent_name: str, message: str):
    with pytest.raises(TokenRequestError, match=message) as refused:
        parse_request(body, agent_name=agent_name, rules=OPEN)

    assert str(refused.value).endswith(".")
    assert len(str(refused.value)) < 250

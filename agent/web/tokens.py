"""Join tokens in LiveKit's standard token-endpoint format: request in, answer out, no I/O."""

import dataclasses
import datetime
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from livekit.api import AccessToken, VideoGrants
from livekit.protocol.agent_dispatch import RoomAgentDispatch
from livekit.protocol.room import RoomConfiguration

from .rules import (
    CLOSED,
    NotAllowed,
    Rules,
    TokenRequestError,
    check_attributes,
    check_identity,
    check_name,
)

__all__ = [
    "JoinRequest",
    "NotAllowed",
    "Rules",
    "TokenRequestError",
    "build_token",
    "fill_in",
    "parse_request",
]

_NAMES = ("room_name", "participant_identity", "participant_name")
_FIELDS = (*_NAMES, "participant_metadata", "participant_attributes", "room_config")


@dataclass(frozen=True, kw_only=True)
class JoinRequest:
    """Who wants to join which room, as asked for; empty strings mean "choose for me"."""

    room_name: str = ""
    identity: str = ""
    name: str = ""
    metadata: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    agent_metadata: str | None = None
    """JSON object for the agent's job, or None to use the endpoint's own."""


def parse_request(body: object, *, agent_name: str | None, rules: Rules = CLOSED) -> JoinRequest:
    """The checked request of a decoded JSON body.

    `agent_name` is the agent this endpoint dispatches, None with automatic dispatch.
    Raises `TokenRequestError` with the sentence to answer, `NotAllowed` for what `rules` forbid.
    """
    if not isinstance(body, dict):
        raise TokenRequestError("The request body must be a JSON object.")
    if unknown := sorted(set(body) - set(_FIELDS)):
        raise TokenRequestError(
            f"Unknown field {unknown[0]!r:.80}: the fields are {', '.join(_FIELDS)}."
        )
    for name in _NAMES:
        check_name(name, _text(body, name))
    request = JoinRequest(
        room_name=_text(body, "room_name"),
        identity=_text(body, "participant_identity"),
        name=_text(body, "participant_name"),
        metadata=_text(body, "participant_metadata"),
        attributes=_attributes(body.get("participant_attributes")),
        agent_metadata=_agent_metadata(body.get("room_config"), agent_name),
    )
    rules.check_room(request.room_name)
    check_identity(request.identity)
    check_attributes(request.attributes)
    if request.agent_metadata is not None:
        rules.check_choices(request.agent_metadata)
    return request


def fill_in(
    request: JoinRequest, *, random_hex: Callable[[int], str] = secrets.token_hex
) -> JoinRequest:
    """`request` with a room and an identity that nobody has or can guess where none was asked for.

    `random_hex(n)` gives 2·n hexadecimal digits.
    """
    return dataclasses.replace(
        request,
        room_name=request.room_name or f"parley-{random_hex(8)}",
        identity=request.identity or f"caller-{random_hex(8)}",
    )


def build_token(
    request: JoinRequest,
    *,
    api_key: str,
    api_secret: str,
    ttl_s: int,
    agent_name: str | None,
    agent_metadata: str | None,
) -> str:
    """A signed token that lets one identity into one room for the next `ttl_s` seconds, to speak,
    listen and send text: no picture, no rights over the room.

    With `agent_name` the token also brings that agent into the room when it is created.
    """
    grants = VideoGrants(
        room_join=True,
        room=request.room_name,
        can_publish=True,
        can_publish_sources=["microphone"],
        can_subscribe=True,
        can_publish_data=True,
    )
    token = (
        AccessToken(api_key, api_secret)
        .with_identity(request.identity)
        .with_name(request.name or request.identity)
        .with_metadata(request.metadata)
        .with_ttl(datetime.timedelta(seconds=ttl_s))
        .with_grants(grants)
    )
    if request.attributes:
        token = token.with_attributes(dict(request.attributes))
    if agent_name:
        metadata = request.agent_metadata if request.agent_metadata is not None else agent_metadata
        dispatch = RoomAgentDispatch(agent_name=agent_name, metadata=metadata or "")
        token = token.with_room_config(RoomConfiguration(agents=[dispatch]))
    return token.to_jwt()


def _text(body: Mapping[str, object], name: str) -> str:
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TokenRequestError(f"{name} must be a string.")
    if not _is_text(value):
        raise TokenRequestError(f"{name} holds half of a surrogate pair: it is not valid text.")
    return value


def _is_text(value: object) -> bool:
    """Whether `value` is a string that UTF-8 can carry (JSON may hold lone surrogates)."""
    try:
        return isinstance(value, str) and bool(value.encode() or True)
    except UnicodeEncodeError:
        return False


def _attributes(value: object) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(map(_is_text, (*value, *value.values()))):
        raise TokenRequestError("participant_attributes must be an object of strings.")
    return value


def _agent_metadata(room_config: object, agent_name: str | None) -> str | None:
    """The metadata asked for our agent, None when there is none."""
    if room_config is None:
        return None
    if not isinstance(room_config, dict):
        raise TokenRequestError("room_config must be an object.")
    if set(room_config) - {"agents"}:
        raise TokenRequestError("room_config may only hold agents.")
    agents = room_config.get("agents")
    if agents is None or agents == []:
        return None
    if not isinstance(agents, list) or not all(isinstance(agent, dict) for agent in agents):
        raise TokenRequestError("room_config.agents must be a list of objects.")
    if len(agents) > 1:
        raise TokenRequestError("room_config may ask for one agent only.")
    return _one_agent(agents[0], agent_name)


def _one_agent(agent: Mapping[str, object], agent_name: str | None) -> str | None:
    if set(agent) - {"agent_name", "metadata"}:
        raise TokenRequestError("An agent in room_config has agent_name and metadata only.")
    asked = _text(agent, "agent_name")
    if asked and asked != agent_name:
        here = f"this one gives {agent_name!r}" if agent_name else "this one dispatches by itself"
        raise TokenRequestError(f"room_config asks for the agent {asked!r:.80}, but {here}.")
    metadata = _text(agent, "metadata")
    if not metadata:
        return None
    if agent_name is None:
        raise TokenRequestError(
            "Metadata for the agent needs explicit dispatch: set AGENT_NAME for worker and page."
        )
    return metadata

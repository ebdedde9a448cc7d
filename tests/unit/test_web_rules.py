"""agent.web.rules: what a caller may ask of the token endpoint."""

from __future__ import annotations

import pytest

from agent.dispatch import CALLER_CHOICES
from agent.web.rules import NotAllowed, Rules, TokenRequestError
from agent.web.tokens import JoinRequest, parse_request

PASSWORD = "a-password-of-some-length"


def asked(rules: Rules | None = None, **body: object) -> JoinRequest:
    given = {"rules": rules} if rules else {}
    return parse_request(body, agent_name="parley", **given)


def with_metadata(metadata: str) -> dict[str, object]:
    return {"room_config": {"agents": [{"metadata": metadata}]}}


@pytest.mark.parametrize(
    ("authorization", "is_admitted"),
    [
        (f"Bearer {PASSWORD}", True),
        (f"bearer  {PASSWORD} ", True),
        (f"Basic {PASSWORD}", False),
        (PASSWORD, False),
        ("Bearer", False),
        ("Bearer ", False),
        ("", False),
        (f"Bearer {PASSWORD}x", False),
        (f"Bearer {PASSWORD[:-1]}", False),
        ("Bearer \udcff", False),
    ],
)
def test_only_the_password_admits(authorization: str, is_admitted: bool) -> None:
    assert Rules(password=PASSWORD).admits(authorization) is is_admitted


def test_without_a_password_everybody_is_admitted() -> None:
    assert Rules().admits("")


def test_the_password_is_not_shown_with_the_rules() -> None:
    assert PASSWORD not in repr(Rules(password=PASSWORD))


def test_a_room_may_not_be_named_unless_that_is_allowed() -> None:
    with pytest.raises(NotAllowed, match="AGENT_WEB_ROOMS"):
        asked(room_name="kitchen")
    with pytest.raises(NotAllowed):
        asked(Rules(rooms=("team-*",)), room_name="kitchen")
    asked(Rules(rooms=("lobby", "team-*")), room_name="team-blue")
    asked(Rules(rooms=("lobby", "team-*")), room_name="lobby")


def test_only_the_star_stands_for_other_characters_in_rooms() -> None:
    rules = Rules(rooms=("team-?", "[ab]", "a.b*"))
    for name in ("team-1", "a", "axb"):
        with pytest.raises(NotAllowed):
            asked(rules, room_name=name)
    for name in ("team-?", "[ab]", "a.b", "a.b-c"):
        asked(rules, room_name=name)


@pytest.mark.parametrize("key", CALLER_CHOICES)
def test_nothing_of_the_call_may_be_chosen_unless_that_is_allowed(key: str) -> None:
    body = with_metadata(f'{{"{key}": "x"}}')
    with pytest.raises(NotAllowed, match=f"{key}.*AGENT_WEB_CHOICES"):
        asked(**body)
    others = frozenset(CALLER_CHOICES) - {key}
    with pytest.raises(NotAllowed):
        asked(Rules(choices=others), **body)
    asked(Rules(choices=frozenset({key})), **body)


def test_a_caller_may_never_pretend_to_be_a_call_that_goes_on() -> None:
    everything = Rules(choices=frozenset(CALLER_CHOICES))
    with pytest.raises(NotAllowed, match="interrupted"):
        asked(everything, **with_metadata('{"interrupted": true}'))


def test_one_choice_that_is_allowed_lets_no_other_through() -> None:
    with pytest.raises(NotAllowed, match="instructions"):
        asked(
            Rules(choices=frozenset({"voice"})),
            **with_metadata('{"voice": "low", "instructions": "Obey."}'),
        )


@pytest.mark.parametrize("name", ["lk.agent.state", "lk.publish_on_behalf", "parley.agent"])
def test_a_caller_may_not_have_the_attributes_of_an_agent(name: str) -> None:
    with pytest.raises(NotAllowed, match="reserved"):
        asked(participant_attributes={"colour": "blue", name: "*"})


def test_a_caller_may_not_have_the_identity_of_an_agent() -> None:
    with pytest.raises(NotAllowed, match="agent-"):
        asked(participant_identity="agent-AJ_1")


@pytest.mark.parametrize(
    "name",
    [
        "two\nlines",
        "null\x00",
        "\u202egnp.exe",
        "zero\u200bwidth",
        " ahead",
        "behind ",
        "\ttab",
        "del\x7f",
    ],
)
@pytest.mark.parametrize("field", ["room_name", "participant_identity", "participant_name"])
def test_a_name_holds_visible_characters_only(field: str, name: str) -> None:
    with pytest.raises(TokenRequestError, match=f"{field} must be of visible characters"):
        asked(Rules(rooms=("*",)), **{field: name})


@pytest.mark.parametrize("name", ["Zoë Müller", "李小龙", "O'Neill", "ann@example.org", "☎ 7"])
def test_names_of_people_are_names(name: str) -> None:
    names = {"room_name": name, "participant_identity": name, "participant_name": name}
    request = asked(Rules(rooms=("*",)), **names)
    assert (request.room_name, request.identity, request.name) == (name, name, name)

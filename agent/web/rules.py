"""Who gets a token, and what for. Pure: the operator's rules and the checks of a request's parts."""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.config import Settings

__all__ = [
    "CLOSED",
    "NAME_LIMIT",
    "NotAllowed",
    "Rules",
    "TokenRequestError",
    "check_attributes",
    "check_identity",
    "check_name",
]

NAME_LIMIT = 128
"""Longest room name, identity or display name, in characters."""

_RESERVED = ("lk.", "parley.")
"""Attributes by which LiveKit and Parley know agents, and what they do."""

_AGENT = "agent-"
"""How the identities of LiveKit's agents begin: who joins under one puts the agent out."""


class TokenRequestError(ValueError):
    """The request cannot be met; the message is one sentence for the person who sent it."""


class NotAllowed(TokenRequestError):
    """It makes sense, and the operator does not allow it."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What the operator allows to everybody who reaches the endpoint."""

    password: str = field(default="", repr=False)
    """To be sent as `Authorization: Bearer …`; empty: nothing is asked for."""
    auth_url: str = field(default="", repr=False)
    """Asked about each caller; empty: nothing is asked."""
    origins: tuple[str, ...] = ()
    """Other sites whose pages may ask for tokens."""
    calls_per_minute: int = 20
    """Tokens that one address gets in a minute; 0 for any number."""
    proxies: int = 0
    """How many proxies of one's own add to X-Forwarded-For in front of us."""
    rooms: tuple[str, ...] = ()
    """Names of rooms that may be asked for, `*` for any characters; every caller gets a new one
    otherwise, whose name nobody can guess."""
    choices: frozenset[str] = frozenset()
    """Keys of the dispatch's metadata that a caller may set."""

    @classmethod
    def of(cls, settings: Settings) -> Rules:
        return cls(
            password=settings.web_password,
            auth_url=settings.agent_web_auth_url or "",
            origins=settings.web_origins,
            calls_per_minute=settings.agent_web_calls_per_minute,
            proxies=settings.agent_web_proxies,
            rooms=settings.web_rooms,
            choices=frozenset(settings.web_choices),
        )

    def admits(self, authorization: str) -> bool:
        """Whether a request with this Authorization header may go on."""
        if not self.password:
            return True
        scheme, _, given = authorization.partition(" ")
        is_right = hmac.compare_digest(
            given.strip().encode(errors="replace"), self.password.encode()
        )
        return is_right and scheme.lower() == "bearer"

    def check_room(self, name: str) -> None:
        """Raises NotAllowed for the name of a room that is nobody's to choose."""
        if name and not any(_matches(name, pattern) for pattern in self.rooms):
            raise NotAllowed(
                f"The room {name!r:.80} may not be asked for: leave room_name out to get one, "
                "or have it allowed by AGENT_WEB_ROOMS."
            )

    def check_choices(self, metadata: str) -> None:
        """Raises TokenRequestError unless `metadata` is a JSON object of what callers may set."""
        try:
            chosen = json.loads(metadata)
        except (ValueError, RecursionError):
            chosen = None
        if not isinstance(chosen, dict):
            raise TokenRequestError("The agent's metadata must be a JSON object.")
        if refused := sorted(set(chosen) - self.choices):
            raise NotAllowed(
                f"Callers may not choose {refused[0]!r:.80} here: AGENT_WEB_CHOICES allows "
                f"{', '.join(sorted(self.choices)) or 'nothing'}."
            )


def _matches(name: str, pattern: str) -> bool:
    """Whether `name` is `pattern`, in which only `*` stands for other characters, any number of them."""
    return fnmatchcase(name, re.sub(r"[?\[]", r"[\g<0>]", pattern))


CLOSED = Rules()
"""Nothing may be chosen."""


def check_name(field_name: str, text: str) -> None:
    """Raises TokenRequestError for a name too long, or with what cannot be seen in it."""
    if len(text) > NAME_LIMIT:
        raise TokenRequestError(f"{field_name} must have at most {NAME_LIMIT} characters.")
    if not text.isprintable() or text != text.strip():
        raise TokenRequestError(
            f"{field_name} must be of visible characters, without spaces at its ends."
        )


def check_identity(identity: str) -> None:
    """Raises NotAllowed for the identity of an agent."""
    if identity.startswith(_AGENT):
        raise NotAllowed(f"participant_identity must not begin with {_AGENT!r}: agents do.")


def check_attributes(names: Iterable[str]) -> None:
    """Raises NotAllowed for one that only agents may have."""
    for name in names:
        if name.startswith(_RESERVED):
            raise NotAllowed(
                f"The attribute {name!r:.80} is not for callers: {' and '.join(_RESERVED)} are reserved."
            )

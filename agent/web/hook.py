"""The auth hook: what it is asked about a caller, and what its answer means. Pure.

The question is the one of Traefik's ForwardAuth, the answers are those of nginx's auth_request.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .cors import ENDPOINT
from .rules import TokenRequestError, check_identity, check_name

__all__ = ["CANNOT_TELL", "HookFault", "NotPermitted", "Permission", "permission", "question"]

IDENTITY = "X-Parley-Identity"
NAME = "X-Parley-Name"

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


@dataclass(frozen=True, kw_only=True)
class Permission:
    """The caller may have a token; what the hook names is put in the place of what they ask for."""

    identity: str = ""
    name: str = ""


class NotPermitted(Exception):
    """No token; the message is one sentence for the caller, `status` that of the answer."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class HookFault(Exception):
    """The hook gives no usable answer; the message says why, for the operator."""


CANNOT_TELL = "Whether you may call cannot be found out right now: try again in a minute."


def question(
    *,
    authorizations: Sequence[str],
    cookies: Sequence[str],
    address: str,
    scheme: str,
    host: str,
    query: str,
) -> dict[str, str]:
    """The headers that the hook is asked with: who the caller is, and what they want.

    `authorizations` and `cookies`: these headers of the request. `query`: behind the `?` of its
    address. Raises TokenRequestError for what cannot be passed on.
    """
    asked = {
        "Authorization": authorizations[0] if authorizations else "",
        "Cookie": "; ".join(cookies),
        "X-Forwarded-For": address,
        "X-Forwarded-Proto": scheme,
        "X-Forwarded-Host": host,
        "X-Forwarded-Method": "POST",
        "X-Forwarded-Uri": f"{ENDPOINT}?{query}" if query else ENDPOINT,
    }
    if len(authorizations) > 1:
        raise TokenRequestError("There may be one Authorization header only.")
    for name, text in asked.items():
        if not _is_sendable(text):
            raise TokenRequestError(f"{name} must be UTF-8 text without control characters.")
    # By this hooks know that nobody is there to follow a redirect to their login.
    return {"Accept": "application/json"} | {name: text for name, text in asked.items() if text}


def permission(status: int, headers: Mapping[str, str]) -> Permission:
    """What the hook's answer means. Raises NotPermitted, or HookFault for one that means nothing."""
    if status == 401:
        raise NotPermitted(
            401, "You are not logged in: do so, or open the whole link that you were given."
        )
    if status == 403:
        raise NotPermitted(403, "You may not call here: ask whoever runs this page to let you in.")
    if 300 <= status < 400:
        raise HookFault(
            f"it answers {status}, a redirect, where 401 says that somebody has to log in"
        )
    if not 200 <= status < 300:
        raise HookFault(f"it answers {status}, where 2xx, 401 or 403 is an answer")
    named = Permission(identity=headers.get(IDENTITY, ""), name=headers.get(NAME, ""))
    try:
        check_name(IDENTITY, named.identity)
        check_name(NAME, named.name)
        check_identity(named.identity)
    except TokenRequestError as e:
        raise HookFault(f"it names a caller who cannot be: {e}") from e
    return named


def _is_sendable(text: str) -> bool:
    """Whether `text` can be sent in a header again (what was not UTF-8 holds lone surrogates)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return not _CONTROL.search(text)

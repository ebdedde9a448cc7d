"""Which pages of other sites may ask for a token, and how their browsers are told so. Pure."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["ENDPOINT", "cors_headers", "is_listed"]

ENDPOINT = "/api/token"
"""All that other sites can be let in to."""

_MAX_AGE_S = 600
"""How long a browser asks no further time, and a site that was taken off the list may go on trying."""


def is_listed(origin: str | None, path: str, origins: Sequence[str]) -> bool:
    """Whether a page of `origin` may ask `path`. Browsers write origins in one way only."""
    return path == ENDPOINT and origin in origins


def cors_headers(
    origin: str | None,
    path: str,
    *,
    origins: Sequence[str],
    with_cookies: bool,
    is_preflight: bool = False,
) -> dict[str, str]:
    """What is added to the answer of `path`; nothing where no other site may ask.

    `with_cookies`: browsers may send the cookies that they have for this host.
    """
    if not origins or path != ENDPOINT:
        return {}
    headers = {"Vary": "Origin"}  # also of refusals: a cache must not mix them up
    if origin is None or not is_listed(origin, path, origins):
        return headers
    headers["Access-Control-Allow-Origin"] = origin
    if with_cookies:
        headers["Access-Control-Allow-Credentials"] = "true"
    if is_preflight:
        headers["Access-Control-Allow-Methods"] = "POST"
        headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
        headers["Access-Control-Max-Age"] = str(_MAX_AGE_S)
    return headers

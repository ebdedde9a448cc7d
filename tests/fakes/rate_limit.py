"""A provider's refusal for too many requests, as livekit's plugins raise it."""

from __future__ import annotations

from livekit.agents import APIStatusError


def limited(retry_after_s: float) -> APIStatusError:
    error = APIStatusError("no", status_code=429)
    error.headers = {"Retry-After": str(retry_after_s)}  # type: ignore[attr-defined]
    return error

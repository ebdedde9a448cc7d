"""The one place where what goes wrong with a llama.cpp server becomes livekit's errors.

The server's own words may quote the conversation: they go into a debug field, never into a message.
"""

from __future__ import annotations

import logging

import openai
from livekit.agents import APIConnectionError, APIError, APIStatusError, APITimeoutError

logger = logging.getLogger(__package__)

_STATUS = {
    401: "wants another API key: set AGENT_LLM_SERVER_KEY to it",
    404: "has no such endpoint: is it a llama.cpp server, and a recent one?",
    503: "is still loading its model",
}


class MalformedCall(APIError):
    """The model called a tool in a way that cannot be understood."""


def explained(error: APIError, url: str, *, has_spoken: bool) -> APIError:
    """`error` in one sentence. After the first words nothing is retried: they would be said twice."""
    retryable = error.retryable and not has_spoken
    cause = error.__cause__
    if isinstance(cause, MalformedCall):
        return MalformedCall(cause.message, retryable=retryable)
    if isinstance(error, APIStatusError):
        return _status_error(error, url)
    if isinstance(error, APITimeoutError):
        return APITimeoutError(f"the llama.cpp server at {url} was late", retryable=retryable)
    if not isinstance(error, APIConnectionError):
        return error  # ours, and clear
    if has_spoken:
        what = f"the llama.cpp server at {url} broke off in mid-answer"
    elif isinstance(cause, openai.APIConnectionError):
        what = f"no answer from the llama.cpp server at {url}"
    else:
        what = f"the llama.cpp server at {url} failed"
    logger.debug("a llama.cpp server failed", extra={"lk.pii.error": str(cause)})
    return APIConnectionError(what, retryable=retryable)


def _status_error(error: APIStatusError, url: str) -> APIStatusError:
    body = error.body if isinstance(error.body, dict) else {}
    kind = str(body.get("type", "it gives no reason"))
    what = _STATUS.get(error.status_code, f"refused the request ({kind})")
    logger.debug("a llama.cpp server refused", extra={"lk.pii.error": str(body.get("message"))})
    return APIStatusError(
        f"the llama.cpp server at {url} {what}",
        status_code=error.status_code,
        request_id=error.request_id,
        retryable=error.retryable,
    )

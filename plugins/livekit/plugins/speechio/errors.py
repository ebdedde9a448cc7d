"""The one place where an engine's exceptions become the framework's."""

from __future__ import annotations

from livekit.agents import APIConnectionError, APIError, APITimeoutError
from livekit.plugins.speechcore import EngineBusy, EngineError, EngineTimeout


def to_api_error(error: Exception, *, retryable: bool = True) -> APIError:
    """Only APIError is retried or failed over by livekit: everything an engine raises becomes one.

    `retryable` is False where output has been sent already. A busy engine is never retried:
    the next engine of the chain is the remedy, not the next second.
    """
    if isinstance(error, APIError):
        return error
    if isinstance(error, (TimeoutError, EngineTimeout)):
        return APITimeoutError(str(error) or "the engine missed its deadline", retryable=retryable)
    if isinstance(error, EngineBusy):
        return APIConnectionError(str(error), retryable=False)
    if isinstance(error, EngineError):
        return APIConnectionError(str(error), retryable=retryable)
    return APIConnectionError(f"the engine failed ({type(error).__name__})", retryable=retryable)

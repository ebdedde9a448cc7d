"""What a dispatch may set for one call: the job's metadata, validated."""

from __future__ import annotations

import json
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictFloat, StrictInt, ValidationError

ShortText = Annotated[str, Field(min_length=1, max_length=100)]

SLOWEST, FASTEST = 0.5, 2.0
"""Of a voice's own pace."""


class DispatchError(Exception):
    """The metadata cannot be used; the message is a sentence for the room."""


class SimulatedOptions(BaseModel):
    """What the simulated engines do in this call."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reply_s: Annotated[StrictInt | StrictFloat, Field(gt=0, le=600)] = 1.8
    """How long a reply is, in seconds of audio."""


class CallOptions(BaseModel):
    """One call's choices; None leaves the worker's setting as it is."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    profile: ShortText | None = None
    instructions: Annotated[str, Field(min_length=1, max_length=20_000)] | None = None
    voice: ShortText | None = None
    language: Annotated[str, Field(pattern=r"^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})?$")] | None = None
    speed: Annotated[StrictInt | StrictFloat, Field(ge=SLOWEST, le=FASTEST)] | None = None
    """Of the voice's own pace: 1.1 is a tenth faster."""
    greeting: Annotated[str, Field(max_length=2_000)] | None = None
    """Said first; empty for no greeting."""
    simulated: SimulatedOptions | None = None
    interrupted: bool = False
    """Set by a worker that brings an agent back into a call: there has been one before."""


CALLER_CHOICES = tuple(name for name in CallOptions.model_fields if name != "interrupted")
"""What a caller may be allowed to choose: the keys that are not between workers."""


def interrupted_metadata(metadata: str) -> str:
    """The metadata of a dispatch that follows one with `metadata`. Raises DispatchError."""
    options = parse_metadata(metadata).model_copy(update={"interrupted": True})
    return options.model_dump_json(exclude_defaults=True)


def parse_metadata(metadata: str) -> CallOptions:
    """The options in a job's metadata (JSON; empty means none). Raises DispatchError."""
    if not metadata.strip():
        return CallOptions()
    try:
        content = json.loads(metadata)
    except (ValueError, RecursionError) as e:
        raise DispatchError(f"The dispatch metadata is not JSON ({e}).") from None
    if not isinstance(content, dict):
        raise DispatchError('The dispatch metadata must be a JSON object like {"voice": "en-gb"}.')
    try:
        return CallOptions.model_validate(content)
    except ValidationError as e:
        problems = "; ".join(
            _problem(error["type"], error["loc"], error["msg"]) for error in e.errors()
        )
        allowed = ", ".join(CallOptions.model_fields)
        raise DispatchError(
            f"The dispatch metadata cannot be used: {problems}. Keys are {allowed}."
        ) from None


def _problem(kind: str, location: tuple[int | str, ...], message: str) -> str:
    name = ".".join(str(part) for part in location)
    return f"unknown key {name!r}" if kind == "extra_forbidden" else f"{name}: {message}"

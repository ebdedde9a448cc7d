"""How to join without the page."""

import shlex
from pathlib import Path

from agent.private_files import Keys

__all__ = ["lk_join_lines"]

_ROOM_TTL_S = 3600


def lk_join_lines(
    *, env_file: Path, room: str, keys: Keys, agent_name: str | None
) -> tuple[str, str]:
    """A shell line that joins `room` with LiveKit's `lk`, and a token for any other client.

    `lk` takes address, key and secret from `env_file`, so no secret is on the screen or in the
    shell's history. The token is good for one hour, this room and one identity.
    """
    from agent.web.tokens import JoinRequest, build_token

    token = build_token(
        JoinRequest(room_name=room, identity="guest"),
        api_key=keys.api_key,
        api_secret=keys.api_secret,
        ttl_s=_ROOM_TTL_S,
        agent_name=agent_name,
        agent_metadata=None,
    )
    commands = [f"set -a; . {shlex.quote(str(env_file))}"]
    if agent_name:
        dispatch = f"--agent-name {shlex.quote(agent_name)} --room {shlex.quote(room)}"
        commands.append(f"lk dispatch create {dispatch}")
    commands.append(f"lk room join --identity you {shlex.quote(room)}")
    return f"({'; '.join(commands)})", token

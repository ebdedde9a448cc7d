"""Asks a server to list its rooms: is it LiveKit, and does it take our key?"""

import datetime
import enum
import os
import ssl
import warnings
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
from jwt.warnings import InsecureKeyLengthWarning
from livekit.api import AccessToken, VideoGrants

from agent.private_files import Keys

__all__ = ["TokenCheck", "Verdict", "check_token", "http_address"]

_METHOD = "/twirp/livekit.RoomService/ListRooms"


class Verdict(enum.Enum):
    """What a server made of our token."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    NOT_LIVEKIT = "not livekit"


@dataclass(frozen=True, kw_only=True)
class TokenCheck:
    """Outcome of a token round trip."""

    verdict: Verdict
    detail: str = ""
    """What was seen, half a sentence without secrets."""

    @property
    def is_accepted(self) -> bool:
        """Whether the server is LiveKit and took the key."""
        return self.verdict is Verdict.ACCEPTED


async def check_token(url: str, keys: Keys, *, deadline_s: float = 2.0) -> TokenCheck:
    """A full round trip with a token of `keys`; never raises for what the server does.

    Raises ValueError when `url` is no ws, wss, http or https address.
    """
    address = http_address(url) + _METHOD
    timeout = aiohttp.ClientTimeout(total=deadline_s)
    headers = {"Authorization": f"Bearer {_token(keys, lifetime_s=60)}"}
    try:
        # JSON rather than protobuf: an empty list of rooms is then an answer only LiveKit gives.
        async with (
            aiohttp.ClientSession(timeout=timeout, headers=headers) as session,
            session.post(address, json={}, allow_redirects=False) as response,
        ):
            return _judge(response.status, await _json(response))
    except TimeoutError:
        return TokenCheck(
            verdict=Verdict.UNREACHABLE, detail=f"no answer within {deadline_s:g} seconds"
        )
    except aiohttp.ClientConnectorCertificateError:
        return TokenCheck(verdict=Verdict.UNREACHABLE, detail="its certificate is not trusted")
    except aiohttp.ClientConnectorDNSError:
        return TokenCheck(verdict=Verdict.UNREACHABLE, detail="its name is not known")
    except aiohttp.ClientConnectorError as e:
        reason = os.strerror(e.errno).lower() if e.errno else "connection failed"
        return TokenCheck(verdict=Verdict.UNREACHABLE, detail=reason)
    except (aiohttp.ClientError, ssl.SSLError, ConnectionError):
        return TokenCheck(verdict=Verdict.NOT_LIVEKIT, detail="it does not speak HTTP")


def http_address(url: str) -> str:
    """`url` of a LiveKit server as http:// or https:// address without a slash at the end.

    Raises ValueError when it is no ws, wss, http or https address.
    """
    parts = urlsplit(url.strip())
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    if scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"{url!r} is no address of a LiveKit server, like ws://127.0.0.1:7880")
    _ = parts.port  # raises ValueError when it is no number
    return f"{scheme}://{parts.netloc}{parts.path}".rstrip("/")


def _token(keys: Keys, *, lifetime_s: int) -> str:
    grants = VideoGrants(room_list=True)
    ttl = datetime.timedelta(seconds=lifetime_s)
    with warnings.catch_warnings():
        # A given server's secret may be short (`livekit-server --dev` has "secret"): its choice.
        warnings.simplefilter("ignore", InsecureKeyLengthWarning)
        return AccessToken(keys.api_key, keys.api_secret).with_grants(grants).with_ttl(ttl).to_jwt()


async def _json(response: aiohttp.ClientResponse) -> object:
    if response.content_type != "application/json":
        return None
    try:
        answer: object = await response.json()
    except ValueError:
        return None
    return answer


def _judge(status: int, answer: object) -> TokenCheck:
    if status in {401, 403}:
        return TokenCheck(verdict=Verdict.REFUSED, detail=f"it answered {status}")
    if status == 200 and isinstance(answer, dict) and isinstance(answer.get("rooms"), list):
        return TokenCheck(verdict=Verdict.ACCEPTED)
    return TokenCheck(
        verdict=Verdict.NOT_LIVEKIT, detail=f"it answered {status}, not a list of rooms"
    )

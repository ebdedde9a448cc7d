"""The providers' keys: whether one can be a key at all, and whether its provider takes it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiohttp

from agent.config import Settings, plain

CHECK_TIMEOUT_S = 5.0
NO_KEY = "none"
"""What a server of one's own is sent where a key belongs."""
_MOST_BYTES = 65_536
_MAY_NOT_READ_THIS = ("missing_permissions", "Missing scopes")
"""In a refusal of a key that is right, but was made for other requests than the check's."""


@dataclass(frozen=True, kw_only=True)
class Provider:
    """Who a key is for."""

    title: str
    key: str
    """The setting that holds it."""
    url: str
    """The setting that holds the API's address."""
    path: str
    """Of a request that costs nothing and needs the key."""
    header: Callable[[str], dict[str, str]]
    page: str
    """Where keys are made."""

    @property
    def key_variable(self) -> str:
        return self.key.upper()

    @property
    def url_variable(self) -> str:
        return self.url.upper()

    def address(self, settings: Settings) -> str:
        """Without a slash at its end."""
        return str(getattr(settings, self.url)).rstrip("/")

    def key_in(self, settings: Settings) -> str:
        """In plain text, empty when unset; never to be shown."""
        return plain(getattr(settings, self.key))

    def is_elsewhere(self, settings: Settings) -> bool:
        """Whether the address is that of a server of one's own, which may need no key."""
        return self.address(settings) != str(Settings.model_fields[self.url].default)


PROVIDERS = {
    "deepgram": Provider(
        title="Deepgram",
        key="deepgram_api_key",
        url="deepgram_base_url",
        path="/v1/auth/token",
        header=lambda key: {"Authorization": f"Token {key}"},
        page="https://console.deepgram.com",
    ),
    "openai": Provider(
        title="OpenAI",
        key="openai_api_key",
        url="openai_base_url",
        path="/models",
        header=lambda key: {"Authorization": f"Bearer {key}"},
        page="https://platform.openai.com/api-keys",
    ),
    "elevenlabs": Provider(
        title="ElevenLabs",
        key="eleven_api_key",
        url="eleven_base_url",
        path="/user",
        header=lambda key: {"xi-api-key": key},
        page="https://elevenlabs.io/app/settings/api-keys",
    ),
}
"""By the name of their engines."""


def key_problem(provider: Provider, settings: Settings) -> str | None:
    """Why the key cannot be one, without asking anybody: a sentence, or None."""
    key = provider.key_in(settings)
    if not key:
        if provider.is_elsewhere(settings):
            return None
        return f"{provider.key_variable} is not set: make a key at {provider.page}."
    if key.splitlines() != [key]:
        return f"{provider.key_variable} has a line break in it: set it to the key alone."
    if any(character.isspace() for character in key):
        return f"{provider.key_variable} has a blank in it: set it to the key alone."
    if not (key.isascii() and key.isprintable()):
        return f"{provider.key_variable} has a character that no key has: set it to the key alone."
    return None


def key_of(provider: Provider, settings: Settings) -> str:
    """The key in plain text, never to be shown. Raises ValueError with `key_problem`'s sentence."""
    if problem := key_problem(provider, settings):
        raise ValueError(problem)
    return provider.key_in(settings) or NO_KEY


async def check_key(
    provider: Provider, settings: Settings, *, timeout_s: float = CHECK_TIMEOUT_S
) -> str | None:
    """Asks the provider. Returns a sentence that says what is wrong, or None."""
    if problem := key_problem(provider, settings):
        return problem
    url = provider.address(settings) + provider.path
    at = f"{provider.title} at {provider.address(settings)}"
    try:
        async with asyncio.timeout(timeout_s), aiohttp.ClientSession() as session:
            # A redirect would take the key to who knows whom.
            async with session.get(
                url, headers=provider.header(key_of(provider, settings)), allow_redirects=False
            ) as response:
                body = await _begin(response.content)
    except TimeoutError:
        return f"{at} did not answer within {timeout_s:g} s."
    except (aiohttp.ClientError, OSError, ValueError) as e:
        return (
            f"{at} cannot be reached ({type(e).__name__}): "
            f"check the network and {provider.url_variable}."
        )
    return _verdict(provider, at, response.status, body.decode(errors="replace"))


async def _begin(content: aiohttp.StreamReader) -> bytes:
    """As much as a verdict needs, of a body of any length."""
    body = b""
    while len(body) < _MOST_BYTES and (part := await content.read(_MOST_BYTES - len(body))):
        body += part
    return body


def _verdict(provider: Provider, at: str, status: int, body: str) -> str | None:
    if status in (401, 403):
        if any(words in body for words in _MAY_NOT_READ_THIS):
            return None
        return (
            f"{at} refuses the key in {provider.key_variable} (status {status}): "
            f"make another one at {provider.page}."
        )
    if status == 429:
        return f"{at} takes no more requests of this key for now (status 429): check its limits."
    if status >= 400:
        return f"{at} answers with status {status}: check {provider.url_variable}, or wait."
    if not isinstance(_parsed(body), dict):
        return f"{at} answers with something that is not its API: check {provider.url_variable}."
    return None


def _parsed(body: str) -> Any:
    """None for what is not JSON; an object that is longer than what was read counts as one."""
    try:
        return json.loads(body)
    except RecursionError:
        return None
    except ValueError:
        return {} if len(body) >= _MOST_BYTES and body.lstrip().startswith("{") else None

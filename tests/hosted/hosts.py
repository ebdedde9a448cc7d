"""Settings that lead every hosted engine to a fake provider."""

from __future__ import annotations

from agent.config import Settings
from agent.hosted.keys import PROVIDERS
from tests.fakes.providers.deepgram import FakeDeepgram
from tests.fakes.providers.elevenlabs import FakeElevenLabs
from tests.fakes.providers.openai import FakeOpenAI
from tests.fakes.providers.provider import KEY

FAKES = {"deepgram": FakeDeepgram, "openai": FakeOpenAI, "elevenlabs": FakeElevenLabs}
"""By the name of the engines."""


def settings_for(
    *providers: FakeDeepgram | FakeOpenAI | FakeElevenLabs, key: str | None = KEY, **values: object
) -> Settings:
    """With `key` for each of them."""
    for name, fake in FAKES.items():
        for provider in providers:
            if isinstance(provider, fake):
                values.setdefault(PROVIDERS[name].url, provider.api_url)
                values.setdefault(PROVIDERS[name].key, key)
    return Settings.model_validate(values)

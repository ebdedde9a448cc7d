"""Parley with the profile `realtime`, behind a model whose stages cost what the simulated ones do.

    AGENT_NAME=realtime python -m evals.baselines.realtime

The model is the fake server of the tests: it speaks OpenAI's events, and tells which reply it gives by
its tone. It runs in a process of its own, and the worker of the environment's settings in another.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable

from livekit.plugins.simulated.reply import VoiceChooser, count_characters, reply_text
from livekit.plugins.simulated.tone import Tone
from livekit.plugins.speechcore import EdgeFader

from evals.baselines.stock import LLM_DELAY_S, STT_DELAY_S, TTS_DELAY_S
from tests.fakes.providers.openai import FakeOpenAI
from tests.fakes.providers.provider import KEY
from tests.fakes.providers.speech_to_speech import SpeechToSpeech, SpokenReply
from tests.fakes.providers.voices import Spoken

REPLY_S = 1.8
"""However long the scenario wants the replies to be: the model is not told."""


def tone_of_reply(text: str, rate_hz: int) -> Spoken:
    """As the simulated TTS says it."""
    voice = VoiceChooser(REPLY_S).choose(text, is_complete=True)
    assert voice is not None
    samples = round(count_characters(text) * voice.seconds_per_character * rate_hz)
    fader = EdgeFader(rate_hz)
    pcm = fader.process(Tone(voice.tone_hz, rate_hz).make(samples)) + fader.finish()
    return Spoken(pcm, ())


def model() -> SpeechToSpeech:
    return SpeechToSpeech(
        reply=lambda turn, words: SpokenReply(text=reply_text(turn)),
        understand=lambda pcm: "something",
        costs_s=(STT_DELAY_S, LLM_DELAY_S, TTS_DELAY_S),
        voice=tone_of_reply,
    )


async def serve() -> None:
    """Writes its address, and serves until it is ended."""
    async with FakeOpenAI(realtime=model()).running() as provider:
        sys.stdout.write(f"{provider.api_url}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def run(module: str, settings_at: Callable[[str], dict[str, str]]) -> int:
    """The worker's exit status. `settings_at`: what leads it to the model at an address."""
    command = [sys.executable, "-m", module, "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        environment = {**os.environ, **settings_at(address)}
        worker = subprocess.Popen(
            [sys.executable, "-m", "agent", "dev", "--no-reload"], env=environment
        )
        for signum in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signum, lambda *_: worker.terminate())
        status = worker.wait()
        server.terminate()
    return status


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--serve", action="store_true", help="the model alone")
    if not parser.parse_args().serve:
        return run(
            "evals.baselines.realtime", lambda url: {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": KEY}
        )
    asyncio.run(serve())
    return 0


if __name__ == "__main__":
    sys.exit(main())

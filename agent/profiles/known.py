"""The engines that Parley knows, and the profiles made of them."""

from __future__ import annotations

from dataclasses import dataclass

from agent.engine_spec import EngineSpec
from agent.hosted.keys import PROVIDERS

STAGES = ("stt", "llm", "tts")
REALTIME = "realtime"
"""The profile, and the stage, of one model in the place of three."""


@dataclass(frozen=True, kw_only=True)
class Engine:
    """An engine Parley knows."""

    needs: tuple[str, ...] = ()
    """Python packages outside the base install."""
    extra: str | None = None
    """The extra of the distribution that brings them."""
    has_weights: bool = False
    """Its models are downloaded first."""
    greets: bool = True
    """It says what it is told to begin with; else it begins by itself."""

    @property
    def is_hosted(self) -> bool:
        """It is a provider's, and needs a key."""
        return self.extra == "hosted"


_DEEPGRAM, _OPENAI, _ELEVENLABS = (
    Engine(needs=(f"livekit.plugins.{name}",), extra="hosted") for name in PROVIDERS
)

_KYUTAI = Engine(needs=("msgpack",), extra="kyutai")

KNOWN: dict[str, dict[str, Engine]] = {
    "stt": {
        "pocketsphinx": Engine(needs=("pocketsphinx",), extra="embedded"),
        "faster_whisper": Engine(needs=("faster_whisper",), extra="whisper", has_weights=True),
        "moonshine": Engine(needs=("moonshine_voice",), extra="moonshine", has_weights=True),
        "kyutai": _KYUTAI,
        "deepgram": _DEEPGRAM,
        "openai": _OPENAI,
        "simulated": Engine(),
    },
    "llm": {
        "responder": Engine(),
        "llama_cpp": Engine(needs=("xllamacpp",), extra="llama", has_weights=True),
        "openai": _OPENAI,
        "simulated": Engine(),
    },
    "tts": {
        "espeak": Engine(needs=("espeakng_loader",), extra="embedded"),
        "kokoro": Engine(needs=("kokoro_onnx",), extra="kokoro", has_weights=True),
        "piper": Engine(needs=("piper",), extra="piper", has_weights=True),
        "kyutai": _KYUTAI,
        "openai_speech": Engine(),
        "llmvox": Engine(),
        "openai": _OPENAI,
        "elevenlabs": _ELEVENLABS,
        "simulated": Engine(),
    },
    REALTIME: {"openai": _OPENAI, "moshi": Engine(greets=False)},
}


def is_hosted(stage: str, spec: EngineSpec) -> bool:
    return KNOWN[stage][spec.name].is_hosted


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A preset of the three ordered engine lists."""

    stt: str
    llm: str
    tts: str
    greeting: str | None
    net: str | None = None
    """The voice behind all those of the list, so that no fault of theirs is silence."""


_NET = "espeak"
_GREETING = "Hello, I am Parley. How can I help you?"

PROFILES = {
    "embedded": Profile(
        stt="pocketsphinx",
        llm="responder",
        tts="espeak",
        greeting=_GREETING,
    ),
    "local": Profile(
        stt="faster_whisper", llm="llama_cpp", tts="kokoro", greeting=_GREETING, net=_NET
    ),
    "hosted": Profile(stt="deepgram", llm="openai", tts="elevenlabs", greeting=_GREETING, net=_NET),
    "hybrid": Profile(
        stt="faster_whisper, deepgram",
        llm="llama_cpp, openai",
        tts="kokoro, elevenlabs",
        greeting=_GREETING,
        net=_NET,
    ),
    "simulated": Profile(
        stt="simulated:80ms", llm="simulated:150ms", tts="simulated:70ms", greeting=None
    ),
}

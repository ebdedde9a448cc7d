"""From settings and a call's own options to the three engines, and why these."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

from agent.config import Settings
from agent.dispatch import CallOptions
from agent.engine_spec import EngineSpec
from agent.local.models import is_path, is_url, locate
from agent.weights import Store, UnknownWeights, WeightsError, store_of

STAGES = ("stt", "llm", "tts")


class ProfileError(Exception):
    """A profile or engine that cannot be used; the message says which and what to do."""


@dataclass(frozen=True, kw_only=True)
class Engine:
    """An engine Parley knows."""

    needs: tuple[str, ...] = ()
    """Python packages outside the base install."""
    extra: str | None = None
    """The extra of the distribution that brings them."""
    has_weights: bool = False
    """Its models are downloaded first."""


KNOWN: dict[str, dict[str, Engine]] = {
    "stt": {
        "pocketsphinx": Engine(needs=("pocketsphinx",), extra="embedded"),
        "faster_whisper": Engine(needs=("faster_whisper",), extra="whisper", has_weights=True),
        "moonshine": Engine(needs=("moonshine_voice",), extra="moonshine", has_weights=True),
        "simulated": Engine(),
    },
    "llm": {
        "responder": Engine(),
        "llama_cpp": Engine(needs=("xllamacpp",), extra="llama", has_weights=True),
        "simulated": Engine(),
    },
    "tts": {
        "espeak": Engine(needs=("espeakng_loader",), extra="embedded"),
        "kokoro": Engine(needs=("kokoro_onnx",), extra="kokoro", has_weights=True),
        "piper": Engine(needs=("piper",), extra="piper", has_weights=True),
        "openai_speech": Engine(),
        "simulated": Engine(),
    },
}


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A preset of the three ordered engine lists."""

    stt: str
    llm: str
    tts: str
    greeting: str | None


_GREETING = "Hello, I am Parley. How can I help you?"

PROFILES = {
    "embedded": Profile(
        stt="pocketsphinx",
        llm="responder",
        tts="espeak",
        greeting=_GREETING,
    ),
    "local": Profile(stt="faster_whisper", llm="llama_cpp", tts="kokoro", greeting=_GREETING),
    "simulated": Profile(
        stt="simulated:80ms", llm="simulated:150ms", tts="simulated:70ms", greeting=None
    ),
}


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The engines of one call."""

    profile: str
    why: str
    stt: EngineSpec
    llm: EngineSpec
    tts: EngineSpec
    greeting: str | None
    voice: str | None
    language: str
    warnings: tuple[str, ...] = ()

    @property
    def engines(self) -> dict[str, str]:
        return {stage: str(getattr(self, stage)) for stage in STAGES}

    @property
    def simulated(self) -> bool:
        return any(getattr(self, stage).name == "simulated" for stage in STAGES)


def installed(package: str) -> bool:
    """Whether `package` can be imported, without importing it."""
    return find_spec(package) is not None


def choose(
    settings: Settings,
    call: CallOptions | None = None,
    is_installed: Callable[[str], bool] = installed,
    store: Store | None = None,
) -> Choice:
    """The engines for a call (or the worker's default). Raises ProfileError.

    `store` has the weights of local engines; the user's own by default.
    """
    call = call or CallOptions()
    finder = _Finder(settings, is_installed, store or store_of(settings))
    name, why = _profile_name(call.profile or settings.agent_profile, finder)
    profile = PROFILES[name]
    warnings: list[str] = []
    specs = {}
    for stage in STAGES:
        # A call that names a profile gets that profile, whatever engines the worker prefers.
        own = None if call.profile else getattr(settings, f"agent_{stage}")
        specs[stage] = _first(stage, own or getattr(profile, stage), finder, warnings)
    choice = Choice(
        profile=name,
        why=why,
        **specs,
        greeting=_greeting(settings, call, profile),
        voice=call.voice or settings.agent_voice,
        language=(call.language or settings.agent_language).lower(),
        warnings=tuple(warnings),
    )
    if call.simulated is not None and not choice.simulated:
        raise ProfileError("'simulated' has no effect here: no engine of this call is simulated.")
    return choice


def parse_engines(stage: str, text: str) -> list[EngineSpec]:
    """An ordered list `name[:model], …` for a stage. Raises ProfileError for an unknown name."""
    specs = []
    for item in filter(None, (part.strip() for part in text.split(","))):
        name, _, model = item.partition(":")
        if name not in KNOWN[stage]:
            known = ", ".join(KNOWN[stage])
            raise ProfileError(f"AGENT_{stage.upper()}: there is no engine {name!r}; use {known}.")
        specs.append(EngineSpec(name=name, model=model or None))
    if not specs:
        raise ProfileError(f"AGENT_{stage.upper()} names no engine; unset it or name one.")
    return specs


@dataclass(frozen=True)
class _Finder:
    """Looks whether an engine can be had on this machine."""

    settings: Settings
    is_installed: Callable[[str], bool]
    store: Store

    def find(self, stage: str, spec: EngineSpec) -> EngineSpec:
        """The engine with its model's full name. Raises ProfileError with the remedy."""
        engine = KNOWN[stage][spec.name]
        if is_url(spec):
            return spec  # it runs elsewhere
        is_elsewhere = engine.has_weights and stage != "llm" and self.settings.agent_modelserver
        if missing := [] if is_elsewhere else self._missing(engine):
            raise ProfileError(
                f"The engine {spec.name} needs {', '.join(missing)}: "
                f"run `make setup{' LOCAL=1' if engine.has_weights else ''}`, "
                f"or install parley-agent[{engine.extra}]."
            )
        if not engine.has_weights:
            return spec
        try:
            if is_elsewhere and not is_path(spec):
                variant = self.store.catalogue.model(str(spec)).name.partition(":")[2]
                return EngineSpec(name=spec.name, model=variant)
            return spec if is_elsewhere else locate(spec, self.store).spec
        except UnknownWeights as e:
            raise ProfileError(f"AGENT_{stage.upper()}: {e}") from e
        except WeightsError as e:
            raise ProfileError(str(e)) from e

    def why_not(self, profile: Profile) -> str:
        """Why a profile cannot be had; empty when it can."""
        for stage in STAGES:
            try:
                self.find(stage, parse_engines(stage, getattr(profile, stage))[0])
            except ProfileError as e:
                return str(e)
        return ""

    def _missing(self, engine: Engine) -> list[str]:
        return [package for package in engine.needs if not self.is_installed(package)]


def _profile_name(wanted: str, finder: _Finder) -> tuple[str, str]:
    if wanted == "auto":
        if problem := finder.why_not(PROFILES["local"]):
            return "embedded", f"auto: embedded needs nothing; for local models: {problem}"
        return "local", "auto: the engines and weights of local models are here"
    if wanted in PROFILES:
        return wanted, "chosen by setting"
    known = ", ".join(["auto", *PROFILES])
    raise ProfileError(f"There is no profile {wanted!r}; use {known}.")


def _first(stage: str, text: str, finder: _Finder, warnings: list[str]) -> EngineSpec:
    specs = parse_engines(stage, text)
    first = specs[0]
    if len(specs) > 1:
        warnings.append(
            f"AGENT_{stage.upper()} lists {len(specs)} engines; only the first, {first}, is used."
        )
    return finder.find(stage, first)


def _greeting(settings: Settings, call: CallOptions, profile: Profile) -> str | None:
    if call.greeting is not None:
        return call.greeting or None
    if settings.agent_greeting is not None:
        return None if settings.agent_greeting.lower() == "none" else settings.agent_greeting
    return profile.greeting

"""From settings and a call's own options to the three engines, and why these."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

from agent.config import Settings
from agent.dispatch import CallOptions

STAGES = ("stt", "llm", "tts")


class ProfileError(Exception):
    """A profile or engine that cannot be used; the message says which and what to do."""


@dataclass(frozen=True, kw_only=True)
class EngineSpec:
    """An engine as written in the settings: `name` or `name:model`."""

    name: str
    model: str | None = None

    def __str__(self) -> str:
        return self.name if self.model is None else f"{self.name}:{self.model}"


@dataclass(frozen=True, kw_only=True)
class Engine:
    """An engine Parley knows."""

    needs: tuple[str, ...] = ()
    """Python packages outside the base install."""
    extra: str | None = None
    """The extra of the distribution that brings them."""


KNOWN: dict[str, dict[str, Engine]] = {
    "stt": {
        "pocketsphinx": Engine(needs=("pocketsphinx",), extra="embedded"),
        "simulated": Engine(),
    },
    "llm": {"responder": Engine(), "simulated": Engine()},
    "tts": {
        "espeak": Engine(needs=("espeakng_loader",), extra="embedded"),
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


PROFILES = {
    "embedded": Profile(
        stt="pocketsphinx",
        llm="responder",
        tts="espeak",
        greeting="Hello, I am Parley. How can I help you?",
    ),
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
) -> Choice:
    """The engines for a call (or the worker's default). Raises ProfileError."""
    call = call or CallOptions()
    name, why = _profile_name(call.profile or settings.agent_profile)
    profile = PROFILES[name]
    warnings: list[str] = []
    specs = {}
    for stage in STAGES:
        # A call that names a profile gets that profile, whatever engines the worker prefers.
        own = None if call.profile else getattr(settings, f"agent_{stage}")
        specs[stage] = _first(stage, own or getattr(profile, stage), is_installed, warnings)
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


def _profile_name(wanted: str) -> tuple[str, str]:
    if wanted == "auto":
        return "embedded", "auto: no other profile is available yet, embedded needs nothing"
    if wanted in PROFILES:
        return wanted, "chosen by setting"
    known = ", ".join(["auto", *PROFILES])
    raise ProfileError(f"There is no profile {wanted!r}; use {known}.")


def _first(
    stage: str, text: str, is_installed: Callable[[str], bool], warnings: list[str]
) -> EngineSpec:
    specs = parse_engines(stage, text)
    first = specs[0]
    if len(specs) > 1:
        warnings.append(
            f"AGENT_{stage.upper()} lists {len(specs)} engines; only the first, {first}, is used."
        )
    engine = KNOWN[stage][first.name]
    if missing := [package for package in engine.needs if not is_installed(package)]:
        raise ProfileError(
            f"The engine {first.name} needs {', '.join(missing)}: "
            f"run `make setup`, or install parley-agent[{engine.extra}]."
        )
    return first


def _greeting(settings: Settings, call: CallOptions, profile: Profile) -> str | None:
    if call.greeting is not None:
        return call.greeting or None
    if settings.agent_greeting is not None:
        return None if settings.agent_greeting.lower() == "none" else settings.agent_greeting
    return profile.greeting

"""From settings and a call's own options to the three engines, and why these."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from agent.config import Settings
from agent.dispatch import CallOptions
from agent.engine_spec import EngineSpec
from agent.local.models import LLAMA, is_url
from agent.weights import Store, store_of

from .finder import Finder, ProfileError, installed, parse_engines
from .known import KNOWN, PROFILES, REALTIME, STAGES, Profile


@dataclass(frozen=True, kw_only=True)
class Realtime:
    """A model that hears and speaks by itself, and what is behind it."""

    spec: EngineSpec
    voice: str | None
    cascade: str
    """The profile of the engines that take over."""

    @property
    def engines(self) -> dict[str, str]:
        """By stage: it does the work of all."""
        return dict.fromkeys(STAGES, str(self.spec))


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The engines of one call."""

    profile: str
    why: str
    listed: Mapping[str, tuple[EngineSpec, ...]]
    """By stage: the preferred engine, then those that follow when it fails."""
    greeting: str | None
    voice: str | None
    language: str
    speed: float = 1.0
    """Of a voice's own pace, for all of the list."""
    warnings: tuple[str, ...] = ()
    realtime: Realtime | None = None
    """With it, the engines above are those that take over."""

    @property
    def stt(self) -> EngineSpec:
        """The preferred one, as the others below."""
        return self.listed["stt"][0]

    @property
    def llm(self) -> EngineSpec:
        return self.listed["llm"][0]

    @property
    def tts(self) -> EngineSpec:
        return self.listed["tts"][0]

    @property
    def all(self) -> list[EngineSpec]:
        return [spec for specs in self.listed.values() for spec in specs]

    @property
    def engines(self) -> dict[str, str]:
        return {stage: ", ".join(map(str, specs)) for stage, specs in self.listed.items()}

    @property
    def simulated(self) -> bool:
        return any(spec.name == "simulated" for spec in self.all)


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
    language = (call.language or settings.agent_language).lower()
    finder = Finder(settings, is_installed, store or store_of(settings), language)
    if (call.profile or settings.agent_profile) == REALTIME:
        return _with_realtime(settings, call, finder)
    name, why = _profile_name(call.profile or settings.agent_profile, finder)
    profile = PROFILES[name]
    warnings: list[str] = []
    listed = _listed(settings, call, profile, finder, warnings)
    if settings.agent_turn_llm == "on" and all(spec.name != LLAMA for spec in listed["llm"]):
        warnings.append("AGENT_TURN_LLM=on has no effect: no language model here is llama_cpp.")
    choice = Choice(
        profile=name,
        why=why,
        listed=listed,
        greeting=_greeting(settings, call, profile),
        voice=call.voice or settings.agent_voice,
        language=language,
        speed=call.speed or settings.agent_speed,
        warnings=tuple(warnings),
    )
    if call.simulated is not None and not choice.simulated:
        raise ProfileError("'simulated' has no effect here: no engine of this call is simulated.")
    return choice


def _with_realtime(settings: Settings, call: CallOptions, finder: Finder) -> Choice:
    """The realtime model, and behind it the engines that the settings give without it."""
    spec, *others = parse_engines(REALTIME, settings.agent_realtime)
    if others:
        raise ProfileError("AGENT_REALTIME names two models: name one, the engines are behind it.")
    spec = finder.find(REALTIME, spec)
    without = settings.model_copy(update={"agent_profile": "auto", "agent_voice": None})
    others_call = call.model_copy(update={"profile": None, "voice": None})
    cascade = choose(without, others_call, finder.is_installed, finder.store)
    is_asked = call.greeting is not None or settings.agent_greeting is not None
    return replace(
        cascade,
        profile=REALTIME,
        greeting=cascade.greeting if is_asked or KNOWN[REALTIME][spec.name].greets else None,
        why=f"chosen by setting; {cascade.profile} is behind it ({cascade.why})",
        realtime=Realtime(
            spec=spec, voice=call.voice or settings.agent_voice, cascade=cascade.profile
        ),
    )


def _profile_name(wanted: str, finder: Finder) -> tuple[str, str]:
    if wanted == "auto":
        return _automatic(finder)
    if wanted in PROFILES:
        return wanted, "chosen by setting"
    known = ", ".join(["auto", *PROFILES, REALTIME])
    raise ProfileError(f"There is no profile {wanted!r}; use {known}.")


def _automatic(finder: Finder) -> tuple[str, str]:
    """Local engines first where there are both: they cost nothing and tell nobody."""
    no_local = finder.why_not(PROFILES["local"])
    if not no_local and finder.has_hosted():
        return "hybrid", "auto: weights of local models are here, and keys of hosted engines"
    if not no_local:
        here = "auto: the engines and weights of local models are here"
        return "local", f"{here}.{problem}" if (problem := finder.why_not_hosted()) else here
    if not finder.why_not(PROFILES["hosted"]):
        return "hosted", f"auto: the keys of hosted engines are here; for local models: {no_local}"
    why = f"auto: embedded needs nothing; for local models: {no_local}"
    return "embedded", why + finder.why_not_hosted()


def _listed(
    settings: Settings, call: CallOptions, profile: Profile, finder: Finder, warnings: list[str]
) -> dict[str, tuple[EngineSpec, ...]]:
    """By stage; a warning tells of each engine that cannot be had. Raises as `_usable`."""
    listed = {}
    for stage in STAGES:
        # A call that names a profile gets that profile, whatever engines the worker prefers.
        own = None if call.profile else getattr(settings, f"agent_{stage}")
        listed[stage] = _usable(stage, own or getattr(profile, stage), finder, warnings)
    if profile.net is not None:
        with suppress(ProfileError):
            listed["tts"] += (finder.find("tts", EngineSpec(name=profile.net, model=None)),)
    return {stage: tuple(dict.fromkeys(specs)) for stage, specs in listed.items()}


def _usable(stage: str, text: str, finder: Finder, warnings: list[str]) -> tuple[EngineSpec, ...]:
    """The engines of a list that can be had; a warning tells of each that cannot.

    Raises ProfileError when none can, with what is wrong with the first.
    """
    usable: list[EngineSpec] = []
    problems: list[ProfileError] = []
    for spec in parse_engines(stage, text):
        try:
            found = finder.find(stage, spec)
            finder.check_language(stage, found)
            usable.append(found)
        except ProfileError as e:
            problems.append(e)
            warnings.append(f"{spec} is left out of AGENT_{stage.upper()}: {e}")
    if not usable:
        raise problems[0]
    for extra in [spec for spec in usable if spec.name == LLAMA and not is_url(spec)][1:]:
        usable.remove(extra)
        warnings.append(f"{extra} is left out of AGENT_LLM: a host runs one model of llama.cpp.")
    return tuple(usable)


def _greeting(settings: Settings, call: CallOptions, profile: Profile) -> str | None:
    if call.greeting is not None:
        return call.greeting or None
    if settings.agent_greeting is not None:
        return None if settings.agent_greeting.lower() == "none" else settings.agent_greeting
    return profile.greeting

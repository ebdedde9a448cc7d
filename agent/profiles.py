"""From settings and a call's own options to the three engines, and why these."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec

from agent.config import Settings
from agent.dispatch import CallOptions
from agent.engine_spec import EngineSpec
from agent.hosted.keys import PROVIDERS, key_problem
from agent.local.models import LLAMA, is_path, is_url, locate
from agent.weights import Store, UnknownWeights, WeightsError, store_of

STAGES = ("stt", "llm", "tts")
REALTIME = "realtime"
"""The profile, and the stage, of one model in the place of three."""


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


_LANGUAGE_NAMES = {"cmn": "zh", "fil": "tl", "iw": "he", "jv": "jw", "nb": "no"}
"""Languages that Whisper's own list has under another name."""

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
    language = (call.language or settings.agent_language).lower()
    finder = _Finder(settings, is_installed, store or store_of(settings), language)
    if (call.profile or settings.agent_profile) == REALTIME:
        return _with_realtime(settings, call, finder)
    name, why = _profile_name(call.profile or settings.agent_profile, finder)
    profile = PROFILES[name]
    warnings: list[str] = []
    listed = {}
    for stage in STAGES:
        # A call that names a profile gets that profile, whatever engines the worker prefers.
        own = None if call.profile else getattr(settings, f"agent_{stage}")
        listed[stage] = _usable(stage, own or getattr(profile, stage), finder, warnings)
    if settings.agent_turn_llm == "on" and all(spec.name != LLAMA for spec in listed["llm"]):
        warnings.append("AGENT_TURN_LLM=on has no effect: no language model here is llama_cpp.")
    if profile.net is not None:
        with suppress(ProfileError):
            listed["tts"] += (finder.find("tts", EngineSpec(name=profile.net, model=None)),)
    choice = Choice(
        profile=name,
        why=why,
        listed={stage: tuple(dict.fromkeys(specs)) for stage, specs in listed.items()},
        greeting=_greeting(settings, call, profile),
        voice=call.voice or settings.agent_voice,
        language=language,
        speed=call.speed or settings.agent_speed,
        warnings=tuple(warnings),
    )
    if call.simulated is not None and not choice.simulated:
        raise ProfileError("'simulated' has no effect here: no engine of this call is simulated.")
    return choice


def _with_realtime(settings: Settings, call: CallOptions, finder: _Finder) -> Choice:
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
    language: str

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
        if engine.is_hosted and (problem := key_problem(PROVIDERS[spec.name], self.settings)):
            raise ProfileError(problem)
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

    def check_language(self, stage: str, spec: EngineSpec) -> None:
        """Raises ProfileError for a recogniser or a voice that was not made for callers' language.

        Of what is not in the catalogue nothing is known here.
        """
        if stage == "llm" or not KNOWN[stage][spec.name].has_weights or is_path(spec):
            return
        primary = self.language.replace("_", "-").partition("-")[0]
        known = self.store.catalogue.model(str(spec)).languages
        if primary != "auto" and _LANGUAGE_NAMES.get(primary, primary) not in known:
            raise ProfileError(
                f"{spec} was not made for the language {self.language!r}: name another in "
                f"AGENT_{stage.upper()} (`parley models` lists what each knows), or set AGENT_LANGUAGE."
            )

    def why_not(self, profile: Profile) -> str:
        """Why a preferred engine of a profile cannot be had; empty when all three can."""
        for stage in STAGES:
            try:
                self.find(stage, parse_engines(stage, getattr(profile, stage))[0])
            except ProfileError as e:
                return str(e)
        return ""

    def has_hosted(self) -> bool:
        """Whether an engine of the profile `hosted` can be had."""
        for stage in STAGES:
            with suppress(ProfileError):
                self.find(stage, parse_engines(stage, getattr(PROFILES["hosted"], stage))[0])
                return True
        return False

    def why_not_hosted(self) -> str:
        """As `why_not`, for who has set a key; empty for others, who did not ask for any."""
        is_meant = any(provider.key_in(self.settings) for provider in PROVIDERS.values())
        problem = self.why_not(PROFILES["hosted"])
        return f" For hosted engines: {problem}" if is_meant and problem else ""

    def _missing(self, engine: Engine) -> list[str]:
        return [package for package in engine.needs if not self.is_installed(package)]


def _profile_name(wanted: str, finder: _Finder) -> tuple[str, str]:
    if wanted == "auto":
        return _automatic(finder)
    if wanted in PROFILES:
        return wanted, "chosen by setting"
    known = ", ".join(["auto", *PROFILES, REALTIME])
    raise ProfileError(f"There is no profile {wanted!r}; use {known}.")


def _automatic(finder: _Finder) -> tuple[str, str]:
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


def _usable(stage: str, text: str, finder: _Finder, warnings: list[str]) -> tuple[EngineSpec, ...]:
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

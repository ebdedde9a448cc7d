"""Whether an engine can be had on this machine, and if not, what to do."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec

from agent.config import Settings
from agent.engine_spec import EngineSpec
from agent.hosted.keys import PROVIDERS, key_problem
from agent.local.models import is_path, is_url, locate
from agent.weights import Store, UnknownWeights, WeightsError

from .known import KNOWN, PROFILES, STAGES, Engine, Profile

_LANGUAGE_NAMES = {"cmn": "zh", "fil": "tl", "iw": "he", "jv": "jw", "nb": "no"}
"""Languages that Whisper's own list has under another name."""


class ProfileError(Exception):
    """A profile or engine that cannot be used; the message says which and what to do."""


def installed(package: str) -> bool:
    """Whether `package` can be imported, without importing it."""
    return find_spec(package) is not None


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
class Finder:
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

"""Which conversations are held with whom, and how often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from agent.config import Settings
from agent.dispatch import CallOptions
from agent.profiles import PROFILES, REALTIME, ProfileError, choose
from evals.conversations.model import ModelSettings
from evals.conversations.scenario import WAYS, Conversation, Way
from evals.conversations.trial import Job, UserKind
from evals.ear.systems import ROOT, System

RESULTS = ROOT / "evals" / "results" / "conversations.json"
VOICES = ROOT / "evals" / "data" / "voices.yaml"


@dataclass(frozen=True, kw_only=True)
class Options:
    """What is held with whom."""

    conversations: tuple[Conversation, ...]
    profiles: tuple[str, ...] | None
    """None for all that can run here."""
    ways: tuple[Way, ...] = WAYS
    repeat: int = 1
    parallel: int = 1
    output: Path = RESULTS
    user: UserKind = "rules"
    model: ModelSettings | None = None


def system_of(profile: str) -> System:
    return System(
        name=f"parley_{profile}",
        command=("python", "-m", "agent", "dev", "--no-reload"),
        environment={"AGENT_PROFILE": profile},
        profile=profile,
    )


def usable(wanted: Sequence[str] | None, settings: Settings) -> tuple[list[System], dict[str, str]]:
    """The systems of these profiles that can run here, and why the others cannot."""
    systems, not_run = [], {}
    for profile in wanted if wanted is not None else (*PROFILES, REALTIME):
        try:
            choose(settings, CallOptions(profile=profile))
        except ProfileError as e:
            not_run[profile] = str(e)
        else:
            systems.append(system_of(profile))
    return systems, not_run


def plan(options: Options, systems: Sequence[System], url: str) -> list[Job]:
    """Every repeat of every conversation with every system, who comes first changing."""
    spoken = voices()
    jobs = []
    for number in range(options.repeat):
        for index, conversation in enumerate(options.conversations):
            shift = (number + index) % max(1, len(systems))
            for system in [*systems[shift:], *systems[:shift]]:
                jobs += [
                    Job(
                        system=system,
                        conversation=conversation,
                        way=way,
                        number=number,
                        voice=spoken[number % len(spoken)],
                        url=url,
                        user=options.user,
                        model=options.model,
                    )
                    for way in options.ways
                    if _makes_sense(system, conversation, way)
                ]
    return jobs


def _makes_sense(system: System, conversation: Conversation, way: Way) -> bool:
    """Simulated engines are asked only how long they take: by voice, in fixed steps."""
    if way not in conversation.ways:
        return False
    return not system.is_simulated or (way == "voice" and conversation.user is None)


def voices() -> list[str]:
    """Those to tune with: nobody who speaks in a test."""
    names: list[str] = yaml.safe_load(VOICES.read_text(encoding="utf-8"))["flite"]["dev"]
    return names

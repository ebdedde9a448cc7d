"""What a simulated caller does in one call: dataclasses, and the same written as YAML."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import yaml
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from evals.ear.recording import EventKind

When = Literal["quiet", "during", "after"]

PAUSE_MARK = "|"

_STRICT = ConfigDict(extra="forbid")
_Name = Annotated[str, Field(min_length=1)]
_Seconds = Annotated[float, Field(ge=0, le=600)]
_Pause = Annotated[float, Field(gt=0, le=30)]


class ScenarioError(ValueError):
    """A scenario that cannot be carried out; the message says where and why."""


@dataclass(frozen=True, kw_only=True)
class Utterance:
    """What is said, by whom, with which pauses; or a sound (`voice` "sound")."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    id: _Name
    text: str = ""
    """As spoken; `|` stands where each pause is. Empty for a sound that is no speech."""
    voice: _Name
    """A flite voice (slt, rms, awb, kal16, kal), "human", or "sound"."""
    pauses_s: tuple[_Pause, ...] = ()
    """One for each `|` of a synthetic voice; a human recording brings its own."""
    apart: bool = False
    """Each part is synthesised by itself, with the melody of a sentence's end. Otherwise the
    whole is synthesised and cut: the pause falls into unfinished melody."""
    recording: str | None = None
    """Id in the manifest of the human turns."""
    wav: str | None = None
    """Path of a recording of one's own, 16 bit mono. `text` is what is said in it, with a `|` where
    it pauses for 0.3 s or longer; empty for a sound without words."""
    sound: str | None = None
    """Name in evals.ear.sounds."""
    seed: int = 0
    """Of a generated sound."""
    tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.voice == "human" and bool(self.recording) is bool(self.wav):
            raise ValueError(f"{self.id}: a human voice needs the id of its recording, or a wav")
        if self.voice != "human" and self.wav:
            raise ValueError(f"{self.id}: a wav is said by the voice human, not {self.voice}")
        if self.voice == "sound" and not self.sound:
            raise ValueError(f"{self.id}: a sound needs its name")
        if self.voice in ("human", "sound"):
            return
        if not all(self.parts):
            raise ValueError(f"{self.id}: there is no text on one side of a {PAUSE_MARK!r}")
        if len(self.pauses_s) != len(self.parts) - 1:
            raise ValueError(
                f"{self.id}: {len(self.parts)} parts need {len(self.parts) - 1} pauses, "
                f"not {len(self.pauses_s)}"
            )

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(part.strip() for part in self.text.split(PAUSE_MARK))

    @property
    def plain_text(self) -> str:
        return " ".join(filter(None, self.parts))


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing the caller does, and what it waits for.

    `quiet`: the last turn or interruption has been answered (or nobody will) and the agent has
    been silent for `seconds`. `during`: `seconds` after the agent began that answer. `after`:
    `seconds` after the end of the step before, whatever the agent does.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    kind: EventKind = "turn"
    utterance: Utterance
    when: When = "quiet"
    seconds: _Seconds = 1.0
    level_db: Annotated[float, Field(ge=-60, le=20)] = 0.0
    """Against the level at which the utterance was made."""


@dataclass(frozen=True, kw_only=True)
class Echo:
    """The agent's sound in the caller's microphone."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    level_db: Annotated[float, Field(ge=-60, le=0)] = -20.0
    delay_ms: Annotated[float, Field(ge=0, le=1000)] = 150.0


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What lies between the caller and the agent."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    noise_dbfs: Annotated[float, Field(ge=-100, le=0)] | None = -60.0
    """Of the noise bed; None for digital silence."""
    band: Literal["wide", "phone"] = "wide"
    echo: Echo | None = None
    loss: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    """Fraction of 20 ms chunks of the microphone that are lost."""
    reply_s: Annotated[float, Field(gt=0, le=600)] = 1.8
    """How long the simulated agent's replies are."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    name: _Name
    set: _Name
    split: Literal["dev", "test"] = "dev"
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]
    conditions: Conditions = Conditions()
    seed: int = 0
    """Of the noise bed and of the losses."""

    def __post_init__(self) -> None:
        if self.steps and self.steps[0].when != "quiet":
            raise ValueError(f"{self.name}: the first step must wait for quiet, nothing precedes")


_CALLS = TypeAdapter(tuple[Call, ...])


def load_calls(path: Path) -> tuple[Call, ...]:
    """The calls in a YAML file, a list of them. Raises ScenarioError with every problem."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as e:
        raise ScenarioError(f"{path} cannot be read: {e}") from None
    calls = parse_calls(content, str(path))
    names = [call.name for call in calls]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ScenarioError(f"{path}: each call needs a name of its own, not {', '.join(twice)}")
    return calls


def parse_calls(content: Any, source: str) -> tuple[Call, ...]:
    """`content` as YAML gives it; `source` is named in the message of a ScenarioError."""
    try:
        return _CALLS.validate_python(content)
    except ValidationError as e:
        problems = [f"{source}: {_sentence(error)}" for error in e.errors()]
        raise ScenarioError("\n".join(problems)) from None


def _sentence(error: Any) -> str:
    where = ".".join(str(part) for part in error["loc"]) or "file"
    return f"{where}: {error['msg'].removeprefix('Value error, ')}"

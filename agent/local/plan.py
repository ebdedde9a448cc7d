"""What a worker's local engines are, and how their processes are to run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from agent.config import Settings
from agent.engine_spec import EngineSpec
from agent.local.models import LLAMA, LocalModel, is_url, locate
from agent.local.tuning import Tuning
from agent.profiles import Choice
from agent.weights import Store

SERVED: dict[str, Literal["stt", "tts"]] = {
    "faster_whisper": "stt",
    "moonshine": "stt",
    "kokoro": "tts",
    "piper": "tts",
}
"""The engines of the model server."""

_MAX_SESSIONS = 64


@dataclass(frozen=True, kw_only=True)
class SpeechOptions:
    """What the recognisers and voices of a host are made for."""

    language: str
    hot_words: str = ""
    """That recognisers listen for."""
    speaker: str = ""
    """The preferred voice's engine."""
    voice: str | None = None
    """In the names of that; None for its own choice."""

    @classmethod
    def of(cls, settings: Settings, choice: Choice) -> SpeechOptions:
        return cls(
            language=choice.language,
            hot_words=settings.agent_hot_words,
            speaker=choice.tts.name,
            voice=choice.voice,
        )


@dataclass(frozen=True, kw_only=True)
class ServedModel:
    """An engine of the model server."""

    kind: Literal["stt", "tts"]
    model: LocalModel
    called: str = ""
    """Its name where that is another than the model's."""

    @property
    def name(self) -> str:
        """What calls ask the server for."""
        return self.called or str(self.model.spec)


@dataclass(frozen=True, kw_only=True)
class LocalPlan:
    """Everything that has to run before a worker can take calls; may be nothing."""

    served: tuple[ServedModel, ...] = ()
    llm: LocalModel | None = None
    draft: LocalModel | None = None
    """A small model that guesses the tokens of `llm`."""

    @property
    def is_empty(self) -> bool:
        return not self.served and self.llm is None


def make_plan(
    specs: Sequence[EngineSpec], store: Store, *, served: bool = True, draft: str | None = None
) -> LocalPlan:
    """`served` False: the engines of the model server run elsewhere. `draft`: of llama.cpp, a name or
    a path; nothing without a model that it could guess for.

    Raises WeightsError for a model that is not there.
    """
    models = [
        ServedModel(kind=SERVED[spec.name], model=locate(spec, store))
        for spec in specs
        if served and spec.name in SERVED
    ]
    llms = [spec for spec in specs if spec.name == LLAMA and not is_url(spec)]
    if not llms:
        return LocalPlan(served=tuple(models))
    guesser = EngineSpec(name=LLAMA, model=draft.removeprefix(f"{LLAMA}:")) if draft else None
    return LocalPlan(
        served=tuple(models),
        llm=locate(llms[0], store),
        draft=locate(guesser, store) if guesser else None,
    )


def engine_options(served: ServedModel, speech: SpeechOptions, tuning: Tuning) -> dict[str, Any]:
    """The arguments of its factory (`agent.local.factories`)."""
    options: dict[str, Any] = {"path": str(served.model.path)}
    variant = served.model.spec.model or ""
    voice = speech.voice if served.model.spec.name == speech.speaker else None
    match served.model.spec.name:
        case "faster_whisper":
            return options | {
                "language": None if speech.language == "auto" else speech.language,
                "max_sessions": _MAX_SESSIONS,
                "threads": tuning.whisper_threads,
                "compute_type": tuning.whisper_compute_type or None,
                "hot_words": speech.hot_words,
            }
        case "moonshine":
            return options | {"max_sessions": _MAX_SESSIONS}
        case "kokoro":
            return options | {
                "model": variant,
                "threads": tuning.kokoro_threads,
                "voice": voice,
            }
        case _:
            return options | {"model": variant, "voice": voice}

"""Which files a voice is run from, where it was downloaded in more than one precision."""

from __future__ import annotations

from dataclasses import replace

from agent.config import Settings
from agent.engine_spec import EngineSpec
from agent.local.models import LocalModel, is_path
from agent.local.plan import LocalPlan, ServedModel
from agent.local.tuning import Tuning
from agent.weights import Store, WeightsError

_VOICE = "kokoro"


def precisions_of(plan: LocalPlan, settings: Settings, store: Store) -> list[LocalModel]:
    """Kokoro's files that the settings leave a choice of, the most precise first; none when another
    voice is planned, one when the settings name it."""
    for served in plan.served:
        if served.model.spec.name == _VOICE:
            return [served.model] if _is_named(settings) else _downloaded(served.model, store)
    return []


def with_precision(plan: LocalPlan, settings: Settings, store: Store, tuning: Tuning) -> LocalPlan:
    """`plan` with the files that `parley tune` chose, where the settings name none and they are there.

    Calls ask for the voice by the name that it had.
    """
    return replace(
        plan,
        served=tuple(
            replace(served, model=model, called=served.name)
            if (model := _tuned(served, settings, store, tuning))
            else served
            for served in plan.served
        ),
    )


def _tuned(
    served: ServedModel, settings: Settings, store: Store, tuning: Tuning
) -> LocalModel | None:
    if served.model.spec.name != _VOICE or _is_named(settings):
        return None
    for model in _downloaded(served.model, store):
        if model.spec.model == tuning.kokoro_variant:
            return model
    return None


def _is_named(settings: Settings) -> bool:
    """Whether the settings say which files."""
    first = (settings.agent_tts or "").partition(",")[0].strip()
    return ":" in first


def _downloaded(model: LocalModel, store: Store) -> list[LocalModel]:
    """Those whose names differ from `model`'s only by a precision: "v1.0" and "v1.0-int8"."""
    if is_path(model.spec):
        return [model]
    base = (model.spec.model or "").partition("-")[0]
    found = []
    for known in store.catalogue.models:
        variant = known.name.partition(":")[2]
        if known.engine != model.spec.name or variant.partition("-")[0] != base:
            continue
        try:
            path = store.find(known.name)
        except WeightsError:
            continue
        found.append(LocalModel(spec=EngineSpec(name=known.engine, model=variant), path=path))
    return found

"""`parley models` and `parley download`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.filesize import decimal
from rich.prompt import Confirm

from agent.config import ConfigError
from agent.weights.catalogue import Model
from agent.weights.download import Downloader
from agent.weights.errors import UnknownWeights, WeightsError
from agent.weights.hub import Hub
from agent.weights.show import Bars, Lines, models_table, plan_table
from agent.weights.store import Examination, State, Store

__all__ = ["download", "list_models"]

DEFAULT_PROFILE = "local"

_console = Console()
_errors = Console(stderr=True)


def list_models(store: Store, *, as_json: bool) -> int:
    """Prints every model of the catalogue and whether it is here; the exit status."""
    found = {model: store.examine(model) for model in store.catalogue.models}
    if as_json:
        rows = [_row(store, model, found[model]) for model in found]
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
        return 0
    _show(store, found)
    _say(f"They are kept in {store.root}; `parley download MODEL` fetches one.")
    return 0


def download(
    store: Store, names: Sequence[str], *, yes: bool, check: bool, hub: Hub | None = None
) -> int:
    """Fetches models and those of profiles, or with `check` reads them all; the exit status.

    Raises ConfigError for a name that is neither.
    """
    try:
        models = store.catalogue.select(names or [DEFAULT_PROFILE])
    except UnknownWeights as e:
        raise ConfigError([str(e)]) from None
    try:
        return _check(store, models) if check else _fetch(store, models, hub or _hub(), ask=not yes)
    except WeightsError as e:
        _fail(str(e))
    except OSError as e:
        _fail(f"{e.filename or store.root}: {e.strerror}; AGENT_CACHE_DIR names another folder.")
    except (KeyboardInterrupt, EOFError):
        _say("Stopped. What came is kept: the same command goes on where it stopped.")
        return 130
    return 1


def _hub() -> Hub:
    offline = os.environ.get("PARLEY_OFFLINE", "").lower() not in {"", "0", "false", "no"}
    return Hub(offline=offline)


def _check(store: Store, models: Sequence[Model]) -> int:
    found = {model: store.examine(model, rehash=True) for model in models}
    _show(store, found)
    for examination in found.values():
        if examination.state is State.MISSING:
            _fail(examination.problem)
    return 0 if all(e.state is State.PRESENT for e in found.values()) else 1


def _fetch(store: Store, models: Sequence[Model], hub: Hub, *, ask: bool) -> int:
    found = {model: store.examine(model, record=True) for model in models}
    todo = [model for model in models if found[model].state is not State.PRESENT]
    if todo:
        lacking = {model: store.lacking_bytes(model) for model in todo}
        _console.print(plan_table(lacking))
        question = f"Download {decimal(sum(lacking.values()))}?"
        can_ask = sys.stdin.isatty() and _console.is_terminal
        if ask and can_ask and not Confirm.ask(question, console=_console, default=True):
            return 1
        with Bars(_console) if _console.is_terminal else Lines(_console) as report:
            Downloader(store=store, hub=hub, report=report, say=_say).fetch_all(todo)
    for model in models:
        _say(f"{model.name} is in {store.folder(model)}")
    return 0


def _show(store: Store, found: Mapping[Model, Examination]) -> None:
    _console.print(models_table(store.catalogue, found))
    for examination in found.values():
        if examination.state is State.BROKEN:
            _fail(examination.problem)


def _say(sentence: str) -> None:
    _console.print(sentence, markup=False, highlight=False, soft_wrap=True)


def _fail(sentence: str) -> None:
    _errors.print(sentence, style="red", markup=False, highlight=False, soft_wrap=True)


def _row(store: Store, model: Model, found: Examination) -> dict[str, Any]:
    return {
        "name": model.name,
        "stage": model.stage,
        "size_bytes": model.size_bytes,
        "licence": model.licence,
        "languages": model.languages,
        "state": found.state,
        "problem": found.problem,
        "profiles": store.catalogue.profiles_of(model),
        "extra": model.extra,
        "source": model.source,
        "folder": str(store.folder(model)),
    }

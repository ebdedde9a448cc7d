"""What many conversations amount to, and the file they are kept in."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from evals.conversations.rules import Check
from evals.conversations.trial import Trial
from evals.ear.metrics import Share
from evals.ear.results import EventResult, ResultsError

VERSION = 1
Column = tuple[str, str]
"""System and way."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """A file of results."""

    when: str
    conditions: dict[str, Any]
    not_run: dict[str, str]
    """Profiles that cannot run here, and why."""
    trials: tuple[Trial, ...]


def columns(trials: Iterable[Trial]) -> list[Column]:
    """Each system and way, in the order in which they came."""
    return list(dict.fromkeys((trial.system, trial.way) for trial in trials))


def of_column(trials: Iterable[Trial], column: Column) -> list[Trial]:
    return [trial for trial in trials if (trial.system, trial.way) == column]


def pass_hat(trials: Sequence[Trial], k: int) -> float | None:
    """pass^k as tau-bench defines it: the chance that k trials of a task, drawn without replacement,
    all succeed, on average over the tasks. None unless a task was judged k times."""
    shares = []
    for name in dict.fromkeys(trial.conversation for trial in trials):
        outcomes = [trial.success for trial in trials if trial.conversation == name]
        judged = [success for success in outcomes if success is not None]
        if len(judged) >= k:
            shares.append(math.comb(sum(judged), k) / math.comb(len(judged), k))
    return sum(shares) / len(shares) if shares else None


def in_time(trials: Iterable[Trial]) -> Share:
    """Of the steps with a limit, those that were answered within it."""
    checks = [check for trial in trials for check in trial.checks if check.about == "time"]
    judged = [check for check in checks if check.verdict != "not judged"]
    hits = sum(check.verdict == "met" for check in judged)
    return Share(hits=hits, n=len(judged), unmeasured=len(checks) - len(judged))


def unjudged(trials: Iterable[Trial]) -> dict[str, int]:
    """How many checks of tasks nobody could judge, by the reason."""
    counts: dict[str, int] = {}
    for trial in trials:
        for check in trial.checks:
            if check.about == "task" and check.verdict == "not judged":
                counts[check.why] = counts.get(check.why, 0) + 1
    return counts


def write(run: Run, path: Path) -> None:
    """The file as a whole, a line for each trial."""
    head = {
        "version": VERSION,
        "when": run.when,
        "conditions": run.conditions,
        "not_run": run.not_run,
    }
    lines = ",\n".join(json.dumps(_compact(trial), separators=(",", ":")) for trial in run.trials)
    text = f'{{{json.dumps(head)[1:-1]},\n"trials":[\n{lines}\n]}}\n'
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".part")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, path)


def read(path: Path) -> Run:
    """Raises ResultsError."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["version"] != VERSION:
            raise ResultsError(f"{path} has version {content['version']}, this reads {VERSION}")
        return Run(
            when=content["when"],
            conditions=content["conditions"],
            not_run=content["not_run"],
            trials=tuple(_trial(values) for values in content["trials"]),
        )
    except ResultsError:
        raise
    except FileNotFoundError:
        raise ResultsError(f"there is no {path}: run `make conversations` first") from None
    except (OSError, ValueError) as e:
        raise ResultsError(f"{path} cannot be read: {e}") from e
    except (KeyError, TypeError, AttributeError) as e:
        raise ResultsError(f"{path} is no file of conversations: {e!r}") from e


def _compact(trial: Trial) -> dict[str, Any]:
    values = {item.name: getattr(trial, item.name) for item in fields(trial)}
    values["checks"] = [asdict(check) for check in trial.checks]
    values["results"] = [_rounded(asdict(result)) for result in trial.results]
    return values


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {name: _rounded(inner) for name, inner in value.items()}
    return [_rounded(inner) for inner in value] if isinstance(value, list | tuple) else value


def _trial(values: dict[str, Any]) -> Trial:
    lists = {
        "checks": tuple(Check(**check) for check in values["checks"]),
        "results": tuple(EventResult.from_dict(result) for result in values["results"]),
        "exchanges": tuple(values["exchanges"]),
    }
    return Trial(**values | lists)

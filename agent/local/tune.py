"""`parley tune`: times the local engines of the settings on this machine and keeps the best choice."""

from __future__ import annotations

from rich.console import Console
from rich.progress import track
from rich.table import Table

from agent.config import ConfigError, Settings
from agent.local.plan import LocalPlan
from agent.local.precision import precisions_of
from agent.local.trials import trials_of
from agent.local.tuning import Measurement, best, save, tuning_of
from agent.weights import store_of


def run_tune(settings: Settings, plan: LocalPlan) -> int:
    """Prints what was measured and saves the choice; the exit status.

    Raises ConfigError when there is nothing to choose, EngineError when a model cannot be loaded.
    """
    console = Console()
    trials = trials_of(plan, precisions_of(plan, settings, store_of(settings)))
    if not trials:
        raise ConfigError(
            [
                "These settings have no Whisper, Kokoro or llama.cpp of this machine: there is "
                "nothing to tune. Run `parley download`, then set AGENT_PROFILE=local."
            ]
        )
    measurements = [
        trial.run()
        for trial in track(trials, description="measuring", console=console, transient=True)
    ]
    chosen = best(measurements)
    path = save(settings.cache_dir, tuning_of(chosen), measurements)
    console.print(_table(measurements, chosen))
    for line in [*_together(chosen), *_first_clause(chosen)]:
        console.print(line)
    console.print(f"kept in {path}", highlight=False, soft_wrap=True)
    return 0


def _together(chosen: dict[str, Measurement]) -> list[str]:
    if not (whisper := chosen.get("faster_whisper")):
        return []
    if whisper.batch == 1:
        return [
            "Callers' interims are decoded one after the other: together all would wait longer."
        ]
    return [f"Interims of up to {whisper.batch} callers are decoded together."]


def _first_clause(chosen: dict[str, Measurement]) -> list[str]:
    """What the voice's speed means for a reply's beginning."""
    if not (voice := chosen.get("kokoro")) or not (planner := voice.planner()):
        return []
    least_chars = planner.first_length().sentence_chars
    first_s = voice.fixed_s + voice.per_s * least_chars / planner.chars_per_s
    lines = [
        f"A second of speech is made in {voice.per_s:.2f} s: a reply's first clause is"
        f" {least_chars} characters or more, and heard after {first_s:.2f} s."
    ]
    if voice.per_s >= 1:
        lines.append(
            "That is slower than it is spoken, so long replies will pause:"
            " a GPU, or AGENT_TTS=espeak or piper, is quicker."
        )
    return lines


def _table(measurements: list[Measurement], chosen: dict[str, Measurement]) -> Table:
    table = Table("engine", "precision", "threads", "seconds", "")
    for each in measurements:
        mark = "chosen" if chosen[each.engine] is each else ""
        table.add_row(each.engine, each.variant, str(each.threads), f"{each.seconds:.3f}", mark)
    return table

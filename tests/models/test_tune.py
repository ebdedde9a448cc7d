"""`parley tune` on the real libraries, with models made for tests."""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path

import numpy as np
import pytest

from agent.config import ConfigError, Settings
from agent.local.host import plan_of
from agent.local.plan import SpeechOptions, engine_options
from agent.local.trials import clause_cost, compute_types, thread_counts
from agent.local.tune import run_tune
from agent.local.tuning import FILE, load
from agent.profiles import choose
from tests.models.local_settings import local_settings

RATE_HZ = 24_000


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    named = {name.lower(): value for name, value in local_settings(tmp_path).items()}
    return Settings(_env_file=None, agent_cache_dir=tmp_path / "cache", **named)


@pytest.mark.timeout(60)  # every model is loaded several times
def test_all_engines_are_timed_and_a_worker_runs_them_so(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    choice = choose(settings)
    assert run_tune(settings, plan_of(settings, choice)) == 0
    told = capsys.readouterr().out
    tuning = load(settings.cache_dir)
    counts = thread_counts(os.cpu_count() or 1)
    measured = json.loads((settings.cache_dir / FILE).read_text())["measurements"]
    assert [(each["engine"], each["variant"], each["threads"]) for each in measured] == [
        *(("faster_whisper", *way) for way in itertools.product(compute_types(), counts)),
        *(("kokoro", "", threads) for threads in counts),
        *(("llama_cpp", "", threads) for threads in counts),
    ]
    assert all(each["seconds"] > 0 for each in measured)
    assert told.count("chosen") == 3
    assert "first clause is" in told and str(settings.cache_dir / FILE) in told
    plan = plan_of(settings, choice, tuning)
    whisper, kokoro = (
        engine_options(served, SpeechOptions(language="en"), tuning) for served in plan.served
    )
    assert whisper["compute_type"] in compute_types()
    assert whisper["threads"] in counts and kokoro["threads"] in counts
    assert 0 < tuning.kokoro_per_s < 0.5, "a hum costs next to nothing"
    assert tuning.llama_first_s > 0
    assert (planner := tuning.planner()) and planner.first_length().sentence_chars == 4


def test_the_most_precise_type_is_tried_first() -> None:
    types = compute_types()
    assert {"float32", "int8"} <= set(types)
    assert types.index("float32") < types.index("int8")


def test_what_a_clause_costs_is_told_from_what_is_heard_of_it() -> None:
    pause = np.zeros(RATE_HZ // 4, np.int16)
    clauses = []
    for heard_s in (0.8, 2.4, 1.6):
        sound = np.full(round(heard_s * RATE_HZ), 3000, np.int16)
        clauses.append((np.concatenate([sound, pause]).tobytes(), 0.2 + 0.5 * heard_s))
    cost = clause_cost([*clauses, (pause.tobytes(), 9.0)], RATE_HZ)
    assert cost.per_s == pytest.approx(0.5, abs=0.01)
    assert cost.fixed_s == pytest.approx(0.2, abs=0.02)


@pytest.mark.parametrize("stt", ["simulated", "moonshine:."])
def test_where_there_is_no_choice_there_is_nothing_to_tune(stt: str, tmp_path: Path) -> None:
    settings = Settings(
        _env_file=None, agent_cache_dir=tmp_path, agent_profile="simulated", agent_stt=stt
    )
    with pytest.raises(ConfigError, match="nothing to tune"):
        run_tune(settings, plan_of(settings, choose(settings)))
    assert not (tmp_path / FILE).exists()

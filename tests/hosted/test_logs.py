"""Of what hosted engines hear, write and speak no word is in the log but in fields for content."""

from __future__ import annotations

import logging
import traceback

import pytest
from livekit.agents.cli.log import NOISY_LOGGERS

from evals.chaos.lines import pipeline, reply_to, settings_of, turn_of
from tests.chaos.providers import Order, running_providers
from tests.chaos.trials import Trial, all_trials

pytestmark = pytest.mark.usefixtures("http")

NOUN = "violin"
CASES: list[tuple[Order, Trial | None]] = [
    ("deepgram first", None),
    ("openai first", None),
    *(
        ("deepgram first", trial)
        for trial in all_trials()
        if trial.stage in ("llm", "tts")
        and trial.name
        in ("first: garbage", "midway: garbage", "midway: 10 MB line", "HTML with 200", "500")
    ),
]


def told(record: logging.LogRecord) -> str:
    """All of the record that is written, but its fields for content."""
    fields = {name: it for name, it in vars(record).items() if not name.startswith("lk.pii.")}
    error = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else ""
    return f"{record.getMessage()} {fields} {error}".lower()


@pytest.mark.parametrize(("order", "trial"), CASES, ids=str)
async def test_no_word_of_a_turn_is_in_the_log(
    order: Order, trial: Trial | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in NOISY_LOGGERS:  # as the worker has them
        caplog.set_level(logging.WARNING, name)
    caplog.set_level(logging.DEBUG, "livekit")
    async with running_providers(order) as providers:
        providers.openai.reply = reply_to
        async with pipeline(settings_of(providers)) as engines:
            if trial is not None:
                await providers.prepare(trial)
            turn = await turn_of(engines, NOUN)
    assert turn.problems() == []
    assert NOUN in turn.understood and NOUN in turn.reply
    leaks = [line for record in caplog.records if NOUN in (line := told(record))]
    assert leaks == []

"""deploy/compose.yaml without Docker: its services as processes, one call, and what Prometheus has of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
import yaml

from tests.deploy import tools
from tests.deploy.project import DEPLOY
from tests.fakes.eventually import eventually
from tests.models.local_settings import HEARD, local_settings
from tests.room.composed import Composed, ask
from tests.stack.caller import Caller
from tests.stack.processes import KEYS
from tests.stack.speech import speech


@pytest.fixture
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composed]:
    settings = local_settings(tmp_path_factory.mktemp("models")) | {
        "LIVEKIT_API_KEY": KEYS.api_key,
        "LIVEKIT_API_SECRET": KEYS.api_secret,
        "AGENT_MODELSERVER_TOKEN": "open sesame",
    }
    services = Composed(tmp_path_factory.mktemp("composed"), settings)
    with services.running():
        yield services


@pytest.mark.timeout(tools.INSTALLING_S)
async def test_the_services_together_answer_a_caller_and_prometheus_reads_every_one(
    services: Composed,
) -> None:
    page = services.url("web", 8080)
    join = await asyncio.to_thread(ask, f"{page}/api/token", {})
    caller = Caller(join["participant_identity"])
    try:
        await caller.join(join["server_url"], join["participant_token"])
        await caller.wait_for_answer(caller.joined_s)
        await caller.wait_for_quiet()
        end_s = await caller.say(speech("What time is it now?"))
        await caller.wait_for_answer(end_s, timeout_s=30)
        await caller.wait_for(
            lambda: HEARD.split()[-1] in caller.said("caller").lower(), "the caller's words"
        )
        for figure in ("parley_calls == 1", "sum(parley_modelserver_sessions) >= 1"):
            await caller.wait_for(lambda figure=figure: services.query(figure), figure)
    finally:
        await caller.leave()
    scraped = yaml.safe_load((DEPLOY / "prometheus/prometheus.yaml").read_text())["scrape_configs"]
    all_up = {job["job_name"]: "1" for job in scraped}
    await eventually(
        lambda: {one["metric"]["job"]: one["value"][1] for one in services.query("up")} == all_up,
        deadline_s=30,
    )
    rules = await asyncio.to_thread(ask, f"{services.url('prometheus', 9090)}/api/v1/rules")
    assert {group["name"] for group in rules["data"]["groups"]} >= {"parley-pool", "parley-calls"}
    assert services.query("livekit_room_total")

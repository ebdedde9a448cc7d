from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from agent.log_noise import keep_noise_out

CLIENT = logging.getLogger("livekit")
TEN_VAD = logging.getLogger("livekit.plugins.ten_vad")


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    filters, level = list(CLIENT.filters), TEN_VAD.level
    keep_noise_out()
    keep_noise_out()
    yield
    CLIENT.filters[:] = filters
    TEN_VAD.setLevel(level)


def test_a_room_that_closes_is_no_error_and_others_are(caplog: pytest.LogCaptureFixture) -> None:
    CLIENT.error("publisher data channel '%s' closed", "_reliable")
    CLIENT.error("signal client closed")
    assert caplog.messages == ["signal client closed"]


def test_the_licence_of_ten_vad_is_left_to_the_worker_and_its_errors_are_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    TEN_VAD.warning("a notice")
    TEN_VAD.error("an error")
    assert caplog.messages == ["an error"]

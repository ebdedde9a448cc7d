"""A member that was left alone is tried again, and only then trusted; nothing of it is waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from livekit.agents import APIConnectionError, APIStatusError
from livekit.plugins.chains import Breakers, Fault, FaultKind, Member, Prober
from livekit.plugins.chains.events import BreakerChanged, ChainEvent, Hedged, Switched, report
from livekit.plugins.chains.strays import PATIENCE_S, Strays

pytestmark = pytest.mark.virtual_time

BROKEN = Fault(FaultKind.UNREACHABLE, "no connection")


class Engine:
    """Fails as often as `errors` says."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.probed_at_s: list[float] = []

    async def probe(self) -> None:
        self.probed_at_s.append(asyncio.get_running_loop().time())
        if self.errors:
            raise self.errors.pop(0)


def opened(breakers: Breakers, name: str = "one") -> Breakers:
    for _ in range(3):
        breakers.of(name).failed(BROKEN)
    return breakers


def prober(
    engine: Engine, breakers: Breakers, probe: Callable[[Engine], Awaitable[object]] = Engine.probe
) -> Prober[Engine]:
    return Prober([Member("one", engine, 0.5)], breakers, probe)


def breakers() -> Breakers:
    return Breakers(chance=lambda: 0.5)


@pytest.mark.parametrize("deadline_s", [0.0, -1.0, float("nan")])
def test_a_member_needs_a_deadline(deadline_s: float) -> None:
    with pytest.raises(ValueError, match="one"):
        Member("one", Engine(), deadline_s)


async def test_a_healthy_member_is_not_probed() -> None:
    engine = Engine()
    watching = prober(engine, breakers())
    watching.watch()
    await asyncio.sleep(60.0)
    assert engine.probed_at_s == []
    await watching.aclose()


async def test_an_open_member_comes_back_by_itself_once_a_probe_succeeds() -> None:
    engine, shared = Engine(APIConnectionError()), opened(breakers())
    watching = prober(engine, shared)
    watching.watch()
    watching.watch()
    await asyncio.sleep(14.9)
    assert not shared.of("one").may_try()
    await asyncio.sleep(0.2)
    assert shared.of("one").may_try()
    assert engine.probed_at_s == pytest.approx([5.0, 15.0])
    await watching.aclose()


async def test_of_several_watchers_one_probes() -> None:
    engine, shared = Engine(), opened(breakers())
    watching = [prober(engine, shared) for _ in range(3)]
    for one in watching:
        one.watch()
    await asyncio.sleep(10.0)
    assert len(engine.probed_at_s) == 1 and shared.of("one").may_try()
    for one in watching:
        await one.aclose()


async def test_a_probe_that_finds_the_key_refused_is_the_last() -> None:
    engine, shared = Engine(APIStatusError("no", status_code=401)), opened(breakers())
    watching = prober(engine, shared)
    watching.watch()
    await asyncio.sleep(3600.0)
    watching.watch()
    await asyncio.sleep(3600.0)
    assert len(engine.probed_at_s) == 1 and not shared.of("one").may_try()
    await watching.aclose()


async def test_a_probe_that_hangs_is_a_fault_after_the_members_deadline() -> None:
    shared = opened(breakers())
    released = asyncio.Event()

    async def hang(engine: Engine) -> None:
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue

    watching = prober(Engine(), shared, hang)
    watching.watch()
    await asyncio.sleep(5.6)
    wait_s = shared.of("one").probe_in_s()
    assert wait_s is not None and wait_s == pytest.approx(9.9)
    await watching.aclose()
    released.set()


async def test_work_that_ends_in_time_gives_its_result_or_its_error() -> None:
    strays = Strays()
    assert await strays.within(asyncio.ensure_future(asyncio.sleep(0.1, "done")), 0.2) == "done"
    with pytest.raises(ZeroDivisionError):
        await strays.within(asyncio.ensure_future(divide()), 0.2)


async def divide() -> float:
    return 1 / 0


async def test_work_that_will_not_end_is_left_behind_and_ends_with_the_chain() -> None:
    strays, loop = Strays(), asyncio.get_running_loop()
    begun_s = loop.time()
    with pytest.raises(TimeoutError):
        await strays.within(asyncio.ensure_future(stubborn(1.0)), 0.5)
    await strays.close(stubborn(1.0))
    assert loop.time() - begun_s == pytest.approx(0.5 + PATIENCE_S)
    await strays.aclose()
    assert loop.time() - begun_s == pytest.approx(0.5 + 2 * PATIENCE_S)
    await asyncio.sleep(5.0)


async def stubborn(for_s: float) -> None:
    """Goes on for `for_s` after it was told to stop, then fails."""
    try:
        await asyncio.sleep(3600.0)
    except asyncio.CancelledError:
        await asyncio.sleep(for_s)
        raise ValueError from None


async def test_a_closing_that_fails_is_no_concern_of_the_chain() -> None:
    await Strays().close(divide())


EVENTS: list[ChainEvent] = [
    Switched(stage="llm", source="one", to="two", fault=BROKEN, words=3),
    Switched(stage="stt", source="one", to=None, fault=BROKEN, audio_s=1.5),
    Hedged(stage="llm", first="one", second="two", winner="two", wasted_tokens=4),
    BreakerChanged(name="one", state=Breakers().of("one").state),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_each_event_is_one_line_and_a_listener_that_fails_harms_nobody(
    event: ChainEvent, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(event: ChainEvent) -> None:
        raise RuntimeError

    with caplog.at_level("INFO"):
        report(event, fails)
    assert len(caplog.records) == 2 and "listener" in caplog.records[1].message

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from livekit.agents import llm

from tests.fakes.virtual_time import VirtualTimeLoop, run_virtual

REAL_CLOCKS = (time.time, time.perf_counter, time.monotonic)


def real_seconds() -> float:
    return REAL_CLOCKS[1]()


def test_an_hour_passes_in_no_time() -> None:
    begun_s = real_seconds()

    async def an_hour() -> float:
        await asyncio.sleep(3600)
        return asyncio.get_running_loop().time()

    assert run_virtual(an_hour()) == pytest.approx(3600)
    assert real_seconds() - begun_s < 5


def test_timers_fire_in_order_at_their_exact_times() -> None:
    async def main() -> list[tuple[str, float]]:
        loop, fired = asyncio.get_running_loop(), []

        async def wait(name: str, delay_s: float) -> None:
            await asyncio.sleep(delay_s)
            fired.append((name, round(loop.time(), 9)))

        await asyncio.gather(wait("late", 2.5), wait("early", 0.25), wait("middle", 1.0))
        return fired

    assert run_virtual(main()) == [("early", 0.25), ("middle", 1.0), ("late", 2.5)]


def test_the_clocks_of_the_time_module_follow_and_are_given_back() -> None:
    async def main() -> list[float]:
        before = [time.time(), time.perf_counter(), time.monotonic()]
        await asyncio.sleep(100)
        after = [time.time(), time.perf_counter(), time.monotonic()]
        return [b - a for a, b in zip(before, after, strict=True)]

    assert run_virtual(main()) == pytest.approx([100, 100, 100])
    assert (time.time, time.perf_counter, time.monotonic) == REAL_CLOCKS


def test_the_clocks_are_given_back_after_an_error() -> None:
    async def main() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        run_virtual(main())
    assert (time.time, time.perf_counter, time.monotonic) == REAL_CLOCKS


def test_messages_are_dated_by_the_virtual_clock() -> None:
    async def main() -> float:
        before = llm.ChatMessage(role="user", content=["a"])
        await asyncio.sleep(50)
        return llm.ChatMessage(role="user", content=["b"]).created_at - before.created_at

    assert run_virtual(main()) == pytest.approx(50)


@pytest.mark.parametrize("way", ["run_in_executor", "to_thread", "wrap_future"])
def test_time_stands_still_while_a_thread_works(way: str) -> None:
    async def main() -> tuple[float, list[str]]:
        loop, order = asyncio.get_running_loop(), []

        async def timer() -> None:
            await asyncio.sleep(5)  # longer than the work takes in real time
            order.append("timer")

        def work() -> None:
            REAL_SLEEP(0.05)
            order.append("work")

        async def worker() -> float:
            with ThreadPoolExecutor(1) as pool:
                if way == "run_in_executor":
                    await loop.run_in_executor(pool, work)
                elif way == "to_thread":
                    await asyncio.to_thread(work)
                else:
                    await asyncio.wrap_future(pool.submit(work))
                return loop.time()

        finished_s, _ = await asyncio.gather(worker(), timer())
        return finished_s, order

    finished_s, order = run_virtual(main())
    assert order == ["work", "timer"]
    assert finished_s == 0.0


def test_what_comes_back_from_many_threads_is_never_overtaken_by_the_clock() -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(4) as pool:
            for _ in range(300):
                async with asyncio.timeout(1000):  # a jump would end it
                    await asyncio.gather(
                        *(asyncio.wrap_future(pool.submit(sum, [1, 2])) for _ in range(4))
                    )
        return loop.time()

    assert run_virtual(main()) == 0.0


def test_a_deadline_on_stuck_work_ends_in_real_time() -> None:
    release = threading.Event()

    async def main() -> float:
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1) as pool:
            stuck = pool.submit(release.wait)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await asyncio.wrap_future(stuck)
            ended_s = loop.time()
            release.set()
        return ended_s

    begun_s = real_seconds()
    assert run_virtual(main()) == pytest.approx(0.05)
    assert real_seconds() - begun_s >= 0.05


def test_time_jumps_again_once_forgotten_work_is_done() -> None:
    async def main() -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(REAL_SLEEP, 0.02)  # nobody awaits it
            await asyncio.sleep(3600)

    begun_s = real_seconds()
    run_virtual(main())
    assert real_seconds() - begun_s < 5


def test_work_cancelled_before_it_began_does_not_hold_the_clock() -> None:
    release = threading.Event()

    async def main() -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(release.wait)
            waiting = pool.submit(release.wait)
            assert waiting.cancel()
            release.set()
            await asyncio.sleep(3600)

    run_virtual(main())


def test_a_loop_may_be_run_several_times_and_its_clock_goes_on() -> None:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(asyncio.sleep(10))
        runner.run(asyncio.sleep(5))
        assert runner.get_loop().time() == pytest.approx(15)


REAL_SLEEP = time.sleep

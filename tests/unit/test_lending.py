"""What is slow to make is made once and lent again."""

from __future__ import annotations

import threading

import pytest
from livekit.plugins.speechcore import EngineBusy, EngineError
from livekit.plugins.speechcore.lending import Lender


class Workshop:
    """Makes things, and knows them all."""

    def __init__(self) -> None:
        self.made: list[Thing] = []
        self.is_broken = False
        self.is_open = threading.Event()
        self.is_open.set()

    def make(self) -> Thing:
        self.is_open.wait()
        if self.is_broken:
            raise EngineError("the workshop is broken")
        self.made.append(Thing())
        return self.made[-1]


class Thing:
    is_closed = False

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def workshop() -> Workshop:
    return Workshop()


@pytest.fixture
def lender(workshop: Workshop) -> Lender[Thing]:
    return Lender(workshop.make, most=2, engine="test", things="things")


def test_what_came_back_is_lent_again(lender: Lender[Thing], workshop: Workshop) -> None:
    first = lender.lend()
    lender.take_back(first)
    assert lender.lend() is first
    assert len(workshop.made) == 1


def test_loading_beforehand_is_not_loading_twice(lender: Lender[Thing], workshop: Workshop) -> None:
    lender.load()
    lender.load()
    first = lender.lend()
    lender.load()
    assert workshop.made == [first]


def test_one_too_many_is_refused_until_one_comes_back(lender: Lender[Thing]) -> None:
    first = lender.lend()
    lender.lend()
    with pytest.raises(EngineBusy, match="all 2 test things are in use"):
        lender.lend()
    lender.take_back(first)
    assert lender.lend() is first


def test_what_cannot_be_made_takes_no_place(lender: Lender[Thing], workshop: Workshop) -> None:
    workshop.is_broken = True
    for _ in range(3):
        with pytest.raises(EngineError, match="broken"):
            lender.load()
        with pytest.raises(EngineError, match="broken"):
            lender.lend()
    workshop.is_broken = False
    assert lender.lend() is not lender.lend()


def test_who_comes_while_the_first_is_made_gets_that_one(
    lender: Lender[Thing], workshop: Workshop
) -> None:
    workshop.is_open.clear()
    loading = threading.Thread(target=lender.load)
    loading.start()
    lent: list[Thing] = []
    borrowing = threading.Thread(target=lambda: lent.append(lender.lend()))
    borrowing.start()
    workshop.is_open.set()
    loading.join()
    borrowing.join()
    assert lent == workshop.made


def test_once_closed_nothing_is_lent_and_what_comes_back_is_closed(
    lender: Lender[Thing], workshop: Workshop
) -> None:
    out, idle = lender.lend(), lender.lend()
    lender.take_back(idle)
    lender.close()
    assert (idle.is_closed, out.is_closed) == (True, False)
    lender.take_back(out)
    assert out.is_closed
    with pytest.raises(EngineError, match="this test engine is closed"):
        lender.lend()
    lender.load()
    lender.close()
    assert len(workshop.made) == 2


def test_a_lender_of_nothing_is_refused() -> None:
    with pytest.raises(EngineError, match="test needs max_sessions of at least 1"):
        Lender(Thing, most=0, engine="test", things="things")

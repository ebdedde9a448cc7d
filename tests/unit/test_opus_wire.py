"""Lost and late packets as they were asked for."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from evals.opus.wire import Network, Wire

COUNT = 20_000


def arrivals(network: Network) -> list[float | None]:
    wire = Wire(network, np.random.default_rng(7))
    return [wire.process(number * 0.02) for number in range(COUNT)]


def runs_of_losses(network: Network) -> list[int]:
    groups = itertools.groupby(arrivals(network), key=lambda at_s: at_s is None)
    return [len(list(run)) for is_lost, run in groups if is_lost]


def test_a_good_network_loses_nothing_and_has_one_delay() -> None:
    assert arrivals(Network(delay_s=0.05)) == [number * 0.02 + 0.05 for number in range(COUNT)]


@pytest.mark.parametrize("loss", [0.02, 0.2])
@pytest.mark.parametrize("burst", [None, 1.0, 3.0])
def test_so_many_packets_are_lost(loss: float, burst: float | None) -> None:
    lost = sum(runs_of_losses(Network(loss=loss, burst=burst)))
    assert lost / COUNT == pytest.approx(loss, rel=0.15)


def test_losses_come_in_runs_of_the_length_that_was_asked_for() -> None:
    assert np.mean(runs_of_losses(Network(loss=0.1, burst=3.0))) == pytest.approx(3.0, rel=0.1)
    assert np.mean(runs_of_losses(Network(loss=0.1))) == pytest.approx(1 / 0.9, rel=0.05)


def test_jitter_delays_and_never_reorders() -> None:
    came_s = [at_s for at_s in arrivals(Network(delay_s=0.02, jitter_s=0.03)) if at_s is not None]
    assert came_s == sorted(came_s)
    late_s = [at_s - number * 0.02 - 0.02 for number, at_s in enumerate(came_s)]
    assert min(late_s) >= 0 and float(np.mean(late_s)) > 0.03


def test_the_same_seed_loses_the_same_packets() -> None:
    network = Network(loss=0.1, jitter_s=0.01)
    assert arrivals(network) == arrivals(network)


@pytest.mark.parametrize(
    "wrong", [{"loss": 1.0}, {"loss": -0.1}, {"jitter_s": -1.0}, {"burst": 0.5}]
)
def test_an_impossible_network_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        Network(**wrong)


def test_a_network_is_named_by_what_it_does() -> None:
    assert Network(loss=0.1, burst=3, jitter_s=0.03).name == "10% lost, 3 in a row, jitter 30 ms"

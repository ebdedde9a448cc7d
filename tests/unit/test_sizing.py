"""From what calls need to how many fit."""

from __future__ import annotations

import pytest

from agent.sizing.proposal import Load, propose
from agent.sizing.run import told
from agent.sizing.usage import cores

MB = 1_000_000


def load(calls: int, used: float, memory_mb: int, *responses_s: float, unanswered: int = 0) -> Load:
    return Load(
        calls=calls,
        cores=used,
        memory_bytes=memory_mb * MB,
        responses_s=responses_s or (0.5, 0.5, 0.6),
        unanswered=unanswered,
    )


def test_the_processor_is_full_at_the_share_at_which_admission_refuses() -> None:
    proposal = propose(load(1, 0.3, 500), load(3, 0.7, 600), cores=2, available_bytes=8000 * MB)
    assert (proposal.calls, proposal.scarce) == (6, "processor")  # 0.7 * 2 / (0.7 / 3)
    assert proposal.memory_per_call == 50 * MB


def test_what_calls_share_is_paid_once() -> None:
    one, three = load(1, 0.1, 2500), load(3, 0.3, 2700)
    proposal = propose(one, three, cores=64, available_bytes=4000 * MB)
    assert (proposal.calls, proposal.scarce) == (8, "memory")  # (3200 - 2400) / 100


def test_a_call_that_gets_dearer_with_others_counts_as_dear() -> None:
    proposal = propose(load(1, 0.1, 500), load(3, 1.2, 500), cores=4, available_bytes=8000 * MB)
    assert proposal.cores_per_call == pytest.approx(0.55)
    assert proposal.calls == 5


def test_one_call_is_always_proposed_and_idle_calls_are_not_free() -> None:
    small = propose(load(1, 2.0, 500), load(3, 6.0, 500), cores=1, available_bytes=8000 * MB)
    idle = propose(load(1, 0.0, 500), load(3, 0.0, 500), cores=1, available_bytes=8000 * MB)
    assert small.calls == 1
    assert idle.calls == 70


@pytest.mark.parametrize(
    ("several", "is_slower"),
    [
        (load(3, 0.6, 600, 0.55, 0.6), False),
        (load(3, 0.6, 600, 0.7, 0.9), True),
        (load(3, 0.6, 600, 0.5, unanswered=1), True),
        (Load(calls=3, cores=0.6, memory_bytes=0, responses_s=()), True),
    ],
)
def test_later_or_missing_answers_are_told(several: Load, is_slower: bool) -> None:
    proposal = propose(load(1, 0.2, 500), several, cores=2, available_bytes=8000 * MB)
    assert proposal.is_slower is is_slower
    assert ("begin with fewer" in " ".join(told(proposal))) is is_slower


def test_several_are_more_than_one() -> None:
    with pytest.raises(ValueError):
        propose(load(1, 0.2, 500), load(1, 0.2, 500), cores=2, available_bytes=MB)


def test_the_operator_reads_a_line_to_copy() -> None:
    proposal = propose(load(1, 0.3, 500), load(3, 0.7, 600), cores=2, available_bytes=8000 * MB)
    assert "AGENT_MAX_SESSIONS=6" in told(proposal)


def test_only_processes_that_lived_all_the_time_count() -> None:
    assert cores({1: 1.0, 2: 5.0}, {1: 3.0, 3: 9.0}, took_s=4.0) == 0.5

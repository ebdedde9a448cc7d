"""Whatever the members of an STT chain do wrong, no word is lost and none comes twice."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from livekit.plugins.chains import Breakers

from tests.fakes.coded_call import DEADLINE_S, FLUSH, Record, Script, call
from tests.fakes.coded_stt import WELL, CodedSTT, Health, Ill, noise_sound, quiet, spoken
from tests.fakes.virtual_time import run_virtual

FAULTS = st.one_of(
    st.just(WELL),
    st.builds(
        Health,
        st.sampled_from([ill for ill in Ill if ill is not Ill.NOTHING]),
        st.sampled_from([0.0, 0.3, 0.9, 1.45, 2.3]),
        st.booleans(),
    ),
)


@dataclass(frozen=True)
class Plan:
    """Of a member: what is wrong with each of its streams; those after the last are well."""

    healths: tuple[Health, ...]
    streams: bool
    answers_flush: bool
    tells_times: bool
    shows_first: bool
    delay_s: float

    def make(self, name: str) -> CodedSTT:
        return CodedSTT(
            name,
            health=lambda number: self.healths[number] if number < len(self.healths) else WELL,
            delay_s=self.delay_s,
            streams=self.streams,
            answers_flush=self.answers_flush,
            tells_times=self.tells_times,
            shows_first=self.shows_first,
        )


PLANS = st.builds(
    Plan,
    st.lists(FAULTS, max_size=3).map(tuple),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from([0.0, 0.03, 0.15]),
)
RELIABLE = st.builds(
    Plan,
    st.just(()),
    st.booleans(),
    st.just(True),
    st.booleans(),
    st.booleans(),
    st.sampled_from([0.0, 0.03, 0.15]),
)


@dataclass(frozen=True)
class TurnPlan:
    before_s: float
    words: int
    pause_at: int | None
    has_noise: bool
    after_s: float
    """Quiet before the flush."""


TURNS = st.builds(
    TurnPlan,
    st.sampled_from([0.25, 0.8]),
    st.integers(1, 5),
    st.one_of(st.none(), st.integers(1, 4)),
    st.booleans(),
    st.sampled_from([0.15, 0.35, 0.6]),
)


def hearing(plan: Plan) -> Plan:
    """Where two agree that there was no word, a third is not asked."""
    return replace(plan, healths=tuple(WELL if h.ill is Ill.DEAF else h for h in plan.healths))


def scripted(turns: list[TurnPlan]) -> tuple[Script, str]:
    """What is played, and the words in it."""
    script: list[object] = [quiet(0.4)]
    number = 0
    for turn in turns:
        script.append(quiet(turn.before_s))
        if turn.has_noise:
            script += [noise_sound(0.1), quiet(0.3)]
        for place in range(turn.words):
            if place == turn.pause_at:
                script.append(quiet(0.5))
            script.append(spoken([number]))
            number += 1
        script += [quiet(turn.after_s), FLUSH]
    script.append(quiet(0.2))
    return script, " ".join(map(str, range(number)))  # type: ignore[return-value]


def check_answers_are_prompt(record: Record, longest_s: float) -> None:
    """Every flush has a FINAL, in time."""
    for flush_s in record.flushes:
        after = [at_s for at_s in record.answers_s if at_s >= flush_s]
        assert after and after[0] - flush_s < longest_s


@example(
    [Plan((Health(Ill.STALLS),), True, False, True, False, 0.0)] * 2,
    Plan((), False, True, True, False, 0.0),
    [TurnPlan(0.25, 1, None, False, 0.15)],
)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(PLANS, min_size=1, max_size=2), RELIABLE, st.lists(TURNS, min_size=1, max_size=3))
def test_every_word_is_final_once_if_the_last_member_works(
    plans: list[Plan], last: Plan, turns: list[TurnPlan]
) -> None:
    plans = [plans[0], *map(hearing, plans[1:])]
    members = [plan.make(f"m{place}") for place, plan in enumerate([*plans, last])]
    if any(health.ill is Ill.DEAF for plan in plans for health in plan.healths):
        turns = [replace(turn, words=turn.words + 2) for turn in turns]  # a deaf one is believed
    script, words = scripted(turns)
    record = run_virtual(call(members, script, breakers=Breakers(chance=lambda: 0.5)))
    assert record.error is None
    assert " ".join(record.finals) == words
    check_answers_are_prompt(record, len(members) * (DEADLINE_S + 1.6))
    assert all(member.log.open_streams == 0 for member in members)
    assert record.closing_s < 0.5

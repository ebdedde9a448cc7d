"""The watchdog under events in any order."""

from __future__ import annotations

import dataclasses
from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from agent.turns.watchdog import (
    Action,
    Apologise,
    Apology,
    End,
    Limits,
    State,
    View,
    Watchdog,
)

LIMITS = Limits()
LONGEST_S = max(dataclasses.astuple(LIMITS))


class AnyCall(RuleBasedStateMachine):
    """Events in any order; what it orders is done, or is not, as cancelling may fail."""

    @initialize()
    def begin(self) -> None:
        self.dog = Watchdog()
        self.now_s = 0.0
        self.view = View()
        self.apologies = 0
        self.progress_s = 0.0
        self.says_goodbye = False

    def take(self, actions: list[Action], state: State = State.IDLE) -> None:
        """`state`: in which they became due."""
        for action in actions:
            if isinstance(action, Apologise):
                self.apologies += 1
                self.view = replace(self.view, apologising=True)
                is_due_to_sound = state is State.CALLER
                assert not self.view.caller_active or is_due_to_sound or actions == [action]
                if action.kind is Apology.GOODBYE:
                    assert self.dog.failures >= 3
                    self.says_goodbye = True
            elif isinstance(action, End):
                # An answer that is heard under the goodbye does not take it back.
                assert self.says_goodbye
                self.says_goodbye = False

    def look(self) -> list[Action]:
        state = self.dog.state
        actions = self.dog.process(self.now_s, self.view)
        self.take(actions, state)
        return actions

    @rule(seconds=st.floats(0.01, 30.0))
    def time_passes(self, seconds: float) -> None:
        """As the timer would have it: nothing is looked at later than it is due."""
        end_s = self.now_s + seconds
        while (due_s := self.dog.due_s) is not None and due_s <= end_s:
            assert due_s <= self.now_s + LONGEST_S
            self.now_s = max(self.now_s, due_s)
            before_s = self.progress_s
            if self.dog.state is State.CALLER:
                self.apologies = 0  # so much sound is a sign of the caller, as speech is
            assert self.look(), "what was due was not done"
            assert self.now_s > before_s, "it acted at the moment of progress"
        self.now_s = end_s
        self.look()

    @rule(
        changes=st.fixed_dictionaries(
            {},
            optional={
                "caller_active": st.booleans(),
                "agent_busy": st.booleans(),
                "agent_speaking": st.booleans(),
                "tool_running": st.booleans(),
                "llm_writing": st.booleans(),
            },
        )
    )
    def view_changes(self, changes: dict[str, bool]) -> None:
        self.view = replace(self.view, **changes)
        self.look()

    @precondition(lambda self: self.view.apologising)
    @rule()
    def apology_ends(self) -> None:
        self.view = replace(self.view, apologising=False)
        was_last = self.says_goodbye
        actions = self.look()
        assert (End() in actions) >= was_last

    @rule(speech_s=st.floats(0.0, 5.0))
    def caller_spoke(self, speech_s: float) -> None:
        if self.view.agent_busy or self.view.caller_active:
            return
        self.dog.spoke(self.now_s, speech_s)
        if speech_s >= LIMITS.least_speech_s:
            self.apologies = 0

    @rule(is_final=st.booleans(), has_words=st.booleans())
    def transcript_comes(self, is_final: bool, has_words: bool) -> None:
        if has_words:
            self.dog.heard(self.now_s)
        self.dog.took(self.now_s, has_words=has_words, is_final=is_final)

    @rule()
    def turn_is_committed(self) -> None:
        self.dog.committed(self.now_s)
        self.apologies = 0

    @rule(kind=st.sampled_from(["text", "chunk", "tool", "sound"]))
    def progress_is_made(self, kind: str) -> None:
        match kind:
            case "text" | "chunk":
                self.dog.wrote(self.now_s, is_text=kind == "text")
            case "tool":
                self.dog.used_tool(self.now_s)
            case "sound":
                self.dog.sounded(self.now_s)
        if _is_progress(kind, self.dog.state):
            self.progress_s = self.now_s
            assert self.dog.due_s is None or self.dog.due_s > self.now_s

    @rule()
    def answer_is_heard(self) -> None:
        self.dog.answered()

    @rule()
    def turn_fails(self) -> None:
        self.take(self.dog.failed(self.now_s))

    @invariant()
    def one_apology_for_a_turn(self) -> None:
        assert self.apologies <= 1

    @invariant()
    def nothing_lasts_for_ever(self) -> None:
        """What is not idle has an end within the longest limit, also what seems the caller's own."""
        if self.dog.state is not State.IDLE:
            assert self.dog.due_s is not None
            assert self.dog.due_s <= self.now_s + LONGEST_S
        is_stuck = self.view.agent_busy and not self.view.caller_active
        if is_stuck and not self.view.apologising:
            assert self.dog.state in (State.THINKING, State.TOOL, State.VOICING, State.SPEAKING)


def _is_progress(kind: str, state: State) -> bool:
    if kind == "sound":
        return state in (State.SPEAKING, State.APOLOGISING, State.CALLER)
    if kind == "tool":
        return state in (State.THINKING, State.VOICING, State.TOOL, State.CALLER)
    return state in (State.THINKING, State.VOICING, State.SPEAKING, State.CALLER)


AnyCall.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestAnyCall = AnyCall.TestCase

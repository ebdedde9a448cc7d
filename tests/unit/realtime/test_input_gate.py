"""What of the caller's sound a realtime model gets to hear."""

from __future__ import annotations

from livekit import rtc

from agent.realtime.input_gate import LEAD_S, InputGate

FRAME_S = 0.1


def frame(number: int) -> rtc.AudioFrame:
    return rtc.AudioFrame(number.to_bytes(2, "little") * 100, 1000, 1, 100)


def pushed(gate: InputGate, *numbers: int) -> list[int]:
    passed = [it for number in numbers for it in gate.push(frame(number))]
    return [int.from_bytes(bytes(it.data)[:2], "little") for it in passed]


def test_a_turn_passes_with_what_came_shortly_before_it() -> None:
    gate = InputGate()
    assert pushed(gate, *range(20)) == []
    gate.open()
    first = pushed(gate, 20)
    assert first[-1] == 20 and first == list(range(first[0], 21))
    assert len(first) - 1 in (round(LEAD_S / FRAME_S) - 1, round(LEAD_S / FRAME_S))
    assert pushed(gate, 21, 22) == [21, 22]


def test_what_comes_between_two_turns_stays_out() -> None:
    gate = InputGate()
    gate.open()
    pushed(gate, 1, 2)
    gate.close()
    assert pushed(gate, *range(3, 30)) == []
    gate.open()
    assert pushed(gate, 30)[0] >= 23


def test_no_sound_passes_twice() -> None:
    gate = InputGate()
    gate.open()
    assert pushed(gate, 1, 2) == [1, 2]
    gate.close()
    gate.open()
    assert pushed(gate, 3) == [3]

"""agent.keypad: the keys of a telephone become numbers, in virtual time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from agent.keypad import MOST_KEYS, PAUSE_S, Keypad

pytestmark = pytest.mark.virtual_time


@dataclass
class Pressed:
    """A keypad and what it told."""

    begun: int = 0
    numbers: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.keypad = Keypad(self._begin, self.numbers.append)

    def _begin(self) -> None:
        self.begun += 1

    async def press(self, keys: str, every_s: float = 0.3) -> None:
        for key in keys:
            self.keypad.press(key)
            await asyncio.sleep(every_s)


async def test_a_number_is_complete_at_once_with_the_hash_key() -> None:
    pressed = Pressed()
    pressed.keypad.press("4")
    pressed.keypad.press("2")
    assert pressed.numbers == []
    pressed.keypad.press("#")
    assert pressed.numbers == ["(the caller pressed 4 2 #)"]


async def test_without_it_a_number_is_complete_after_a_pause() -> None:
    pressed = Pressed()
    await pressed.press("007")
    await asyncio.sleep(PAUSE_S - 0.4)
    assert pressed.numbers == []
    await asyncio.sleep(0.2)
    assert pressed.numbers == ["(the caller pressed 0 0 7)"]


async def test_somebody_who_looks_for_each_key_is_given_the_time() -> None:
    pressed = Pressed()
    await pressed.press("12", every_s=PAUSE_S - 0.1)
    pressed.keypad.press("3")
    await asyncio.sleep(PAUSE_S + 0.1)
    assert pressed.numbers == ["(the caller pressed 1 2 3)"]


async def test_only_the_first_key_of_a_number_asks_for_silence() -> None:
    pressed = Pressed()
    await pressed.press("12#")
    assert pressed.begun == 1
    await pressed.press("*")
    assert pressed.begun == 2


async def test_keys_without_end_are_told_in_numbers_of_a_length() -> None:
    pressed = Pressed()
    await pressed.press("1" * (2 * MOST_KEYS + 1), every_s=0.01)
    assert [text.count("1") for text in pressed.numbers] == [MOST_KEYS, MOST_KEYS]


async def test_what_is_no_key_is_dropped() -> None:
    pressed = Pressed()
    for key in ("", "12", "x", "\n", "٣"):
        pressed.keypad.press(key)
    await asyncio.sleep(PAUSE_S + 0.1)
    assert (pressed.begun, pressed.numbers) == (0, [])


async def test_after_the_call_nothing_is_told() -> None:
    pressed = Pressed()
    pressed.keypad.press("1")
    pressed.keypad.close()
    pressed.keypad.close()
    await asyncio.sleep(PAUSE_S + 0.1)
    assert pressed.numbers == []

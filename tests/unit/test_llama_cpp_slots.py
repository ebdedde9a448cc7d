import pytest
from livekit.plugins.llama_cpp import SlotLease, SlotTable


def test_each_call_has_a_slot_of_its_own_and_keeps_it() -> None:
    table = SlotTable(2)
    assert table.pin("ann", 0.0) != table.pin("bob", 1.0)
    assert table.pin("ann", 2.0) == table.pin("ann", 3.0)
    assert table.free == 0


def test_with_all_slots_taken_the_call_silent_the_longest_loses_its_own() -> None:
    table = SlotTable(2)
    anns, bobs = table.pin("ann", 0.0), table.pin("bob", 1.0)
    table.pin("ann", 2.0)
    assert table.pin("cid", 3.0) == bobs
    assert table.pin("ann", 4.0) == anns
    assert table.pin("bob", 5.0) == bobs, "cid was silent the longest"


def test_a_slot_given_back_is_the_last_to_be_given_out_again() -> None:
    table = SlotTable(3)
    first = table.pin("ann", 0.0)
    table.release("ann")
    others = [table.pin(call, 1.0) for call in ("bob", "cid")]
    assert first not in others
    assert table.pin("dan", 2.0) == first


def test_a_call_that_holds_nothing_gives_nothing_back() -> None:
    table = SlotTable(1)
    table.release("ann")
    assert table.free == 1


def test_a_server_without_slots_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one slot"):
        SlotTable(0)


def test_a_lease_asks_the_table_each_time() -> None:
    now_s = 0.0
    table = SlotTable(1)
    lease = SlotLease(table, "ann", clock=lambda: now_s)
    assert lease.slot() == 0
    now_s = 5.0
    lease.slot()
    table.pin("bob", 6.0)
    assert lease.slot() == 0, "taken back from bob"
    lease.release()
    lease.release()
    assert table.free == 1

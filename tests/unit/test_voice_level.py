import pytest

from agent.turns.voice_level import VoiceLevel


def test_nobody_is_far_before_the_caller_has_been_heard_for_a_second() -> None:
    level = VoiceLevel()
    level.heard(-20, 0.9)
    assert level.dbfs is None
    assert not level.is_far(-60)


@pytest.mark.parametrize(("dbfs", "is_far"), [(-20, False), (-27, False), (-31, True), (-40, True)])
def test_a_voice_more_than_9_db_under_the_caller_s_is_far(dbfs: float, is_far: bool) -> None:
    level = VoiceLevel()
    for _ in range(100):
        level.heard(-20, 0.032)
    assert level.is_far(dbfs) is is_far


def test_the_usual_level_follows_a_caller_who_moves_away() -> None:
    level = VoiceLevel()
    for dbfs in (-20, -30):
        for _ in range(3000):
            level.heard(dbfs, 0.032)
    assert level.dbfs == pytest.approx(-30, abs=1)

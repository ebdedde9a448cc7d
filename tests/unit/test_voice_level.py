import pytest

from agent.turns.voice_level import VoiceLevel


def test_nobody_is_far_before_the_caller_has_been_heard() -> None:
    level = VoiceLevel()
    level.spoke(-20, speech_s=0.1)
    assert level.dbfs is None
    assert not level.is_far(-60)


@pytest.mark.parametrize(("dbfs", "is_far"), [(-20, False), (-27, False), (-29, True), (-40, True)])
def test_a_voice_more_than_8_db_under_the_caller_s_is_far(dbfs: float, is_far: bool) -> None:
    level = VoiceLevel()
    level.spoke(-20, speech_s=1)
    assert level.is_far(dbfs) is is_far


def test_the_usual_level_follows_a_caller_who_moves_away() -> None:
    level = VoiceLevel()
    for dbfs in (-20, *[-30] * 8):
        level.spoke(dbfs, speech_s=1)
    assert level.dbfs == pytest.approx(-30, abs=1)

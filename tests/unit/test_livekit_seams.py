"""What turn-taking relies on in livekit-agents. When an upgrade changes one of these, it is told here
and not by calls that behave strangely."""

import inspect

import pytest
from livekit import rtc
from livekit.agents import Agent, AgentSession, stt, vad
from livekit.agents.types import USERDATA_TTS_STARTED_TIME
from livekit.agents.voice import SpeechHandle, io, room_io
from livekit.agents.voice import turn as turn_options
from livekit.agents.voice.turn import TurnDetectionEvent

from agent.turns.caller_vad import CallerVAD
from agent.turns.hazard_detector import HazardTurnDetector, HazardTurnDetectorStream


def test_a_streaming_turn_detector_has_the_members_that_ours_has() -> None:
    protocol = turn_options._StreamingTurnDetectorStream
    wanted = {name for name in vars(protocol) if not name.startswith("_")}
    assert wanted == {
        "model", "provider", "is_fallback", "prediction_timeout", "unlikely_threshold",
        "backchannel_threshold", "supports_language", "predict", "cancel_inference", "flush",
        "push_audio", "end_input", "aclose",
    }  # fmt: skip
    assert all(hasattr(HazardTurnDetectorStream, name) for name in wanted)
    assert hasattr(HazardTurnDetector, "stream")


def test_a_prediction_is_made_of_what_ours_is_made_of() -> None:
    names = list(inspect.signature(TurnDetectionEvent).parameters)
    assert names[:3] == ["type", "end_of_turn_probability", "last_speaking_time"]


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (turn_options.EndpointingOptions, {"mode", "min_delay", "max_delay"}),
        (turn_options.InterruptionOptions, {"mode", "min_duration", "resume_false_interruption"}),
        (
            turn_options.PreemptiveGenerationOptions,
            {"enabled", "preemptive_tts", "max_retries", "max_speech_duration"},
        ),
    ],
)
def test_the_options_that_are_set_still_exist(options: type, wanted: set[str]) -> None:
    assert wanted <= set(options.__annotations__)


def test_an_audio_output_asks_for_the_three_methods_that_ours_has() -> None:
    assert io.AudioOutput.__abstractmethods__ == {"capture_frame", "flush", "clear_buffer"}
    assert {"on_playback_started", "on_playback_finished", "pause", "resume"} <= set(
        dir(io.AudioOutput)
    )


def test_a_frame_processor_asks_for_what_the_echo_filter_has() -> None:
    assert rtc.FrameProcessor.__abstractmethods__ == {"enabled", "_process", "_close"}
    assert "noise_cancellation" in room_io.AudioInputOptions.__dataclass_fields__


def test_a_room_may_be_left_without_livekit_s_own_audio_output() -> None:
    options = room_io.RoomOptions(audio_output=False)
    assert options.get_audio_output_options() is None


def test_a_vad_event_has_the_times_that_the_session_reads() -> None:
    assert {
        "speech_duration", "silence_duration", "raw_accumulated_speech", "raw_accumulated_silence",
        "inference_duration", "probability", "speaking", "frames",
    } <= set(vad.VADEvent.__dataclass_fields__)  # fmt: skip
    assert issubclass(CallerVAD, vad.VAD)


def test_a_session_tells_what_is_spoken_and_can_be_interrupted() -> None:
    assert {"current_speech", "agent_state", "user_state", "output", "interrupt"} <= set(
        dir(AgentSession)
    )
    assert {"interrupted", "scheduled", "done", "add_done_callback"} <= set(dir(SpeechHandle))


def test_the_recogniser_s_events_go_through_a_node_that_can_be_replaced() -> None:
    assert inspect.isasyncgenfunction(Agent.default.stt_node)
    kinds = {kind.name for kind in stt.SpeechEventType}
    assert {"INTERIM_TRANSCRIPT", "PREFLIGHT_TRANSCRIPT", "FINAL_TRANSCRIPT"} <= kinds
    assert isinstance(USERDATA_TTS_STARTED_TIME, str)

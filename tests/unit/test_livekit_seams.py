"""What turn-taking relies on in livekit-agents. When an upgrade changes one of these, it is told here
and not by calls that behave strangely."""

import ast
import inspect
from pathlib import Path
from typing import Any, get_args

import pytest
from livekit import rtc
from livekit.agents import Agent, AgentSession, stt, vad
from livekit.agents.types import USERDATA_TTS_STARTED_TIME
from livekit.agents.voice import SpeechHandle, io, room_io
from livekit.agents.voice import turn as turn_options
from livekit.agents.voice.events import EventTypes
from livekit.agents.voice.turn import TurnDetectionEvent

from agent.turn_taking import TurnTaking, Words
from agent.turns.caller_vad import CallerVAD
from agent.turns.endpointing import VadPolicy
from agent.turns.hazard_detector import HazardTurnDetector, HazardTurnDetectorStream
from agent.turns.words import NEUTRAL
from tests.fakes.audio_io import Loudspeaker
from tests.fakes.hearing import LoudnessVAD

AGENT = Path(__file__).parents[2] / "agent"
ADAPTERS = [
    *sorted(AGENT.glob("turns/*.py")),
    *sorted(AGENT.glob("playout/*.py")),
    *(
        AGENT / f"{name}.py"
        for name in (
            "assistant", "attention", "echo_filter", "filler", "floor", "joining", "turn_recorder",
            "turn_taking",
        )
    ),
]  # fmt: skip


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


async def test_every_option_that_a_call_sets_still_exists() -> None:
    """They are dicts: livekit ignores a name that it does not know."""
    loudspeaker = Loudspeaker()
    words = Words(judge=lambda words, said: NEUTRAL, over_speech=lambda words, said: "none")
    turn_taking = TurnTaking(VadPolicy(), words, loudspeaker, voice=LoudnessVAD())
    options: dict[str, Any] = {**turn_taking.options()}
    assert set(options) <= set(turn_options.TurnHandlingOptions.__annotations__)
    for name, known in (
        ("endpointing", turn_options.EndpointingOptions),
        ("interruption", turn_options.InterruptionOptions),
        ("preemptive_generation", turn_options.PreemptiveGenerationOptions),
    ):
        assert set(options[name]) <= set(known.__annotations__), name
    turn_taking.close()
    await loudspeaker.aclose()


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
    assert {
        "allow_interruptions", "interrupted", "scheduled", "done", "add_done_callback", "chat_items",
    } <= set(dir(SpeechHandle))  # fmt: skip
    assert "add_to_chat_ctx" in inspect.signature(AgentSession.say).parameters
    assert "aec_warmup_duration" in inspect.signature(AgentSession).parameters


def test_a_session_still_tells_what_is_listened_to() -> None:
    assert {
        "user_state_changed", "agent_state_changed", "conversation_item_added", "speech_created",
        "tool_execution_updated", "error", "close",
    } <= set(get_args(EventTypes))  # fmt: skip


@pytest.mark.parametrize("path", ADAPTERS, ids=lambda path: path.stem)
def test_turn_taking_keeps_to_what_is_public_in_livekit(path: Path) -> None:
    """Names that begin with _ may change in any release; a base class's own, by `self`, are meant."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and _is_private(node.attr):
            assert ast.unparse(node.value) in {"self", "cls"}, f"line {node.lineno}: {node.attr}"
        elif isinstance(node, ast.ImportFrom):
            names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            assert not any(map(_is_private, names)), f"line {node.lineno}"


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def test_the_recogniser_s_events_go_through_a_node_that_can_be_replaced() -> None:
    assert inspect.isasyncgenfunction(Agent.default.stt_node)
    kinds = {kind.name for kind in stt.SpeechEventType}
    assert {"INTERIM_TRANSCRIPT", "PREFLIGHT_TRANSCRIPT", "FINAL_TRANSCRIPT"} <= kinds
    assert isinstance(USERDATA_TTS_STARTED_TIME, str)

"""LLM text to speech: clauses that begin early, made in parallel, spoken in order."""

from __future__ import annotations

from typing import Any

from livekit.agents import tts
from livekit.plugins.speechcore.text import normaliser

from agent.speech.pipeline import ClauseTTS
from agent.speech.planner import ClausePlanner

__all__ = ["ClausePlanner", "ClauseTTS", "clause_tts"]


def clause_tts(
    engine: tts.TTS[Any], *, language: str = "en", planner: ClausePlanner | None = None
) -> tts.TTS[Any]:
    """An engine that takes whole texts, fed clause by clause; a streaming engine is itself.

    `language` is that of the texts, `planner` what is known of the engine's speed. The result does
    not close `engine`.
    """
    if engine.capabilities.streaming:
        return engine
    return ClauseTTS(engine, normalise=normaliser(language), planner=planner)

"""LLM text to clauses for the TTS."""

from __future__ import annotations

from typing import Any

from livekit.agents import tokenize, tts

MIN_CLAUSE_CHARS = 4
"""“Sure.” is spoken while the rest is still being written; livekit waits for 20 characters."""


def clause_tts(engine: tts.TTS[Any]) -> tts.TTS[Any]:
    """An engine that takes whole texts, fed clause by clause; a streaming engine is itself.

    The result does not close `engine`.
    """
    if engine.capabilities.streaming:
        return engine
    tokenizer = tokenize.blingfire.SentenceTokenizer(
        min_sentence_len=MIN_CLAUSE_CHARS,
        stream_context_len=MIN_CLAUSE_CHARS,
        retain_format=True,
    )
    return tts.StreamAdapter(tts=engine, sentence_tokenizer=tokenizer)

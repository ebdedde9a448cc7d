"""llama.cpp's own server takes up the very next token of an answer that another engine began."""

from __future__ import annotations

from pathlib import Path

from livekit.agents import APIConnectionError
from livekit.plugins import llama_cpp
from livekit.plugins.chains import ChainLLM, Continuing, Member

from tests.contract.llm_checks import ask, question, text_of
from tests.fakes.scripted_llm import ScriptedLLM
from tests.models.tiny_llama import write_tiny_llama


async def test_an_answer_ended_by_the_server_is_the_one_it_would_have_given_itself(
    tmp_path: Path,
) -> None:
    model = write_tiny_llama(tmp_path / "tiny.gguf")
    server = llama_cpp.LlamaServer(
        llama_cpp.ServerOptions(model=model, context_tokens=1024, slots=1, threads=1, gpu_layers=0)
    )
    server.start(timeout_s=15.0)
    try:
        async with llama_cpp.LLM(server.url, slot=0, max_tokens=40, temperature=0.0) as engine:
            whole = text_of(await ask(engine, question()))
            cuts = [at + 1 for at, char in enumerate(whole) if char == " " and 0 < at < 25]
            assert cuts, f"no word ends in {whole!r}"
            for cut in cuts:
                assert (await _ended(engine, whole[:cut])).startswith(whole), f"cut at {cut}"
    finally:
        server.stop()


async def _ended(engine: llama_cpp.LLM, begun: str) -> str:
    dying = ScriptedLLM([begun, APIConnectionError("dead")])
    chain = ChainLLM(
        [Member("dying", dying, 1.0), Member("llama", engine, 10.0)],
        continues={"llama": Continuing.PREFILLED},
    )
    try:
        return text_of(await ask(chain, question()))
    finally:
        await chain.aclose()

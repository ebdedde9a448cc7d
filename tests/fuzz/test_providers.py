"""What servers of others answer: sound, JSON, events; understood, or refused in the way that chains know.

The providers' own plugins meet nonsense in tests/hosted, the model server in tests/server.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import httpx2
from hypothesis import example, given
from hypothesis import strategies as st
from livekit.plugins.llama_cpp.client import LlamaClient, Prompt, Refused
from livekit.plugins.openai_speech.body import SoundBody
from livekit.plugins.speechcore import EngineError

from tests.fuzz.anything import any_json, anything, objects

WAV = (
    b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\xc0\x5d\x00\x00"
    b"\x80\xbb\x00\x00\x02\x00\x10\x00data\x00\x01\x00\x00" + bytes(64)
)
types = st.sampled_from(["", "audio/pcm", "audio/wav", "text/html", "application/octet-stream"])
cuts = st.lists(st.integers(1, 50), max_size=20)


def pieces(body: bytes, cuts: list[int]) -> list[bytes]:
    parts, begin = [], 0
    for cut in cuts:
        parts.append(body[begin : begin + cut])
        begin += cut
    return [*parts, body[begin:]]


@given(anything(["data"], WAV), types, cuts)
def test_any_sound_of_a_speech_server_is_whole_samples_or_an_error(
    body: bytes, content_type: str, cuts: list[int]
) -> None:
    sound = SoundBody(content_type, 24_000)
    with contextlib.suppress(EngineError):
        for piece in pieces(body, cuts):
            assert len(sound.push(piece)) % 2 == 0
    assert 8_000 <= sound.rate_hz <= 96_000


@given(types, st.integers(0, 2**32 - 1))
def test_a_wav_file_that_never_comes_to_its_sound_is_not_kept(kind: str, length: int) -> None:
    sound = SoundBody(kind, 24_000)
    head = b"RIFF\0\0\0\0WAVE" + b"LIST" + length.to_bytes(4, "little")
    taken = 0
    with contextlib.suppress(EngineError):
        for piece in [head, *[bytes(4096)] * 200]:
            sound.push(piece)
            taken += len(piece)
    assert taken <= 64 * 1024 + 4096


NAMES = ("prompt", "tokens", "timings", "prompt_n", "tokens_evaluated", "id_slot", "error", "code")
EVENT = (
    b'{"tokens_evaluated": 7, "timings": {"prompt_n": 3}, "id_slot": 1, "completion_probabilities": '
    b'[{"top_logprobs": [{"id": 258, "token": ".", "logprob": -0.1}]}]}'
)


class Server(httpx2.AsyncBaseTransport):
    """Answers everything with these bytes."""

    def __init__(self, status: int, body: bytes) -> None:
        self._status, self._body = status, body

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        body = self._body
        if request.url.path == "/completion":
            body = b"".join(b"data: " + line + b"\n\n" for line in body.splitlines())
        return httpx2.Response(self._status, content=body)


async def ask_all(status: int, body: bytes) -> None:
    async with httpx2.AsyncClient(transport=Server(status, body)) as http:
        client = LlamaClient("http://127.0.0.1:1", http)
        requests: list[Any] = [
            client.render([], [], "hello", {}, timeout_s=1),
            client.tokenize("hello", timeout_s=1),
            client.evaluate(
                Prompt(text="hello", after="<end>"), slot=0, tells_end=True, timeout_s=1
            ),
        ]
        for request in requests:
            with contextlib.suppress(Refused, httpx2.HTTPError):
                await request


@given(
    st.sampled_from([200, 400, 500]),
    anything(NAMES, EVENT) | any_json(objects(["completion_probabilities", *NAMES])),
)
@example(200, b"<html>")
@example(200, b"[]")
@example(200, b'{"tokens": 7, "tokens_evaluated": [], "error": "no"}')
@example(200, b'{"tokens_evaluated": Infinity, "timings": [7]}')
@example(200, b'{"completion_probabilities": [7]}')
@example(200, EVENT.replace(b"-0.1", b"1e9").replace(b'{"tok', b'{"tokens": [258], "tok', 1))
@example(500, b"[" * 3_000)
def test_any_answer_of_a_llama_cpp_server_is_understood_or_a_refusal(
    status: int, body: bytes
) -> None:
    asyncio.run(ask_all(status, body))

"""The process that runs Piper: `python runner.py VOICE.onnx`, and what goes over its pipes.

Piper is GPL-3 and is imported here only, when this file is the program; the process that asks
imports the messages. The program is started by its path: as a module of its package it would
import livekit as well. It ends when its standard input does, and so with whoever started it.

A message is a header (kind, length of the body) and a body. One question at a time: a text on
standard input, then its speech or an error on standard output.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import threading
from collections.abc import Callable
from enum import IntEnum
from functools import partial
from queue import SimpleQueue
from typing import Any, BinaryIO

VOLUME = 0.6
"""Piper brings every sentence to full scale: speech then lies at about -20 dBFS."""

LONGEST_BODY_BYTES = 64 * 1024 * 1024
"""Twenty minutes of speech: more is no message of ours."""

_HEADER = struct.Struct("<BI")


class Kind(IntEnum):
    READY = 1
    """The voice is loaded; no body."""
    TEXT = 2
    """To be spoken: JSON with `text`, `speaker` (a number or null) and `length_scale`."""
    SPEECH = 3
    """The answer: mono int16 PCM at the voice's rate."""
    ERROR = 4
    """The answer instead: a sentence in UTF-8. Instead of READY: the process ends."""


def pack(kind: Kind, body: bytes = b"") -> bytes:
    return _HEADER.pack(kind, len(body)) + body


def unpack(read: Callable[[int], bytes]) -> tuple[Kind, bytes]:
    """The next message; `read` gives so many bytes. Raises ValueError for a foreign one."""
    kind, length = _HEADER.unpack(read(_HEADER.size))
    if length > LONGEST_BODY_BYTES:
        raise ValueError(f"a message of {length} bytes")
    return Kind(kind), read(length)


def main() -> None:
    answers = _private_output()
    texts: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_read_texts, args=(texts,), daemon=True).start()
    try:
        speak = _load(sys.argv[1])
    except Exception as e:  # whoever started this process tells it on
        _send(answers, Kind.ERROR, f"piper cannot load its voice ({_short(e)})".encode())
        os._exit(1)  # the reading thread must not be met at the interpreter's end
    _send(answers, Kind.READY)
    while True:
        question = json.loads(texts.get())
        try:
            pcm = speak(question)
        except Exception as e:
            _send(answers, Kind.ERROR, f"piper cannot speak this text ({_short(e)})".encode())
        else:
            _send(answers, Kind.SPEECH, pcm)


def _load(path: str) -> Callable[[dict[str, Any]], bytes]:
    from piper import PiperVoice, SynthesisConfig

    voice = PiperVoice.load(path)

    def speak(question: dict[str, Any]) -> bytes:
        how = SynthesisConfig(
            speaker_id=question["speaker"],
            length_scale=question["length_scale"],
            volume=VOLUME,
        )
        pieces = voice.synthesize(question["text"], how)
        return b"".join(piece.audio_int16_bytes for piece in pieces)

    return speak


def _read_texts(texts: SimpleQueue[bytes]) -> None:
    """On a thread, so that the end of the input ends the process in the midst of a text, too."""
    try:
        while True:
            texts.put(unpack(partial(_read_exactly, sys.stdin.buffer))[1])
    finally:
        os._exit(0)


def _read_exactly(source: BinaryIO, count: int) -> bytes:
    data = source.read(count)
    if len(data) < count:
        raise EOFError
    return data


def _private_output() -> BinaryIO:
    """The standard output; what a library prints goes to standard error from now on."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


def _send(output: BinaryIO, kind: Kind, body: bytes = b"") -> None:
    output.write(pack(kind, body))
    output.flush()


def _short(error: Exception) -> str:
    """The first line: onnxruntime's messages have several."""
    return (str(error).splitlines() or [""])[0][:200] or type(error).__name__


if __name__ == "__main__":
    main()

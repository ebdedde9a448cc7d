"""Piper as a `Synthesiser`, in a process of its own: it is GPL-3 and never imported into ours."""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from livekit.plugins.speechcore import DEFAULT_VOICING, EngineError, SpeechChunk, Voicing

from .process import PiperProcess, runner_command
from .text import split_sentences

VOICE_FILE = "voice.onnx"
"""In the folder of a voice; its description is called the same with `.json` behind."""

SPEEDS = (0.25, 4.0)


@dataclass(frozen=True, slots=True)
class VoiceDescription:
    """What a voice's `.onnx.json` says of it."""

    sample_rate_hz: int
    language: str
    """Two letters; "" when it does not say."""
    length_scale: float = 1.0
    """The length of a sound: over 1 is slower."""
    speakers: dict[str, int] = field(default_factory=dict)
    """By name; empty for a voice of one speaker."""


def read_description(path: Path, how_to_mend: str) -> VoiceDescription:
    """Raises EngineError, with `how_to_mend` as the end of the sentence."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        language = str(data.get("language", {}).get("code") or data["espeak"]["voice"])
        return VoiceDescription(
            sample_rate_hz=int(data["audio"]["sample_rate"]),
            language=language.replace("_", "-").split("-")[0].lower(),
            length_scale=float(data.get("inference", {}).get("length_scale", 1.0)),
            speakers={str(name): int(i) for name, i in data.get("speaker_id_map", {}).items()},
        )
    except OSError as e:
        raise EngineError(f"piper's voice has no description at {path}: {how_to_mend}") from e
    except (ValueError, TypeError, KeyError, AttributeError) as e:
        raise EngineError(f"{path} is no description of a piper voice: {how_to_mend}") from e


class Piper:
    """One voice. Speaks sentence by sentence; what is cancelled ends after the sentence in progress."""

    def __init__(
        self,
        folder: Path,
        *,
        name: str | None = None,
        speaker: str | None = None,
        timeout_s: float = 20.0,
    ) -> None:
        """`folder` holds the voice's two files; `name` is the folder's. `speaker`: of a voice that
        has several. `timeout_s`: for the speech of one sentence.

        Starts the process, which loads the voice meanwhile. Raises EngineError when something is
        missing.
        """
        self._name = name or folder.name
        mend = f"run `parley download piper:{self._name}`"
        if find_spec("piper") is None:
            raise EngineError("piper is not installed: install the 'piper' extra")
        if not (folder / VOICE_FILE).is_file():
            raise EngineError(f"piper's voice {self._name!r} is not in {folder}: {mend}")
        self._voice = read_description(folder / f"{VOICE_FILE}.json", mend)
        self._speaker = self._speaker_id(speaker)
        self._process = PiperProcess(
            runner_command(folder / VOICE_FILE), timeout_s=timeout_s, mend=mend
        )
        self._process.start()

    @property
    def model(self) -> str:
        return self._name

    @property
    def sample_rate_hz(self) -> int:
        return self._voice.sample_rate_hz

    @property
    def language(self) -> str:
        return self._voice.language

    @property
    def pid(self) -> int | None:
        """Of its process, if that runs."""
        return self._process.pid

    def steps(
        self, text: str, voicing: Voicing = DEFAULT_VOICING
    ) -> Generator[SpeechChunk, None, None]:
        """Yields a sentence at a time. Raises EngineError; the next text is tried anew."""
        how = self._how(voicing)
        for sentence in split_sentences(text):
            question = json.dumps({"text": sentence, **how})
            if pcm := self._process.ask(question.encode()):
                yield SpeechChunk(pcm)

    def close(self) -> None:
        self._process.close()

    def _how(self, voicing: Voicing) -> dict[str, Any]:
        slowest, fastest = SPEEDS
        if not slowest <= voicing.speed <= fastest:
            raise EngineError(
                f"piper's speed must be {slowest:g}..{fastest:g}, not {voicing.speed}"
            )
        if voicing.language and voicing.language.lower()[:2] != self._voice.language:
            raise EngineError(
                f"piper's voice {self._name!r} does not speak {voicing.language!r}: choose another"
            )
        speaker = self._speaker
        if voicing.voice not in (None, self._name):
            speaker = self._speaker_id(voicing.voice)
        return {"speaker": speaker, "length_scale": self._voice.length_scale / voicing.speed}

    def _speaker_id(self, speaker: str | None) -> int | None:
        if speaker is None:
            return None
        if speaker not in self._voice.speakers:
            known = ", ".join(list(self._voice.speakers)[:10]) or "none but its own"
            raise EngineError(
                f"piper's voice {self._name!r} has no speaker {speaker!r}; it has {known}"
            )
        return self._voice.speakers[speaker]

"""One decode of the real faster-whisper, on generated models."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from livekit.plugins.faster_whisper.decoder import Decoder
from livekit.plugins.faster_whisper.engine import load_decoder
from livekit.plugins.faster_whisper.hypothesis import Hypothesis
from livekit.plugins.faster_whisper.request import Request
from livekit.plugins.faster_whisper.session import WhisperSession
from livekit.plugins.speechcore import EngineError
from livekit.plugins.speechcore.pace import PartialPace
from numpy.typing import NDArray

from tests.fakes.tone_words import parts
from tests.models.random_whisper import random_whisper, scripted_whisper
from tests.models.whisper_parts import RATE_HZ, SENTENCE, made_speech, options, samples, to_float

FINAL = Request(language="en", is_final=True)


@pytest.fixture(scope="module")
def decoder() -> Decoder:
    return load_decoder(options(random_whisper(), tokens_per_s=4.0))


@dataclass
class Measured:
    """A decoder and how much it was given."""

    decoder: Decoder
    longest_s: float = 0.0

    def decode(self, samples: NDArray[np.float32], request: Request) -> Hypothesis:
        self.longest_s = max(self.longest_s, len(samples) / RATE_HZ)
        return self.decoder.decode(samples, request)


def test_speech_without_a_pause_is_decoded_in_pieces_of_less_than_thirty_seconds(
    decoder: Decoder,
) -> None:
    spans = [(n * 0.6, n * 0.6 + 0.54) for n in range(75)]
    measured = Measured(decoder)
    session = WhisperSession(measured, language="en", pace=PartialPace(least_step_s=6.0))
    for part in parts(made_speech(45.0, *spans), 0.5):
        session.accept(part)
    final = session.finish()
    assert 15.0 < measured.longest_s <= 30.0
    times_s = [time for word in final.words for time in (word.start_s, word.end_s)]
    assert times_s == sorted(times_s)
    assert times_s[0] < 10.0
    assert times_s[-1] > 35.0


def test_the_encoder_is_given_speech_and_padding_not_thirty_seconds(
    decoder: Decoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes: list[int] = []
    encode = decoder.model.encode

    def counted(features: NDArray[np.float32]) -> object:
        shapes.append(features.shape[-1])
        encoded = encode(features)
        assert encoded.shape[1] == features.shape[-1] // 2, "it was padded after all"
        return encoded

    monkeypatch.setattr(decoder.model, "encode", counted)
    for duration_s in (1.0, 4.2, 28.0):
        decoder.decode(samples(duration_s), Request(language="en", is_final=False))
    assert shapes == [500, 700, 3000]


def test_a_doubtful_decode_is_tried_once_more_with_the_whole_window(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    decoder = load_decoder(options(random_whisper(), tokens_per_s=4.0))
    shapes: list[int] = []
    encode = decoder.model.encode

    def counted(features: NDArray[np.float32]) -> object:
        shapes.append(features.shape[-1])
        return encode(features)

    monkeypatch.setattr(decoder.model, "encode", counted)
    monkeypatch.setattr("livekit.plugins.faster_whisper.decoder.is_doubtful", lambda scores: True)
    decoder.decode(samples(1.0), FINAL)
    assert shapes == [500, 3000]
    decoder.decode(samples(1.0), Request(language="en", is_final=False))
    assert shapes == [500, 3000, 500], "an interim is not worth a second try"


def test_interims_decoded_together_are_those_decoded_alone(decoder: Decoder) -> None:
    english, any_language = (
        Request(language=language, is_final=False) for language in ("en", None)
    )
    later = replace(english, context="and so")
    requests = [english, later, english, any_language, replace(english, language="de"), later]
    sounds = [made_speech(2.0, (0.2 * n, 0.5 * n + 0.4)) for n in range(len(requests))]
    pieces = list(zip(map(to_float, sounds), requests, strict=True))
    together = decoder.decode_together(pieces)
    alone = [decoder.decode(*piece) for piece in pieces]
    assert len({each.scores.mean_log_probability for each in alone}) > 3
    for one, other in zip(together, alone, strict=True):
        assert one.language == other.language
        assert [word.text for word in one.words] == [word.text for word in other.words]
        assert [word.end_s for word in one.words] == pytest.approx(
            [word.end_s for word in other.words], abs=0.05
        )
        for score in ("mean_log_probability", "no_speech_probability", "compression_ratio"):
            assert getattr(one.scores, score) == pytest.approx(
                getattr(other.scores, score), abs=0.01
            )


def test_prompt_and_hot_words_reach_the_decoder() -> None:
    prompt = options(scripted_whisper(SENTENCE), prompt="what now", hot_words="time it")
    decoder = load_decoder(prompt)
    prompts: list[list[int]] = []
    generate = decoder.model.generate_with_fallback

    def recorded(encoded: object, tokens: list[int], *others: object) -> object:
        prompts.append(tokens)
        return generate(encoded, tokens, *others)

    decoder.model.generate_with_fallback = recorded
    decoder.decode(samples(1.0), Request(language="en", context="is it", is_final=True))
    said = decoder.model.hf_tokenizer.decode(prompts[0], skip_special_tokens=False)
    before = said.partition("<|startoftranscript|>")[0]
    assert before.split() == "<|startofprev|> time it what now is it".split()


def test_hot_words_without_end_are_refused() -> None:
    endless = options(scripted_whisper(SENTENCE), hot_words="what " * 200)
    with pytest.raises(EngineError, match="hot words"):
        load_decoder(endless)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_audio_that_is_no_number_is_refused(decoder: Decoder, value: float) -> None:
    broken = samples(1.0)
    broken[100] = value
    with pytest.raises(EngineError, match="no numbers"):
        decoder.decode(broken, FINAL)


def test_more_than_a_window_is_refused(decoder: Decoder) -> None:
    with pytest.raises(EngineError, match="30 s"):
        decoder.decode(samples(30.1), FINAL)

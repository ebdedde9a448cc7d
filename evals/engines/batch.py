"""Whether interims of several callers are quicker decoded together: CTranslate2, on this processor.

The model server has a hook for it (`max_batch`), off by default: this says why.
"""

from __future__ import annotations

import ctranslate2
import numpy as np

from evals.engines.timing import Comparison, compare
from evals.engines.whisper import SIZES, sentence, speech, to_float
from tests.models.random_whisper import scripted_whisper

TOGETHER = (2, 4)
_LENGTH_S = 3.0
_FRAMES_PER_S = 100


def batches(*, n: int) -> list[Comparison]:
    """Ours: one call for all; the baseline: one call after the other. Times are for all of them."""
    return [_batch(size, count, n=n) for size in SIZES for count in TOGETHER]


def _batch(size: str, count: int, *, n: int) -> Comparison:
    from faster_whisper import WhisperModel

    path = scripted_whisper(sentence(_LENGTH_S), size=size, quantization="int8", english_only=True)
    whisper = WhisperModel(str(path), device="cpu", compute_type="int8", cpu_threads=2)
    sound = to_float(speech(_LENGTH_S))
    features = whisper.feature_extractor(sound)[:, : round(_LENGTH_S * _FRAMES_PER_S)]
    prompt = whisper.hf_tokenizer.encode("<|startoftranscript|><|notimestamps|>").ids[:2]

    def decoded(together: int) -> None:
        batch = ctranslate2.StorageView.from_array(
            np.ascontiguousarray(np.stack([features] * together))
        )
        results = whisper.model.generate(batch, [prompt] * together, beam_size=1)
        if not all(result.sequences_ids[0] for result in results):
            raise AssertionError("a model that has to speak said nothing")

    def one_by_one() -> None:
        for _ in range(count):
            decoded(1)

    what = f"whisper {size}, {count} callers' {_LENGTH_S:g} s at once"
    return compare(what, lambda: decoded(count), one_by_one, n=n)

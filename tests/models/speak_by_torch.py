"""The `kokoro` package itself speaks through TorchBackend, with the model of `random_kokoro`.

    PYTHONPATH=plugins:. .parley/kokoro-venv/bin/python tests/models/speak_by_torch.py

By hand, for it needs PyTorch: the environment that `random_kokoro` names, with livekit-agents and
spaCy's en_core_web_sm as well. Fails when a word is lost, or has no time of its own.
"""

from __future__ import annotations

from itertools import pairwise

from livekit.plugins.kokoro import KokoroEngine, TorchBackend, TorchOptions
from livekit.plugins.kokoro.backend import SAMPLE_RATE_HZ
from livekit.plugins.speechcore import Voicing

from tests.models.random_kokoro import kokoro_folder

TEXTS = {
    "en-us": "Hello there, it costs $5.20 on 3rd May. Dr. Smith's API is at https://example.com!",
    "en-gb": "A tomato of the Xyzzyqv brand.",
    "fr": "Bonjour tout le monde, comment allez-vous?",
    "es": "Hola, ¿qué tal?",
}


def main() -> None:
    folder = kokoro_folder()
    engine = KokoroEngine(
        TorchBackend(
            TorchOptions(
                model_path=folder / "kokoro-v1_0.pth",
                config_path=folder / "config.json",
                voices_dir=folder / "voices",
            )
        )
    )
    for language, text in TEXTS.items():
        chunks = list(engine.steps(text, Voicing(voice="af_heart", language=language)))
        words = [word for chunk in chunks for word in chunk.words]
        spoken_s = sum(len(chunk.pcm) for chunk in chunks) / (2 * SAMPLE_RATE_HZ)
        assert "".join(word.text for word in words) == text, words
        assert all(word.start_s < word.end_s <= spoken_s for word in words), words
        assert all(a.end_s <= b.start_s for a, b in pairwise(words)), words
        print(f"{language}: {len(words)} words in {spoken_s:.1f} s")  # noqa: T201


if __name__ == "__main__":
    main()

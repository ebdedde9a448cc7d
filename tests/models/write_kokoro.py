"""Writes Kokoro with its full architecture and random weights, for PyTorch and as ONNX.

    python write_kokoro.py CONFIG FOLDER

Runs where the `kokoro` package is installed; `random_kokoro` calls it. CONFIG is the model's public
config.json, which kokoro-onnx brings. The model takes the time of the real one and speaks about as
fast; what it says is noise.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import torch
from kokoro.model import KModel, KModelForONNX

REPO = "hexgrad/Kokoro-82M"
VOICES = ("af_heart", "am_adam")
FRAMES_A_PHONEME = 3.1
"""Of 25 ms: 13 phonemes a second, blanks included."""

_SPREAD = 0.4
"""Standard deviation of a duration's logarithm."""

_RMS = 0.1
"""Of full scale."""

_NOTHING = 20.0
"""So much less, as a logarithm, is silence."""

_PHONEMES = 510
_SAID = (
    "ðə lˈæst fˈɛɹi tə ðɪ ˈaɪlənd lˈiːvz æɾə kwˈɔːɹɾɚ pæst nˈaɪn. juː kæn pˈɑːɹk bɪhˈaɪnd ðə stˈeɪʃən"
    " fɔːɹ fˈoːɹ jˈʊɹoʊz ɐ dˈeɪ, ænd tˈuː ɹˈuːmz ɑːɹ fɹˈiː ʌntˈɪl sˈʌndeɪ, bˈoʊθ wɪð bɹˈɛkfəst."
)
"""What is said in ordinary time."""


def main() -> None:
    config, folder = Path(sys.argv[1]), Path(sys.argv[2])
    torch.manual_seed(0)
    (folder / "voices").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(config, folder / "config.json")
    styles = {name: _styles() for name in VOICES}
    for name, style in styles.items():
        torch.save(style, folder / "voices" / f"{name}.pt")
    with (folder / "voices.bin").open("wb") as file:
        np.savez(file, **{name: style.numpy() for name, style in styles.items()})
    weights = folder / "kokoro-v1_0.pth"
    torch.save({}, weights)
    _write_weights(_model(config, weights), styles[VOICES[0]], weights)
    _export(_model(config, weights, disable_complex=True), folder / "model.onnx")


def _styles() -> torch.Tensor:
    """By the number of phonemes, which changes them a little."""
    return 0.3 * torch.randn(1, 1, 256) + 0.01 * torch.randn(_PHONEMES, 1, 256)


def _model(config: Path, weights: Path, *, disable_complex: bool = False) -> KModel:
    return KModel(
        REPO, config=str(config), model=str(weights), disable_complex=disable_complex
    ).eval()


def _write_weights(model: KModel, style: torch.Tensor, path: Path) -> None:
    """As the published file has them: trained in parallel, so that names begin with "module."."""
    _pace(model, style)
    _soften(model, style)
    torch.save(
        {
            name: {f"module.{key}": value for key, value in part.state_dict().items()}
            for name, part in model.named_children()
        },
        path,
    )


def _pace(model: KModel, style: torch.Tensor) -> None:
    """Gives phonemes durations that differ and have the wanted mean."""
    tokens = torch.tensor([[0, *(model.vocab[phoneme] for phoneme in _SAID), 0]])
    layer = model.predictor.duration_proj.linear_layer
    heard: list[torch.Tensor] = []
    hook = layer.register_forward_hook(lambda _, __, output: heard.append(output[0, :, 0]))
    with torch.no_grad():
        layer.weight.copy_(torch.randn(layer.weight.shape[1]).expand_as(layer.weight))
        layer.bias.zero_()
        model.forward_with_tokens(tokens, style[len(_SAID) - 1])
        hook.remove()
        scale = _SPREAD / heard[0].std()
        bias = _bias(scale * heard[0], steps=layer.weight.shape[0])
        layer.weight.mul_(scale)
        layer.bias.fill_(bias)


def _soften(model: KModel, style: torch.Tensor) -> None:
    """As loud as speech, and about the zero line: what the generator ends in are logarithms of magnitudes,
    from that of a steady part on, then phases."""
    tokens = torch.tensor([[0, *(model.vocab[phoneme] for phoneme in _SAID), 0]])
    generator = model.decoder.generator
    with torch.no_grad():
        generator.conv_post.bias[0] -= _NOTHING
        sound, _ = model.forward_with_tokens(tokens, style[len(_SAID) - 1])
        loudness = float(sound.square().mean().sqrt()) / _RMS
        generator.conv_post.bias[: generator.post_n_fft // 2 + 1] -= np.log(loudness)


def _bias(logits: torch.Tensor, *, steps: int) -> float:
    """What gives FRAMES_A_PHONEME: a duration is the sum of `steps` sigmoids, rounded."""

    def misfit(bias: float) -> float:
        frames = (steps * torch.sigmoid(logits + bias)).round().clamp(min=1)
        return abs(float(frames.mean()) - FRAMES_A_PHONEME)

    return min(np.arange(-10.0, 10.0, 0.01).tolist(), key=misfit)


def _export(model: KModel, path: Path) -> None:
    """With the inputs and outputs of the published ONNX files."""
    tokens = torch.randint(1, len(model.vocab), (1, 60))
    torch.onnx.export(
        KModelForONNX(model),
        (tokens, 0.3 * torch.randn(1, 256), torch.tensor([1.0])),
        str(path),
        input_names=["input_ids", "style", "speed"],
        output_names=["waveform", "duration"],
        dynamic_axes={
            "input_ids": {1: "tokens"},
            "waveform": {0: "samples"},
            "duration": {0: "tokens"},
        },
        opset_version=17,
        dynamo=False,
    )


if __name__ == "__main__":
    main()

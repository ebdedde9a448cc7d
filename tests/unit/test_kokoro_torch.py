"""Kokoro by PyTorch, against a recording of the `kokoro` package's interface: not the package."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from livekit.plugins.kokoro import KokoroEngine, KokoroOptions, TorchBackend, TorchOptions
from livekit.plugins.speechcore import EngineError, Voicing

from tests.fakes import kokoro_torch


@pytest.fixture
def files(tmp_path: Path) -> kokoro_torch.TorchFiles:
    return kokoro_torch.TorchFiles(tmp_path)


@pytest.fixture
def options(files: kokoro_torch.TorchFiles) -> TorchOptions:
    return TorchOptions(
        model_path=files.model_path, config_path=files.config_path, voices_dir=files.voices_dir
    )


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    kokoro_torch.install(monkeypatch)


@pytest.mark.usefixtures("library")
def test_a_text_is_spoken_with_the_models_own_times(options: TorchOptions) -> None:
    engine = KokoroEngine(TorchBackend(options))
    (chunk,) = engine.steps("Be my guest!")
    assert engine.model == "kokoro:torch"
    frame_s, kept_s = 0.025, 0.02
    assert [(word.text, word.start_s) for word in chunk.words] == [
        ("Be ", pytest.approx(kept_s)),
        ("my ", pytest.approx(kept_s + 3 * 4 * frame_s)),
        ("guest!", pytest.approx(kept_s + 6 * 4 * frame_s)),
    ]


@pytest.mark.usefixtures("library")
def test_twice_the_speed_is_half_the_length(options: TorchOptions) -> None:
    backend = TorchBackend(options)
    backend.load()
    slow = backend.speak("hello", "af_heart", 1.0)
    fast = backend.speak("hello", "af_heart", 2.0)
    assert len(fast.samples) * 2 == len(slow.samples)


@pytest.mark.usefixtures("library")
def test_a_language_gets_its_pipeline_once_and_none_gets_a_model(options: TorchOptions) -> None:
    engine = KokoroEngine(TorchBackend(options))
    for language in ("en", "en", "fr", "fr"):
        list(engine.steps("Hello there.", Voicing(voice="af_heart", language=language)))
    assert kokoro_torch.KPipeline.made == ["en-us", "fr-fr"]


@pytest.mark.usefixtures("library")
def test_what_a_language_lacks_is_named(options: TorchOptions) -> None:
    engine = KokoroEngine(TorchBackend(options), KokoroOptions(voice="jf_alpha"))
    with pytest.raises(EngineError, match=r"for 'ja': pip install 'misaki\[ja\]'"):
        next(engine.steps("Hello."))


def test_english_never_downloads_in_a_call(
    options: TorchOptions, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    kokoro_torch.install(monkeypatch, with_spacy_model=False)
    (chunk,) = KokoroEngine(TorchBackend(options)).steps("Hello there.")
    assert [word.text for word in chunk.words] == ["Hello ", "there."]
    assert kokoro_torch.KPipeline.made == []
    assert "by espeak-ng" in caplog.text
    assert "spacy download en_core_web_sm" in caplog.text


@pytest.mark.parametrize(("has_gpu", "device"), [(True, "cuda"), (False, "cpu")])
def test_a_gpu_is_used_where_there_is_one(
    has_gpu: bool, device: str, options: TorchOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    kokoro_torch.install(monkeypatch, has_gpu=has_gpu)
    TorchBackend(options).load()
    assert kokoro_torch.KModel.moved_to == [device]


@pytest.mark.usefixtures("library")
def test_a_device_that_is_not_there_is_an_error(options: TorchOptions) -> None:
    with pytest.raises(EngineError, match="cannot use the device 'cuda'"):
        TorchBackend(replace(options, device="cuda")).load()


@pytest.mark.usefixtures("library")
def test_broken_files_are_told_from_missing_ones(options: TorchOptions) -> None:
    backend = TorchBackend(options)
    (options.voices_dir / "af_heart.pt").write_bytes(b"voi")
    with pytest.raises(EngineError, match=r"cannot load .*af_heart\.pt .*kokoro:torch"):
        next(KokoroEngine(backend).steps("Hello."))
    (options.voices_dir / "af_heart.pt").write_bytes(b"foreign")
    with pytest.raises(EngineError, match=r"af_heart\.pt holds no voice .*kokoro:torch"):
        next(KokoroEngine(backend).steps("Hello."))
    options.model_path.write_bytes(b"wei")
    with pytest.raises(EngineError, match=r"cannot load .*kokoro-v1_0\.pth .*kokoro:torch"):
        TorchBackend(options).load()
    options.model_path.unlink()
    with pytest.raises(EngineError, match=r"kokoro-v1_0\.pth is not in .*parley download"):
        TorchBackend(options)


def test_without_the_package_the_extra_is_named(
    options: TorchOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "kokoro", None)
    with pytest.raises(EngineError, match=r"pip install 'parley-agent\[kokoro-torch\]'"):
        TorchBackend(options).load()

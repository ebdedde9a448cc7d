"""What the model server makes of a model's folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.local.factories import kokoro
from tests.fakes.kokoro_torch import TorchFiles, install


@pytest.mark.parametrize("model", ["torch", ""])
def test_a_folder_with_pytorchs_weights_alone_is_run_by_pytorch(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch)
    engine = kokoro(path=str(TorchFiles(tmp_path).folder), model=model, voice="af_heart")
    assert engine.model == "kokoro:torch"
    engine.close()

"""llama.cpp: an answer with a draft model and without one, at a known share of accepted guesses.

The model has twelve layers of which the last eleven change nothing; its draft is the first one alone,
so that all its guesses are right, or that one with noise on it, so that some are. What is measured is
what guessing and checking cost and save, by the share of guesses that is right; what share a real
pair of models reaches, and so what it gains, is not.
"""

from __future__ import annotations

import json
import tempfile
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

from livekit.plugins.llama_cpp import ServerOptions

from evals.engines.llama import running_llama
from evals.engines.timing import compare
from tests.models.tiny_llama import Size, write_tiny_llama

_SIZE = Size(layers=12, width=768, inner=2048, heads=12)
_BLURS = (0.0, 0.1, 0.5, 1.5)
_TOKENS = 32
_PROMPT = "The hotel by the sea has a room for two people until Sunday."
_TIMEOUT_S = 60.0


def answers(*, n: int) -> list[dict[str, Any]]:
    """Greedy, so that with a draft and without it the answer is the same."""
    with tempfile.TemporaryDirectory(prefix="parley-") as folder:
        path = write_tiny_llama(Path(folder) / "model.gguf", size=_SIZE, working_layers=1)
        options = ServerOptions(model=path, slots=1, context_tokens=512)
        with running_llama(options) as plain:
            return [_row(plain, options, Path(folder), blur, n) for blur in _BLURS]


def _row(plain: str, options: ServerOptions, folder: Path, blur: float, n: int) -> dict[str, Any]:
    draft = write_tiny_llama(folder / "draft.gguf", size=replace(_SIZE, layers=1), blur=blur)
    with running_llama(replace(options, draft_model=draft)) as drafted:
        timings = _answer(drafted)
        if timings["text"] != _answer(plain)["text"]:
            raise AssertionError("a draft changed the answer")
        comparison = compare(
            f"llama.cpp, {_TOKENS} tokens", lambda: _answer(drafted), lambda: _answer(plain), n=n
        )
    share = timings["draft_n_accepted"] / timings["draft_n"]
    return comparison.to_dict() | {
        "what": f"{comparison.what}, {share:.0%} of the guesses accepted",
        "guesses": timings["draft_n"],
        "accepted": timings["draft_n_accepted"],
    }


def _answer(url: str) -> dict[str, Any]:
    """The text, and llama.cpp's own account of it."""
    body = {"prompt": _PROMPT, "n_predict": _TOKENS, "temperature": 0.0, "cache_prompt": True}
    request = urllib.request.Request(
        f"{url}/completion", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # it is on this machine
    with opener.open(request, timeout=_TIMEOUT_S) as answer:
        said = json.load(answer)
    return {"text": said["content"], **said["timings"]}

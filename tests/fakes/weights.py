"""A store with small models, whole, in place of gigabytes."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from agent.weights import Catalogue, File, Model, Store

_CONTENT = b"weights"


def small_store(root: Path, names: Mapping[str, str]) -> Store:
    """With one model of each stage; `names` by stage, `engine:variant`."""
    file = File(
        name="model",
        source="model",
        size=len(_CONTENT),
        sha256=sha256(_CONTENT).hexdigest(),
    )
    models = tuple(
        Model(
            name=name,
            stage=stage,
            licence="MIT",
            languages=("en",),
            extra="local",
            url="https://example.org",
            files=(file,),
        )
        for stage, name in names.items()
    )
    store = Store(root, Catalogue(models=models, profiles={}))
    for model in models:
        store.folder(model).mkdir(parents=True)
        store.path(model, file).write_bytes(_CONTENT)
    return store

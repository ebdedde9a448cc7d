"""A model that is missing or broken is told with the command that mends it."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from agent.weights import (
    BrokenWeights,
    Catalogue,
    MissingWeights,
    Model,
    State,
    Store,
    UnknownWeights,
    our_catalogue,
)
from agent.weights.store import sha256_of
from tests.fakes.hub import Contents, catalogue_of, only

CONTENTS: Contents = {"ears:tiny": {"model.bin": b"weights" * 100, "voices/a.pt": b"style"}}
MEND = r"run `parley download ears:tiny`\.$"


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    return catalogue_of(tmp_path, CONTENTS)


@pytest.fixture
def store(tmp_path: Path, catalogue: Catalogue) -> Store:
    return Store(tmp_path / "models", catalogue)


@pytest.fixture
def model(store: Store) -> Model:
    """Put there by hand, whole."""
    model = only(store.catalogue)
    for name, content in CONTENTS[model.name].items():
        path = store.folder(model) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return model


def test_a_whole_model_is_found_in_its_folder(store: Store, model: Model) -> None:
    assert store.find("ears:tiny") == store.root / "ears" / "tiny"


def test_an_engine_without_a_model_is_found_too(store: Store, model: Model) -> None:
    assert store.find("ears") == store.folder(model)


def test_a_model_that_is_not_there_is_missing(store: Store) -> None:
    with pytest.raises(MissingWeights, match="ears:tiny is not downloaded: " + MEND):
        store.find("ears:tiny")


def test_a_model_without_one_of_its_files_is_missing(store: Store, model: Model) -> None:
    (store.folder(model) / "voices" / "a.pt").unlink()
    with pytest.raises(MissingWeights, match=r"completely \(no voices/a.pt\): " + MEND):
        store.find("ears:tiny")


def test_a_truncated_file_is_broken(store: Store, model: Model) -> None:
    (store.folder(model) / "model.bin").write_bytes(b"weights" * 99)
    with pytest.raises(BrokenWeights, match=r"model.bin has 693 bytes instead of 700\): " + MEND):
        store.find("ears:tiny")


def test_a_foreign_file_of_the_right_length_is_broken(store: Store, model: Model) -> None:
    (store.folder(model) / "model.bin").write_bytes(b"Weights" * 100)
    with pytest.raises(BrokenWeights, match=r"model.bin has not the SHA-256 .*: " + MEND):
        store.find("ears:tiny")


def test_a_file_that_is_a_folder_is_broken(store: Store, model: Model) -> None:
    path = store.folder(model) / "voices" / "a.pt"
    path.unlink()
    path.mkdir()
    with pytest.raises(BrokenWeights, match=MEND):
        store.find("ears:tiny")


def test_a_name_nobody_knows_is_no_missing_model(store: Store) -> None:
    with pytest.raises(UnknownWeights):
        store.find("eyes:tiny")


def test_a_verified_file_is_read_again_only_when_asked_or_changed(
    store: Store, model: Model
) -> None:
    path = store.folder(model) / "model.bin"
    assert store.examine(model, record=True).state is State.PRESENT
    written = path.stat()
    path.write_bytes(b"Weights" * 100)
    os.utime(path, ns=(written.st_atime_ns, written.st_mtime_ns))
    assert store.examine(model).state is State.PRESENT  # nothing tells of the change
    assert store.examine(model, rehash=True).state is State.BROKEN
    os.utime(path, ns=(written.st_atime_ns, written.st_mtime_ns + 1))
    assert store.examine(model).state is State.BROKEN


def test_a_file_that_was_only_touched_is_still_whole(store: Store, model: Model) -> None:
    store.examine(model, record=True)
    os.utime(store.folder(model) / "model.bin")
    assert store.find("ears:tiny")


@pytest.mark.parametrize("content", ["", "[]", '{"files": 3}', '{"files": {"model.bin": 3}}', "\0"])
def test_a_spoilt_manifest_costs_a_look_at_the_files(
    content: str, store: Store, model: Model
) -> None:
    (store.folder(model) / "manifest.json").write_text(content)
    assert store.examine(model).state is State.PRESENT
    store.record(model, *model.files)
    assert store.examine(model).state is State.PRESENT


def test_a_model_that_the_catalogue_moved_on_from_is_broken(
    store: Store, model: Model, tmp_path: Path
) -> None:
    store.examine(model, record=True)
    newer = catalogue_of(tmp_path, {"ears:tiny": {"model.bin": b"WEIGHTS" * 100}})
    with pytest.raises(BrokenWeights):
        Store(store.root, newer).find("ears:tiny")


def test_the_folder_is_for_this_user_only(store: Store, catalogue: Catalogue) -> None:
    with store.lock(only(catalogue), on_wait=pytest.fail):
        pass
    assert stat.S_IMODE(store.root.stat().st_mode) == 0o700


def test_the_second_who_locks_a_model_waits_and_says_so(store: Store, catalogue: Catalogue) -> None:
    model, order = only(catalogue), []
    waits = threading.Event()

    def second() -> None:
        with store.lock(model, on_wait=waits.set):
            order.append("second")

    with store.lock(model, on_wait=pytest.fail):
        thread = threading.Thread(target=second)
        thread.start()
        assert waits.wait(5)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_what_is_lacking_counts_what_came_already(store: Store, catalogue: Catalogue) -> None:
    model = only(catalogue)
    assert store.lacking_bytes(model) == model.size_bytes == 705
    store.folder(model).mkdir(parents=True)
    store.part(model, model.files[0]).write_bytes(b"weights" * 60)
    assert store.lacking_bytes(model) == 285


def test_a_hash_is_that_of_the_content(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert sha256_of(tmp_path / "empty").startswith("e3b0c44298fc1c14")


def test_the_catalogue_that_comes_with_parley_is_the_default(tmp_path: Path) -> None:
    assert Store(tmp_path).catalogue is our_catalogue()

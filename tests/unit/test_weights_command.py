"""`parley models` and `parley download` as a person types them."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.config import ConfigError, Settings
from agent.weights import Store, our_catalogue, store_of
from agent.weights.command import download, list_models
from agent.weights.hub import Hub
from tests.fakes.hub import Contents, FakeHub, catalogue_of, fake_hub, plain_session

pytestmark = pytest.mark.timeout(60)  # on a busy machine a process takes its time to start

CONTENTS: Contents = {
    "ears:tiny": {"model.bin": b"weights" * 1000, "config.json": b"{}"},
    "voice:one": {"model.onnx": b"sound" * 1000},
}

TINY = "faster_whisper:tiny.en"
"""The smallest of the real catalogue that is on the hub."""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with plain_session(monkeypatch) as hosts, fake_hub() as hub:
        yield hub
    assert set(hosts) <= {"127.0.0.1", "::1"}


@pytest.fixture
def store(tmp_path: Path, hub: FakeHub) -> Store:
    store = Store(tmp_path / "models", catalogue_of(tmp_path, CONTENTS))
    hub.publish(store.catalogue, CONTENTS)
    return store


def fetch(store: Store, hub: FakeHub, *names: str) -> int:
    return download(store, names, yes=True, check=False, hub=Hub(endpoint=hub.url))


def words(text: str) -> str:
    return " ".join(text.split())


def test_without_a_name_the_local_profile_is_fetched(
    store: Store, hub: FakeHub, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fetch(store, hub) == 0
    shown = words(capsys.readouterr().out)
    plan, _, rest = shown.partition("fetching")
    assert "ears:tiny 7.0 kB MIT makers/tiny" in plan
    assert "ears:tiny model.bin, 7.0 kB" in rest
    assert f"voice:one is in {store.root}/voice/one" in rest
    assert store.find("ears:tiny")
    assert store.find("voice:one")


def test_what_is_there_is_not_fetched_again(
    store: Store, hub: FakeHub, capsys: pytest.CaptureFixture[str]
) -> None:
    fetch(store, hub, "voice:one")
    capsys.readouterr()
    assert fetch(store, hub, "voice:one") == 0
    assert words(capsys.readouterr().out) == f"voice:one is in {store.root}/voice/one"
    assert len(hub.asked) == 1


def test_a_file_that_came_whole_before_an_interruption_is_still_put_in_place(
    store: Store, hub: FakeHub
) -> None:
    model = store.catalogue.model("voice:one")
    store.folder(model).mkdir(parents=True)
    store.part(model, model.files[0]).write_bytes(CONTENTS["voice:one"]["model.onnx"])
    assert fetch(store, hub, "voice:one") == 0
    assert store.find("voice:one")
    assert hub.asked == []


def test_a_model_put_there_by_hand_is_verified_once(store: Store, hub: FakeHub) -> None:
    model = store.catalogue.model("voice:one")
    store.folder(model).mkdir(parents=True)
    (store.folder(model) / "model.onnx").write_bytes(CONTENTS["voice:one"]["model.onnx"])
    assert fetch(store, hub, "voice:one") == 0
    assert hub.asked == []
    assert (store.folder(model) / "manifest.json").is_file()


def test_a_failure_is_one_sentence_and_a_status(
    store: Store, hub: FakeHub, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.refusals = [(404, "")]
    assert fetch(store, hub, "voice:one") == 1
    told = capsys.readouterr()
    assert told.err.startswith("127.0.0.1 has no makers/one@")
    assert told.err.count("\n") == 1


def test_a_folder_that_cannot_be_made_is_told(
    store: Store, hub: FakeHub, capsys: pytest.CaptureFixture[str]
) -> None:
    store.root.write_text("not a folder")
    assert fetch(store, hub) == 1
    assert capsys.readouterr().err == (
        f"{store.root}: File exists; AGENT_CACHE_DIR names another folder.\n"
    )


def test_an_unknown_name_is_a_mistake_of_the_user(store: Store, hub: FakeHub) -> None:
    with pytest.raises(ConfigError, match="did you mean voice:one"):
        fetch(store, hub, "voice:two")


def test_a_check_reads_every_byte_and_downloads_nothing(
    store: Store, hub: FakeHub, capsys: pytest.CaptureFixture[str]
) -> None:
    fetch(store, hub)
    assert download(store, [], yes=False, check=True) == 0
    path = store.find("voice:one") / "model.onnx"
    before = path.stat()
    path.write_bytes(b"Sound" * 1000)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    capsys.readouterr()
    assert download(store, [], yes=False, check=True) == 1
    told = capsys.readouterr()
    assert "broken" in told.out
    assert told.err.startswith("voice:one is broken (model.onnx has not the SHA-256")
    assert len(hub.asked) == 3


def test_a_check_of_what_is_not_there_says_how_to_get_it(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    assert download(store, ["ears:tiny"], yes=False, check=True) == 1
    assert "run `parley download ears:tiny`" in capsys.readouterr().err


def test_programs_get_json(store: Store, hub: FakeHub, capsys: pytest.CaptureFixture[str]) -> None:
    fetch(store, hub, "voice:one")
    capsys.readouterr()
    assert list_models(store, as_json=True) == 0
    ears, voice = json.loads(capsys.readouterr().out)
    assert (ears["state"], voice["state"]) == ("missing", "present")
    assert ears["problem"] == "ears:tiny is not downloaded: run `parley download ears:tiny`."
    assert voice == {
        "name": "voice:one",
        "stage": "stt",
        "size_bytes": 5000,
        "licence": "MIT",
        "languages": ["en"],
        "state": "present",
        "problem": "",
        "profiles": ["local"],
        "extra": "whisper",
        "source": store.catalogue.model("voice:one").source,
        "folder": str(store.root / "voice" / "one"),
    }


def test_people_get_a_table_and_what_is_wrong(
    store: Store, hub: FakeHub, capsys: pytest.CaptureFixture[str]
) -> None:
    fetch(store, hub)
    (store.find("ears:tiny") / "config.json").write_text("{")
    capsys.readouterr()
    assert list_models(store, as_json=False) == 0
    told = capsys.readouterr()
    assert "voice:one" in told.out
    assert "ears:tiny is broken (config.json has 1 bytes instead of 2)" in told.err


def test_models_are_kept_in_the_cache_folder(tmp_path: Path) -> None:
    settings = Settings(agent_cache_dir=tmp_path)
    assert store_of(settings).root == tmp_path / "models"


def parley(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, with nothing of the developer's own settings."""
    return subprocess.run(
        [sys.executable, "-m", "agent", *arguments],
        cwd=cwd,
        env={"AGENT_CACHE_DIR": str(cwd), "HF_HOME": str(cwd), "PATH": os.defpath, **environment},
        capture_output=True,
        text=True,
        timeout=40,
    )


def test_the_command_lists_the_catalogue(tmp_path: Path) -> None:
    finished = parley("models", "--json", cwd=tmp_path)
    rows = json.loads(finished.stdout)
    assert [row["name"] for row in rows] == [m.name for m in our_catalogue().models]
    assert {row["state"] for row in rows} == {"missing"}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "environment", "status", "sentence"),
    [
        (["download", "faster_whisper:hugo"], {}, 2, "There are no weights 'faster_whisper:hugo'"),
        (["download", "--check"], {}, 1, "kokoro:v1.0 is not downloaded"),
        (["download", TINY], {"HF_HUB_OFFLINE": "1"}, 1, f"{TINY} has to be downloaded"),
        (["download", TINY], {"PARLEY_OFFLINE": "1"}, 1, f"{TINY} has to be downloaded"),
        (["download", TINY], {"HF_ENDPOINT": "mirror"}, 1, "HF_ENDPOINT: 'mirror' must begin"),
    ],
)
def test_the_command_ends_with_a_sentence(
    arguments: list[str], environment: dict[str, str], status: int, sentence: str, tmp_path: Path
) -> None:
    finished = parley(*arguments, cwd=tmp_path, **environment)
    assert finished.returncode == status
    assert sentence in words(finished.stderr)
    assert "Traceback" not in finished.stderr


def test_the_command_asks_the_mirror_that_is_set(hub: FakeHub, tmp_path: Path) -> None:
    finished = parley("download", TINY, cwd=tmp_path, HF_ENDPOINT=hub.url)
    assert finished.returncode == 1
    assert words(finished.stderr).startswith("127.0.0.1 has no Systran/faster-whisper-tiny.en@")
    assert [asked.path.rpartition("/")[2] for asked in hub.asked] == ["config.json"]


BY_HAND = """
import signal, sys
from pathlib import Path
from agent.weights import Store, load_catalogue
from agent.weights.command import download

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have switched it off
folder = Path(sys.argv[1])
store = Store(folder / "models", load_catalogue(folder / "catalogue.yaml"))
sys.exit(download(store, ["ears:tiny"], yes=False, check=False))
"""


def test_ctrl_c_says_that_nothing_is_lost(store: Store, hub: FakeHub, tmp_path: Path) -> None:
    hub.hold.clear()
    process = subprocess.Popen(
        [sys.executable, "-c", BY_HAND, str(tmp_path)],
        env={"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert hub.held.wait(40)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=40)
    assert process.returncode == 130
    assert output.endswith("the same command goes on where it stopped.\n")
    assert "Traceback" not in output


def test_a_person_at_a_terminal_is_asked_first(store: Store, hub: FakeHub, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", BY_HAND, str(tmp_path)],
        env={"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path), "TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    os.write(ours, b"n\n")
    assert process.wait(40) == 1
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert "Download 7.0 kB?" in shown
    assert hub.asked == []

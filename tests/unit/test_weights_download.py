"""Downloads from a hub on loopback: resumed, verified, and every failure is one sentence."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from agent.weights import Model, State, Store, WeightsError
from agent.weights.download import Downloader
from agent.weights.hub import Hub
from tests.fakes.hub import (
    REVISION,
    TOKEN,
    Asked,
    Contents,
    FakeHub,
    catalogue_of,
    fake_hub,
    only,
    plain_session,
)

BIG = bytes(range(256)) * 4000
"""Over a megabyte: comes from the other host, in several pieces."""
SMALL = b'{"alignment_heads": []}'
CONTENTS: Contents = {"ears:tiny": {"model.bin": BIG, "config.json": SMALL}}
MODEL_PATH = f"makers/tiny/resolve/{REVISION}/model.bin"


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    with plain_session(monkeypatch) as hosts:
        yield hosts
    assert set(hosts) <= {"127.0.0.1", "::1"}


@pytest.fixture
def hub(connections: list[str]) -> Iterator[FakeHub]:
    with fake_hub() as hub:
        yield hub


@dataclass
class Bench:
    """A store, what it downloads from, and what was told meanwhile."""

    store: Store
    downloader: Downloader
    reports: list[tuple[str, int, int]] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)

    @property
    def model(self) -> Model:
        return only(self.store.catalogue)

    @property
    def part(self) -> Path:
        return self.store.part(self.model, self.model.files[0])

    def file(self, name: str) -> bytes:
        return (self.store.folder(self.model) / name).read_bytes()

    def fetch(self) -> None:
        self.downloader.fetch_all([self.model])

    def refusal(self) -> str:
        with pytest.raises(WeightsError) as refused:
            self.fetch()
        return str(refused.value)


def bench_of(folder: Path, hub: Hub, contents: Contents = CONTENTS) -> Bench:
    store = Store(folder / "models", catalogue_of(folder, contents))
    bench = Bench(store=store, downloader=None)  # type: ignore[arg-type]
    bench.downloader = Downloader(
        store=store,
        hub=hub,
        report=lambda *report: bench.reports.append(report),
        say=pytest.fail,
        sleep=bench.pauses.append,
    )
    return bench


@pytest.fixture
def bench(hub: FakeHub, tmp_path: Path) -> Bench:
    bench = bench_of(tmp_path, Hub(endpoint=hub.url))
    hub.publish(bench.store.catalogue, CONTENTS)
    return bench


def test_a_model_comes_whole_and_is_not_fetched_again(bench: Bench, hub: FakeHub) -> None:
    bench.fetch()
    assert bench.file("model.bin") == BIG
    assert bench.file("config.json") == SMALL
    assert bench.store.examine(bench.model).state is State.PRESENT
    assert len(hub.asked) == 2
    bench.fetch()
    assert len(hub.asked) == 2


def test_files_are_asked_for_at_the_pinned_commit_with_the_token(
    bench: Bench, hub: FakeHub
) -> None:
    bench.fetch()
    assert hub.asked[0] == Asked(MODEL_PATH, range=None, token=TOKEN)


def test_only_what_is_lacking_is_fetched(bench: Bench, hub: FakeHub) -> None:
    bench.fetch()
    (bench.store.folder(bench.model) / "model.bin").write_bytes(BIG[:-1])
    bench.fetch()
    assert [asked.path for asked in hub.asked].count(MODEL_PATH) == 2
    assert len(hub.asked) == 3
    assert bench.file("model.bin") == BIG


def test_a_file_put_there_by_hand_is_taken_as_it_is(bench: Bench, hub: FakeHub) -> None:
    folder = bench.store.folder(bench.model)
    folder.mkdir(parents=True)
    (folder / "model.bin").write_bytes(BIG)
    bench.fetch()
    assert [asked.path.rpartition("/")[2] for asked in hub.asked] == ["config.json"]


def test_progress_goes_from_nothing_to_everything(bench: Bench) -> None:
    bench.fetch()
    done = [done for label, done, total in bench.reports if label == "ears:tiny model.bin"]
    assert done[0] == 0
    assert done[-1] == len(BIG)
    assert done == sorted(done)
    assert len(done) > 3


def test_a_truncated_download_goes_on_where_it_broke_off(bench: Bench, hub: FakeHub) -> None:
    hub.cuts = [600_000, 300_000]
    bench.fetch()
    assert bench.file("model.bin") == BIG
    starts = [
        int(asked.range.removeprefix("bytes=").rstrip("-")) if asked.range else 0
        for asked in hub.asked
        if asked.path == MODEL_PATH
    ]
    assert starts == sorted(starts)
    assert len(starts) == 3
    assert starts[1] >= 500_000
    assert bench.pauses == [0.5, 0.5]  # each of them brought something


def test_a_server_that_does_not_resume_sends_it_all_again(bench: Bench, hub: FakeHub) -> None:
    hub.cuts, hub.resumes = [600_000], False
    bench.fetch()
    assert bench.file("model.bin") == BIG


def test_a_download_that_brings_nothing_is_given_up_and_kept(bench: Bench, hub: FakeHub) -> None:
    hub.cuts = [600_000, 0, 0, 0]
    sentence = bench.refusal()
    assert sentence.startswith("ears:tiny cannot be downloaded (")
    assert "goes on where it stopped" in sentence
    assert bench.pauses == [0.5, 2.0, 5.0]
    kept = bench.part.stat().st_size
    assert 500_000 <= kept <= 600_000
    bench.fetch()
    assert hub.asked[-2].range == f"bytes={kept}-"
    assert bench.file("model.bin") == BIG


def test_an_interrupted_download_goes_on_the_next_time(bench: Bench, hub: FakeHub) -> None:
    def interrupt(label: str, done_bytes: int, total_bytes: int) -> None:
        if done_bytes > 300_000:
            raise KeyboardInterrupt

    whole, bench.downloader = bench.downloader, replace(bench.downloader, report=interrupt)
    with pytest.raises(KeyboardInterrupt):
        bench.fetch()
    kept = bench.part.stat().st_size
    assert kept > 300_000
    assert bench.store.examine(bench.model).state is State.MISSING
    bench.downloader = whole
    bench.fetch()
    assert hub.asked[1].range == f"bytes={kept}-"
    assert bench.file("model.bin") == BIG


def test_parts_of_another_version_are_cleared_away(bench: Bench) -> None:
    folder = bench.store.folder(bench.model)
    folder.mkdir(parents=True)
    (folder / ".part-0123456789abcdef").write_bytes(b"old")
    bench.fetch()
    assert sorted(p.name for p in folder.iterdir()) == [
        ".lock",
        "config.json",
        "manifest.json",
        "model.bin",
    ]


def test_a_wrong_hash_is_thrown_away_and_told(bench: Bench, hub: FakeHub) -> None:
    hub.files[MODEL_PATH] = BIG[:-1] + b"!"
    sentence = bench.refusal()
    assert "model.bin of ears:tiny came with another SHA-256" in sentence
    assert not bench.part.exists()
    assert bench.store.examine(bench.model).state is State.MISSING
    hub.files[MODEL_PATH] = BIG
    bench.fetch()
    assert bench.file("model.bin") == BIG


def test_a_file_of_another_length_is_refused_before_it_comes(bench: Bench, hub: FakeHub) -> None:
    hub.files[MODEL_PATH] = b"<html>Please log in.</html>"
    assert "sends 27 bytes for model.bin instead of 1024000" in bench.refusal()
    assert bench.reports == []


def test_more_than_the_file_has_is_never_kept(bench: Bench, hub: FakeHub) -> None:
    hub.files[MODEL_PATH], hub.tells_length = BIG + b"more", False
    assert "more came than the file has" in bench.refusal()
    assert bench.part.stat().st_size == 0


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (404, "EntryNotFound", "has no makers/tiny@" + REVISION + " (404): check HF_ENDPOINT"),
        (404, "RepoNotFound", "(404): check HF_ENDPOINT, or update Parley."),
        (404, "RevisionNotFound", "(404): check HF_ENDPOINT, or update Parley."),
        (404, "", "(404): check HF_ENDPOINT, or update Parley."),
        (401, "GatedRepo", "accept its terms: do so on {url}/makers/tiny, and set HF_TOKEN"),
        (403, "GatedRepo", "accept its terms: do so on {url}/makers/tiny, and set HF_TOKEN"),
        (401, "", "refuses ears:tiny (401): set HF_TOKEN to a token that may read makers/tiny@"),
        (403, "", "refuses ears:tiny (403): set HF_TOKEN"),
        (418, "", "refuses ears:tiny (418): try again later."),
    ],
)
def test_a_refusal_is_a_sentence_with_what_to_do(
    status: int, code: str, words: str, bench: Bench, hub: FakeHub
) -> None:
    hub.refusals = [(status, code)]
    assert words.format(url=hub.url) in bench.refusal()
    assert len(hub.asked) == 1


def test_a_hub_that_is_overloaded_for_a_moment_is_asked_again(bench: Bench, hub: FakeHub) -> None:
    hub.refusals = [(503, ""), (429, "")]
    bench.fetch()
    assert bench.pauses == [0.5, 2.0]


def test_a_hub_that_stays_overloaded_is_told(bench: Bench, hub: FakeHub) -> None:
    hub.refusals = [(503, "")] * 4
    assert "127.0.0.1 answers 503" in bench.refusal()


def test_no_network_is_a_sentence(connections: list[str], tmp_path: Path) -> None:
    with fake_hub() as gone:
        pass
    sentence = bench_of(tmp_path, Hub(endpoint=gone.url)).refusal()
    assert gone.url.removeprefix("http://") in sentence
    assert "check the network, HTTPS_PROXY and HF_ENDPOINT" in sentence


def test_an_endpoint_without_a_scheme_is_a_sentence(connections: list[str], tmp_path: Path) -> None:
    bench = bench_of(tmp_path, Hub(endpoint="mirror.example"))
    assert "HF_ENDPOINT: 'mirror.example' must begin with https://" in bench.refusal()


def test_a_proxy_is_respected(
    bench: Bench, hub: FakeHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hub.files[MODEL_PATH] = b"small"
    monkeypatch.setenv("HTTP_PROXY", hub.url)
    contents: Contents = {"ears:tiny": {"model.bin": b"small"}}
    behind = bench_of(tmp_path, Hub(endpoint="http://hub.invalid"), contents)
    behind.fetch()
    assert behind.file("model.bin") == b"small"


def test_a_proxy_that_cannot_be_used_is_a_sentence(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "gopher://127.0.0.1:70")
    assert "ALL_PROXY cannot be used" in bench.refusal()


def test_offline_nothing_is_asked(hub: FakeHub, tmp_path: Path) -> None:
    bench = bench_of(tmp_path, Hub(endpoint=hub.url, offline=True))
    assert "HF_HUB_OFFLINE or PARLEY_OFFLINE forbids it" in bench.refusal()
    assert hub.asked == []


def test_offline_a_model_that_is_there_is_no_problem(
    bench: Bench, hub: FakeHub, tmp_path: Path
) -> None:
    bench.fetch()
    asked = len(hub.asked)
    bench_of(tmp_path, Hub(endpoint=hub.url, offline=True)).fetch()
    assert len(hub.asked) == asked


def test_without_huggingface_hub_the_remedy_is_told(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    bench = bench_of(tmp_path, Hub(endpoint=hub.url))
    assert "run `make setup LOCAL=1`, or install parley-agent[local]" in bench.refusal()


def test_too_small_a_disk_is_told_before_anything_is_asked(bench: Bench, hub: FakeHub) -> None:
    enough = bench.model.size_bytes
    bench.downloader = replace(bench.downloader, free_bytes=lambda path: enough - 1)
    sentence = bench.refusal()
    assert sentence.startswith("1.0 MB are to be downloaded and ")
    assert sentence.endswith("make room there, or set AGENT_CACHE_DIR to another disk.")
    assert hub.asked == []
    bench.downloader = replace(bench.downloader, free_bytes=lambda path: enough)
    bench.fetch()


def test_a_disk_that_fills_up_meanwhile_is_told(bench: Bench) -> None:
    bench.store.folder(bench.model).mkdir(parents=True)
    bench.part.symlink_to("/dev/full")  # every write to it fails as on a full disk
    sentence = bench.refusal()
    assert sentence.startswith(f"The disk of {bench.store.root} is full: ")
    bench.part.unlink()
    bench.fetch()
    assert bench.file("model.bin") == BIG


def test_a_folder_that_cannot_be_written_is_an_error_of_the_system(
    bench: Bench, tmp_path: Path
) -> None:
    bench.store.root.write_text("not a folder")
    with pytest.raises(OSError):
        bench.fetch()


TWICE = """
import sys
from pathlib import Path
from agent.weights import Store, load_catalogue
from agent.weights.command import download

folder = Path(sys.argv[1])
store = Store(folder / "models", load_catalogue(folder / "catalogue.yaml"))
sys.exit(download(store, [], yes=True, check=False))
"""


@pytest.mark.timeout(60)
def test_two_processes_fetch_a_model_once(bench: Bench, hub: FakeHub, tmp_path: Path) -> None:
    hub.hold.clear()

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-u", "-c", TWICE, str(tmp_path)],
            env={"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    first = start()
    assert hub.held.wait(20)
    second = start()
    assert second.stdout is not None
    for line in second.stdout:
        if "is being downloaded by another process" in line:
            break
    else:
        pytest.fail("the second process did not wait")
    hub.hold.set()
    outputs = [process.communicate(timeout=20)[0] for process in (first, second)]
    assert [process.returncode for process in (first, second)] == [0, 0], outputs
    assert sorted(asked.path.rpartition("/")[2] for asked in hub.asked) == [
        "config.json",
        "model.bin",
    ]
    assert bench.file("model.bin") == BIG

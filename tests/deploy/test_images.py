"""The Dockerfile, as far as it can be tried without Docker: its linter, its files, its wheel."""

from __future__ import annotations

import fnmatch
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.deploy import tools
from tests.deploy.project import DEPLOY, DOCKERFILE, instructions, stages

pytestmark = pytest.mark.timeout(tools.INSTALLING_S)


def sources() -> set[str]:
    """What is copied from the checkout."""
    copies = [i.split()[1:] for i in instructions() if i.startswith("COPY ") and "--from" not in i]
    return {name for words in copies for name in words[:-1]}


def ignored_unless() -> list[str]:
    lines = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    return [line.removeprefix("!") for line in lines if line.startswith("!")]


def test_hadolint_finds_nothing() -> None:
    done = subprocess.run(
        [tools.program("hadolint"), str(DOCKERFILE)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout


def test_each_image_is_healthy_by_something_and_starts_something() -> None:
    for target in ("worker", "modelserver", "web"):
        words = [instruction.split()[0] for instruction in stages()[target]]
        assert words[0] == "FROM" and {"HEALTHCHECK", "CMD", "EXPOSE"} <= set(words), target


def test_what_runs_is_no_root_and_knows_no_compiler() -> None:
    runtime = stages()["runtime"]
    assert "USER 10001:10001" in runtime
    assert runtime[0] == "FROM ${PYTHON_IMAGE} AS runtime"  # not the stage with uv and the sources
    for target in ("worker", "modelserver", "web"):
        assert stages()[target][0] == f"FROM runtime AS {target}"
        assert not [i for i in stages()[target] if i.startswith("USER")]


def test_every_base_image_has_a_tag_and_none_is_latest() -> None:
    images = re.findall(r"^ARG \w+_IMAGE=(\S+)$", DOCKERFILE.read_text(), re.MULTILINE)
    assert len(images) == 3
    for image in images:
        tag = image.rpartition(":")[2]
        assert tag != image and tag != "latest"


def test_what_is_copied_is_there_and_goes_to_the_builder() -> None:
    for source in sources():
        assert list(tools.CHECKOUT.glob(source.removeprefix("./"))), source
        assert any(is_part(source, of) or is_part(of, source) for of in ignored_unless()), source


def is_part(path: str, of: str) -> bool:
    return fnmatch.fnmatch(path, of) or path.startswith(f"{of}/")


def test_packages_are_installed_by_their_hashes_only() -> None:
    installs = [i for i in instructions() if "uv pip install" in i or "uv build" in i]
    assert installs
    for instruction in installs:
        for command in re.findall(r"uv (?:pip install|build)[^&;|]*", instruction):
            assert "--require-hashes" in command or "--no-deps /build/dist" in command, command
    for lock in (DEPLOY / "build.lock", DEPLOY / "gpu.lock"):
        for pin in re.findall(r"^\S+==[^\\]*\\\n +(\S+)", lock.read_text(), re.MULTILINE):
            assert pin.startswith("--hash=sha256:")


@pytest.mark.parametrize("engines", ["base", "local"])
def test_workers_of_every_kind_can_keep_conversations_in_redis(engines: str) -> None:
    lock = tools.CHECKOUT / "requirements" / f"{engines}.lock"
    assert re.search("^redis==", lock.read_text(), re.MULTILINE)


def test_the_wheel_of_the_images_builds_from_the_lock_and_holds_everything(tmp_path: Path) -> None:
    context = tmp_path / "context"
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        context.mkdir(exist_ok=True)
        shutil.copy(tools.CHECKOUT / name, context)
    skip = shutil.ignore_patterns("node_modules", "__pycache__", "dist")
    for name in ("agent", "plugins"):
        shutil.copytree(tools.CHECKOUT / name, context / name, ignore=skip)
    page = context / "agent/web/page/dist"
    page.mkdir()
    (page / "index.html").write_text("<!doctype html>")
    constraints = ["--build-constraints", str(DEPLOY / "build.lock"), "--require-hashes"]
    options = ["build", "--quiet", "--wheel", "--python", sys.executable, *constraints]
    done = subprocess.run(
        [tools.uv(), *options, "--out-dir", str(tmp_path)],
        cwd=context,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {"agent/prompts/assistant.md", "agent/weights/catalogue.yaml"}
    wanted |= {"agent/web/page/dist/index.html", "livekit/plugins/responder/skills.yaml"}
    assert not wanted - names


def test_a_health_check_fails_when_nobody_answers() -> None:
    command = [sys.executable, str(DEPLOY / "healthy.py"), "http://127.0.0.1:9/"]
    assert subprocess.run(command, capture_output=True, timeout=20).returncode != 0

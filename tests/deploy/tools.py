"""The real tools that check deploy/, installed once into Parley's tool cache.

`python -m tests.deploy.tools` installs what is missing; a test that needs one does so as well.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from agent.config import Settings

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[1]

HELM = "helm.sh/helm/v3/cmd/helm", "v3.19.5"
KUBECONFORM = "github.com/yannh/kubeconform/cmd/kubeconform", "v0.7.0"
KUBERNETES = "1.27.0", "1.37.0"
"""The oldest version that the chart is for, and the newest whose schemas the package has."""
CRD_MODELS = "@kubernetes-models/keda@0.4.2", "@kubernetes-models/prometheus-operator@6.0.0"
INSTALLING_S = 900
"""Helm is built from source: five minutes on one core, seconds when Go has it in its cache."""


def tool_folder() -> Path:
    folder = Settings().cache_dir / "deploy-tools"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def helm() -> Path:
    return _installed(f"helm-{HELM[1]}", lambda folder: _go_install(HELM, folder)) / "helm"


def kubeconform() -> Path:
    folder = _installed(
        f"kubeconform-{KUBECONFORM[1]}", lambda folder: _go_install(KUBECONFORM, folder)
    )
    return folder / "kubeconform"


def prometheus(name: str) -> str:
    """`prometheus` or `promtool`: on PATH, else Debian's, unpacked so that no service is started."""
    if found := shutil.which(name):
        return found
    return str(_installed("prometheus-debian", _unpack_prometheus) / "usr/bin" / name)


def packages() -> Path:
    """Folder of an environment with the packages of tools.lock: its bin/ holds the programs."""
    lock = HERE / "tools.lock"
    name = f"packages-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"

    def install(folder: Path) -> None:
        environment = [uv(), "venv", "--quiet", "--python", sys.executable, "--relocatable"]
        _run([*environment, str(folder)])
        python = str(folder / "bin/python")
        options = ["--quiet", "--require-hashes", "--python", python]
        _run([uv(), "pip", "install", *options, "-r", str(lock)])

    return _installed(name, install)


def uv() -> str:
    """The one on PATH, else that of scripts/setup.sh."""
    return shutil.which("uv") or str(CHECKOUT / ".parley/uv/bin/uv")


def program(name: str) -> str:
    """docker-compose, hadolint, or python with the packages of tools.lock."""
    return str(packages() / "bin" / name)


def kubernetes_schemas() -> Path:
    """Folder of the JSON schemas of Kubernetes' own kinds, as kubeconform looks for them."""

    def install(folder: Path) -> None:
        (package,) = packages().glob("lib/python*/site-packages/kubernetes_validate")
        for version in KUBERNETES:
            target = folder / f"v{version}-standalone-strict"
            target.mkdir(parents=True)
            given = package / "kubernetes-json-schema" / f"v{version}-local-strict"
            for schema in given.glob("*.json"):
                (target / schema.name).write_text(_beside_each_other(schema.read_text()))

    return _installed(f"kubernetes-{'-'.join(KUBERNETES)}", install)


def _beside_each_other(schema: str) -> str:
    """Takes the addresses from a schema, which would have its definitions fetched from the network."""
    content = json.loads(schema.replace('"/api/_definitions.json', '"_definitions.json'))
    content.pop("$id", None)
    return json.dumps(content)


def crd_models() -> Path:
    """Folder from which Node finds the kinds of KEDA and of the Prometheus operator."""

    def install(folder: Path) -> None:
        options = ["--prefix", str(folder), "--ignore-scripts", "--no-audit", "--no-fund"]
        _run(["npm", "install", *options, "--silent", *CRD_MODELS])

    versions = [package.rpartition("@")[2] for package in CRD_MODELS]
    return _installed(f"crds-{'-'.join(versions)}", install)


def _installed(name: str, install: Callable[[Path], None]) -> Path:
    """The folder `name` of the tool cache; made by `install` aside, so that it is always whole."""
    target = tool_folder() / name
    with _only_one(name):
        if not target.exists():
            with tempfile.TemporaryDirectory(dir=tool_folder(), prefix=".new-") as folder:
                install(Path(folder) / name)
                os.replace(Path(folder) / name, target)
    return target


@contextmanager
def _only_one(name: str) -> Iterator[None]:
    with (tool_folder() / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _go_install(package: tuple[str, str], folder: Path) -> None:
    assert shutil.which("go"), "no Go: install Go 1.21 or newer, as for the LiveKit server"
    folder.mkdir()
    _run(["go", "install", "@".join(package)], GOBIN=str(folder))


def _unpack_prometheus(folder: Path) -> None:
    assert shutil.which("apt-get"), "no Prometheus: install it, it brings promtool"
    folder.mkdir()
    fetch = ["apt-get", "download", "-qq", "prometheus"]
    try:
        _run(fetch, cwd=folder)
    except AssertionError:  # its lists of packages may be old, or none
        _run(["apt-get", "update", "-qq"])
        _run(fetch, cwd=folder)
    (archive,) = folder.glob("*.deb")
    _run(["dpkg-deb", "-x", str(archive), str(folder)])
    archive.unlink()


def _run(command: list[str], cwd: Path | None = None, **environment: str) -> None:
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=INSTALLING_S,
    )
    assert done.returncode == 0, f"{' '.join(command)}:\n{(done.stdout + done.stderr)[-2000:]}"


def install_all() -> None:
    prometheus("promtool")
    for install in (packages, kubernetes_schemas, crd_models, kubeconform, helm):
        install()


if __name__ == "__main__":
    install_all()

"""`make sbom`: the lists of what a release contains name every package that is installed."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from scripts.audit import Package, canonical, pinned
from tests.deploy import tools

REQUIREMENTS = tools.CHECKOUT / "requirements"
DEPLOY = tools.CHECKOUT / "deploy"
INSTALLED = [
    *(REQUIREMENTS / f"{name}.lock" for name in ("base", "local")),
    *(lock for lock in sorted(DEPLOY.glob("*.lock")) if lock.stem != "build"),
]
"""Those that an image's packages come from; build.lock only makes the wheel."""
PAGE = tools.CHECKOUT / "agent" / "web" / "page"
pytestmark = pytest.mark.timeout(tools.INSTALLING_S)


@pytest.fixture(scope="module")
def bills(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `make sbom` fills."""
    folder = tmp_path_factory.mktemp("sbom")
    done = subprocess.run(
        ["make", "--silent", "sbom", f"SBOM={folder}"],
        cwd=tools.CHECKOUT,
        capture_output=True,
        text=True,
        timeout=tools.INSTALLING_S,
    )
    assert done.returncode == 0, done.stderr
    return folder


def components(file: Path) -> dict[Package, dict[str, Any]]:
    bill = json.loads(file.read_text())
    assert bill["bomFormat"] == "CycloneDX"
    return {
        (canonical(component["name"]), component["version"]): component
        for component in bill["components"]
    }


@pytest.mark.parametrize("lock", INSTALLED, ids=lambda lock: lock.stem)
def test_every_package_of_an_image_is_listed_with_its_hashes(bills: Path, lock: Path) -> None:
    listed = components(bills / f"parley-{lock.stem}.cdx.json")
    assert set(pinned([lock.read_text()])) == set(listed)
    for component in listed.values():
        assert component["purl"].startswith("pkg:pypi/")
        assert any(each["hashes"] for each in component["externalReferences"]), component["name"]


def test_every_package_in_the_page_is_listed(bills: Path) -> None:
    lock = json.loads((PAGE / "package-lock.json").read_text())["packages"]
    shipped = {
        (path.rpartition("node_modules/")[2], entry["version"])
        for path, entry in lock.items()
        if path and not entry.get("dev") and not entry.get("optional")
    }
    bill = json.loads((bills / "parley-page.cdx.json").read_text())
    listed = {
        ("/".join(filter(None, [component.get("group"), component["name"]])), component["version"])
        for component in bill["components"]
    }
    assert ("livekit-client", "2.23.0") in listed
    assert shipped <= listed

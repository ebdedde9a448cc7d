"""The workflows of GitHub: what can be said of them here."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.deploy import tools

WORKFLOWS = sorted((tools.CHECKOUT / ".github" / "workflows").glob("*.yml"))
CI = tools.CHECKOUT / ".github" / "workflows" / "ci.yml"
RELEASE = CI.with_name("release.yml")


def read(name: Any) -> dict[str, Any]:
    return dict(yaml.load(name.read_text(), yaml.BaseLoader))  # nosec B506 # `on` stays a word


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_jobs_may_read_only_end_in_time_and_pin_what_they_use(file: Any) -> None:
    workflow = read(file)
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert int(job["timeout-minutes"]) <= 90
        for step in job["steps"]:
            assert "uses" not in step or re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"])


def test_a_release_is_of_a_tag_and_has_the_wheel_and_what_is_in_it() -> None:
    workflow = read(RELEASE)
    assert workflow["on"] == {"push": {"tags": ["v*"]}}
    build, publish = workflow["jobs"]["build"], workflow["jobs"]["publish"]
    runs = "\n".join(step.get("run", "") for step in build["steps"])
    assert "make sbom" in runs and "build --wheel" in runs and "deploy/build.lock" in runs
    (kept,) = (s["with"]["path"] for s in build["steps"] if "upload-artifact" in s.get("uses", ""))
    assert kept.split() == ["dist/*.whl", "dist/*.cdx.json", "dist/SHA256SUMS"]
    assert "permissions" not in build
    assert publish["needs"] == "build" and publish["permissions"] == {"contents": "write"}
    assert not [s for s in publish["steps"] if "checkout" in s.get("uses", "")]
    assert "gh release create" in publish["steps"][-1]["run"]

import hashlib
import io
import tarfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from agent.demo.release import Release, ReleaseError, checksum_of, fetch_server, this_machine
from tests.fakes.livekit_http import http_server

PROGRAM = b"#!/bin/sh\necho livekit-server version 1.11.0\n" + bytes(range(256)) * 4000


def archive_of(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name.replace("__", "/").replace("_", "-"))
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


@dataclass
class ReleaseSite:
    """What a release page serves; `cuts` are the lengths after which downloads break off."""

    archive: bytes = field(
        default_factory=lambda: archive_of(LICENSE=b"text", livekit_server=PROGRAM)
    )
    checksum: str | None = None
    status: int = 200
    resumes: bool = True
    cuts: list[int] = field(default_factory=list)
    ranges: list[str | None] = field(default_factory=list)
    base_url: str = ""

    @property
    def release(self) -> Release:
        return Release(system="linux", machine="amd64", base_url=self.base_url)

    async def checksums(self, request: web.Request) -> web.Response:
        digest = self.checksum or hashlib.sha256(self.archive).hexdigest()
        other = f"{'0' * 64}  livekit_1.11.0_linux_arm64.tar.gz\n"
        return web.Response(text=f"{other}{digest}  {self.release.archive}\n")

    async def download(self, request: web.Request) -> web.StreamResponse:
        asked = request.headers.get("Range")
        self.ranges.append(asked)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.resumes else 0
        if self.status != 200:
            return web.Response(status=self.status)
        if start >= len(self.archive):
            return web.Response(status=416)
        body = self.archive[start:]
        response = web.StreamResponse(status=206 if start else 200)
        response.content_length = len(body)
        await response.prepare(request)
        if self.cuts:
            await response.write(body[: self.cuts.pop(0)])
            assert request.transport is not None
            request.transport.close()
        else:
            await response.write(body)
        return response


@pytest.fixture
async def site() -> AsyncIterator[ReleaseSite]:
    site = ReleaseSite()
    app = web.Application()
    app.router.add_get("/checksums.txt", site.checksums)
    app.router.add_get(f"/{site.release.archive}", site.download)
    async with http_server(app) as site.base_url:
        yield site


async def fetch(site: ReleaseSite, bin_dir: Path, tries: int = 3) -> Path:
    return await fetch_server(
        site.release, bin_dir, report=lambda text: None, pauses_s=[0.0] * (tries - 1)
    )


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def assert_only_the_program(bin_dir: Path) -> None:
    program = bin_dir / "livekit-server"
    assert program.read_bytes() == PROGRAM
    assert program.stat().st_mode & 0o111
    assert list(bin_dir.iterdir()) == [program]


async def test_a_good_archive_becomes_a_program(site: ReleaseSite, tmp_path: Path) -> None:
    progress: list[str] = []
    path = await fetch_server(site.release, tmp_path / "bin", report=progress.append)
    assert path == tmp_path / "bin" / "livekit-server"
    assert_only_the_program(tmp_path / "bin")
    assert any(text.endswith("MB") for text in progress)


async def test_a_download_that_breaks_off_goes_on_where_it_stopped(
    site: ReleaseSite, tmp_path: Path
) -> None:
    site.cuts = [1000, 500]
    await fetch(site, tmp_path)
    assert_only_the_program(tmp_path)
    assert site.ranges == [None, "bytes=1000-", "bytes=1500-"]


async def test_the_next_start_goes_on_where_the_last_one_gave_up(
    site: ReleaseSite, tmp_path: Path
) -> None:
    site.cuts = [1000, 1000]
    with pytest.raises(ReleaseError, match="broke off 2 times"):
        await fetch(site, tmp_path, tries=2)
    assert not (tmp_path / "livekit-server").exists()
    await fetch(site, tmp_path)
    assert site.ranges[-1] == "bytes=2000-"
    assert_only_the_program(tmp_path)


async def test_a_site_that_cannot_resume_is_read_from_the_start(
    site: ReleaseSite, tmp_path: Path
) -> None:
    site.cuts, site.resumes = [1000], False
    await fetch(site, tmp_path)
    assert_only_the_program(tmp_path)


async def test_an_archive_that_had_come_whole_is_not_loaded_again(
    site: ReleaseSite, tmp_path: Path
) -> None:
    (tmp_path / f".{site.release.archive}.part").write_bytes(site.archive)
    await fetch(site, tmp_path)
    assert site.ranges == [f"bytes={len(site.archive)}-"]
    assert_only_the_program(tmp_path)


async def test_a_wrong_checksum_throws_the_archive_away(site: ReleaseSite, tmp_path: Path) -> None:
    site.checksum = "a" * 64
    with pytest.raises(ReleaseError, match="checksum"):
        await fetch(site, tmp_path)
    assert names_in(tmp_path) == []


async def test_a_missing_archive_is_a_reason_without_further_tries(
    site: ReleaseSite, tmp_path: Path
) -> None:
    site.status = 404
    with pytest.raises(ReleaseError, match="answered 404"):
        await fetch(site, tmp_path)
    assert len(site.ranges) == 1


async def test_a_failing_site_is_tried_again(site: ReleaseSite, tmp_path: Path) -> None:
    site.status = 503
    with pytest.raises(ReleaseError, match="broke off 3 times"):
        await fetch(site, tmp_path)
    assert len(site.ranges) == 3


async def test_a_missing_checksum_file_is_a_reason(site: ReleaseSite, tmp_path: Path) -> None:
    site.base_url += "/other"
    with pytest.raises(ReleaseError, match=r"checksums.txt answered 404"):
        await fetch(site, tmp_path)


async def test_a_machine_the_release_is_not_made_for_is_a_reason(
    site: ReleaseSite, tmp_path: Path
) -> None:
    release = Release(system="darwin", machine="arm64", base_url=site.base_url)
    with pytest.raises(ReleaseError, match="the release has no livekit_1.11.0_darwin_arm64"):
        await fetch_server(release, tmp_path, report=lambda text: None)


async def test_an_unreachable_site_is_a_reason(tmp_path: Path) -> None:
    release = Release(system="linux", machine="amd64", base_url="http://127.0.0.1:1")
    with pytest.raises(ReleaseError, match="cannot be reached"):
        await fetch_server(release, tmp_path, report=lambda text: None)


async def test_an_archive_without_the_program_is_a_reason(
    site: ReleaseSite, tmp_path: Path
) -> None:
    site.archive = archive_of(LICENSE=b"text")
    with pytest.raises(ReleaseError, match="no livekit-server in the archive"):
        await fetch(site, tmp_path)
    assert names_in(tmp_path) == []


async def test_what_is_no_archive_is_a_reason(site: ReleaseSite, tmp_path: Path) -> None:
    site.archive = b"<html>not an archive</html>"
    with pytest.raises(ReleaseError, match="cannot be unpacked"):
        await fetch(site, tmp_path)
    assert names_in(tmp_path) == []


async def test_paths_in_the_archive_lead_nowhere_else(site: ReleaseSite, tmp_path: Path) -> None:
    site.archive = archive_of(**{"..__..__livekit_server": PROGRAM})
    await fetch(site, tmp_path / "bin")
    assert_only_the_program(tmp_path / "bin")
    assert names_in(tmp_path) == ["bin"]


@pytest.mark.parametrize(
    ("system", "machine", "expected"),
    [
        ("Linux", "x86_64", ("linux", "amd64")),
        ("Linux", "aarch64", ("linux", "arm64")),
        ("Linux", "armv7l", ("linux", "armv7")),
        ("Darwin", "arm64", ("darwin", "arm64")),
    ],
)
def test_machines_have_the_names_of_release_archives(
    system: str, machine: str, expected: tuple[str, str]
) -> None:
    assert this_machine(system, machine) == expected


def test_checksums_are_read_in_both_common_forms() -> None:
    digest = "AB" * 32
    assert checksum_of("x.tar.gz", f"{digest}  x.tar.gz\n") == digest.lower()
    assert checksum_of("x.tar.gz", f"{digest} *x.tar.gz\n") == digest.lower()
    assert checksum_of("x.tar.gz", f"{digest}  y.tar.gz\nshort  x.tar.gz\n") is None

"""The server from its official release archive: resumed when cut off, verified before unpacking."""

import asyncio
import hashlib
import os
import platform
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from .options import RELEASE_URL, SERVER_VERSION

__all__ = ["Release", "ReleaseError", "checksum_of", "fetch_server", "this_machine"]

_BINARY = "livekit-server"
_CHUNK_BYTES = 256 * 1024
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=30)


class ReleaseError(Exception):
    """The archive cannot be had or is not what it should be; the message is half a sentence."""


class _Interrupted(Exception):
    """The connection broke off; what came so far is kept."""


@dataclass(frozen=True, kw_only=True)
class Release:
    """One archive of one release."""

    system: str
    """`linux`, as release archives are named."""
    machine: str
    """`amd64`, `arm64` or `armv7`."""
    base_url: str = RELEASE_URL
    version: str = SERVER_VERSION

    @property
    def archive(self) -> str:
        """File name of the archive."""
        return f"livekit_{self.version}_{self.system}_{self.machine}.tar.gz"


def this_machine(system: str | None = None, machine: str | None = None) -> tuple[str, str]:
    """Operating system and processor of this machine, in the words of release archives."""
    system = (system or platform.system()).lower()
    machine = (machine or platform.machine()).lower()
    names = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "armv7"}
    return system, names.get(machine, machine)


def checksum_of(name: str, checksums: str) -> str | None:
    """The SHA-256 that a `checksums.txt` gives for the file `name`."""
    for line in checksums.splitlines():
        words = line.split()
        if len(words) == 2 and words[1].removeprefix("*") == name and len(words[0]) == 64:
            return words[0].lower()
    return None


async def fetch_server(
    release: Release,
    bin_dir: Path,
    *,
    report: Callable[[str], None],
    pauses_s: Sequence[float] = (0.5, 2.0, 5.0),
) -> Path:
    """Downloads, verifies and unpacks `bin_dir/livekit-server`; gives its path.

    A download that breaks off goes on where it stopped: after each of `pauses_s`, and again in
    the next call. `report` gets short texts of progress. Raises ReleaseError.
    """
    part = _Part(bin_dir / f".{release.archive}.part")
    async with aiohttp.ClientSession(timeout=_TIMEOUT, trust_env=True) as session:
        wanted = await _wanted_checksum(session, release)
        await _download_patiently(session, release, part, report, pauses_s)
    report("verifying")
    if await asyncio.to_thread(part.sha256) != wanted:
        part.discard()
        raise ReleaseError(
            f"{release.archive} does not have the checksum its release gives; it was thrown away"
        )
    report("unpacking")
    try:
        return await asyncio.to_thread(_unpack, part.path, bin_dir)
    finally:
        part.discard()


class _Part:
    """What came of an archive so far, kept between tries and between starts."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)

    @property
    def size_bytes(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def append(self, chunk: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(chunk)

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)

    def sha256(self) -> str:
        """Hexadecimal; "" when there is no file."""
        if not self.path.exists():
            return ""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


async def _wanted_checksum(session: aiohttp.ClientSession, release: Release) -> str:
    url = f"{release.base_url}/checksums.txt"
    try:
        async with session.get(url) as response:
            if response.status != 200:
                raise ReleaseError(f"{url} answered {response.status}")
            text = (await response.read()).decode(errors="replace")
    except (aiohttp.ClientError, TimeoutError) as e:
        raise ReleaseError(f"{url} cannot be reached") from e
    wanted = checksum_of(release.archive, text)
    if wanted is None:
        raise ReleaseError(f"the release has no {release.archive}")
    return wanted


async def _download_patiently(
    session: aiohttp.ClientSession,
    release: Release,
    part: _Part,
    report: Callable[[str], None],
    pauses_s: Sequence[float],
) -> None:
    for pause_s in pauses_s:
        try:
            return await _download(session, release, part, report)
        except _Interrupted:
            await asyncio.sleep(pause_s)
    try:
        await _download(session, release, part, report)
    except _Interrupted as e:
        raise ReleaseError(
            f"the download of {release.archive} broke off {len(pauses_s) + 1} times; "
            "a new start goes on where it stopped"
        ) from e


async def _download(
    session: aiohttp.ClientSession, release: Release, part: _Part, report: Callable[[str], None]
) -> None:
    """Brings `part` to its full length. Raises _Interrupted when another try may help."""
    url = f"{release.base_url}/{release.archive}"
    have_bytes = part.size_bytes
    headers = {"Accept-Encoding": "identity"}
    if have_bytes:
        headers["Range"] = f"bytes={have_bytes}-"
    try:
        async with session.get(url, headers=headers) as response:
            if response.status == 416:
                return  # all of it is there already; the checksum has the last word
            if response.status >= 500:
                raise _Interrupted
            if response.status not in {200, 206}:
                raise ReleaseError(f"{url} answered {response.status}")
            if response.status == 200:
                part.discard()  # the server does not resume: from the start
            await _save(response, part, report)
    except (aiohttp.ClientError, TimeoutError) as e:
        raise _Interrupted from e


async def _save(
    response: aiohttp.ClientResponse, part: _Part, report: Callable[[str], None]
) -> None:
    done_bytes = part.size_bytes
    total_bytes = done_bytes + (response.content_length or 0)
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        await asyncio.to_thread(part.append, chunk)
        done_bytes += len(chunk)
        of_total = f" of {total_bytes / 1e6:.0f}" if response.content_length else ""
        report(f"{done_bytes / 1e6:.0f}{of_total} MB")


def _unpack(archive: Path, bin_dir: Path) -> Path:
    """Takes the one program out of the archive; nothing else in it touches the disk."""
    try:
        with tarfile.open(archive, "r:gz") as tar:
            members = [m for m in tar if m.isfile() and Path(m.name).name == _BINARY]
            source = tar.extractfile(members[0]) if members else None
            if source is None:
                raise ReleaseError(f"there is no {_BINARY} in the archive")
            with source, tempfile.TemporaryDirectory(dir=bin_dir, prefix=".unpack-") as folder:
                program = Path(folder) / _BINARY
                with program.open("wb") as target:
                    shutil.copyfileobj(source, target)
                program.chmod(0o755)
                os.replace(program, bin_dir / _BINARY)
    except (tarfile.TarError, EOFError, OSError) as e:
        raise ReleaseError(f"the archive cannot be unpacked: {e}") from e
    return bin_dir / _BINARY

"""Calls over a bad network: a caller at its far end, the LiveKit server and an agent's part at its near end."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from agent.demo.ports import ServerPorts
from agent.demo.server_config import server_config
from evals.ear.corpus import lines
from evals.ear.flite import synthesise
from evals.ear.metrics import percentile
from evals.ear.recording import Lane
from evals.ear.word_errors import word_errors
from evals.opus.judge import Arrival, Recogniser, cut_out, judge, window_levels
from evals.opus.tunnel import NEAR, Tunnel, TunnelError, far_namespace, run
from evals.opus.variants import VARIANTS
from evals.opus.wire import Network
from tests.stack.caller import RATE_HZ, join_token
from tests.stack.processes import KEYS, start_livekit, stop

NETWORKS = (
    Network(),
    Network(loss=0.02),
    Network(loss=0.05),
    Network(loss=0.10),
    Network(loss=0.20),
    Network(loss=0.10, burst=3.0),
    Network(jitter_s=0.03),
    Network(loss=0.10, jitter_s=0.03),
)
ROLES = ("near", "far")
DIRECTIONS = {"far": "caller to agent", "near": "agent to caller"}
"""By who speaks."""

_PORTS = ServerPorts(signal=7880, media_tcp=7881, media_udp=7882)
_VOICES = ("rms", "kal16")
_WORDS = range(5, 11)
_READY_S, _PATIENCE_S = 60.0, 30.0


@dataclass(frozen=True, kw_only=True)
class Row:
    """What one variant was like on one network, in one direction."""

    network: str
    direction: str
    variant: str
    n: int
    """Sentences."""
    lost: int
    """Sentences that were not found at all."""
    delay_p50_s: float | None
    delay_p95_s: float | None
    missing: float
    """Share of the speech's 20 ms that are not there."""
    words: int
    word_errors: int
    kbps: float
    """With RTP headers, pauses included."""
    pause_dbfs: float | None
    """Median level between the sentences; the microphone's bed has -60."""
    late_p99_s: float
    """Of the microphone's frames: how busy the machine was."""


@cache
def sentences(count: int) -> tuple[tuple[str, np.ndarray], ...]:
    """Text and samples; sentences and voices of the split `dev`, without figures."""
    fitting = [
        line.text
        for line in lines()
        if (line.group, line.split) == ("plain", "dev") and len(line.text.split()) in _WORDS
    ]
    voices = [_VOICES[number % len(_VOICES)] for number in range(count)]
    return tuple(
        (text, synthesise(text, voice).samples)
        for text, voice in zip(fitting[:count], voices, strict=True)
    )


def measure(count: int, networks: Sequence[Network] = NETWORKS) -> Iterator[list[Row]]:
    """The rows of each network. To be run in a network namespace of its own. Raises TunnelError."""
    run("ip", "link", "set", "lo", "up")
    script = sentences(count)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        np.savez(folder / "script.npz", **{str(i): wave for i, (_, wave) in enumerate(script)})
        tunnel = stack.enter_context(Tunnel(seed=1))
        there = stack.enter_context(far_namespace(tunnel))
        url = stack.enter_context(_server(folder))
        # A child of a process that has used the SDK may not use it after a fork.
        fresh = multiprocessing.get_context("spawn")
        pool = stack.enter_context(
            ProcessPoolExecutor(2, mp_context=fresh, initializer=os.nice, initargs=(10,))
        )
        for number, network in enumerate(networks):
            tunnel.set(Network())
            _call(tunnel, network, url, f"opus-{number}", there, folder)
            # Judged before the next call, so that nothing runs beside one.
            yield list(pool.map(_judge, *zip(*_cases(folder, network, count), strict=True)))


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    config = yaml.safe_load(server_config(_PORTS, KEYS, media_address=NEAR))
    config["bind_addresses"] = [NEAR]
    (folder / "livekit.yaml").write_text(yaml.safe_dump(config))
    server = start_livekit(folder, f"ws://{NEAR}:{_PORTS.signal}")
    try:
        yield server.url
    finally:
        stop(server.process)


def _call(
    tunnel: Tunnel, network: Network, url: str, room: str, there: Sequence[str], folder: Path
) -> None:
    """Both join on a good network, and speak on a bad one."""
    peers = []
    try:
        for role in ROLES:
            token = join_token(KEYS.api_key, KEYS.api_secret, room, role)
            script, output = str(folder / "script.npz"), str(folder / role)
            command = [sys.executable, "-m", "evals.opus.peer", url, token, role, script, output]
            place = there if role == "far" else ()
            pipe = subprocess.PIPE
            peers.append(subprocess.Popen([*place, *command], stdin=pipe, stdout=pipe, text=True))
        for peer in peers:
            _expect(peer, "ready")
        tunnel.set(network)
        for peer in peers:
            assert peer.stdin is not None
            peer.stdin.write("go\n")
            peer.stdin.flush()
        for peer in peers:
            _expect(peer, "done")
            peer.wait(_PATIENCE_S)
        tunnel.check()
    finally:
        for peer in peers:
            peer.kill()
            peer.communicate()


def _expect(peer: subprocess.Popen[str], word: str) -> None:
    """The peer's own time-outs end it, and with it its output."""
    assert peer.stdout is not None
    if (said := peer.stdout.readline().strip()) != word:
        raise TunnelError(f"a peer ended before it was {word} ({said or 'see its error above'}).")


def _cases(folder: Path, network: Network, count: int) -> list[tuple[Path, Network, str, str, int]]:
    return [
        (folder, network, speaker, variant.name, count) for speaker in ROLES for variant in VARIANTS
    ]


def _judge(folder: Path, network: Network, speaker: str, variant: str, count: int) -> Row:
    listener = next(role for role in ROLES if role != speaker)
    said, heard = (read_facts(folder / role) for role in (speaker, listener))
    with np.load(folder / f"{listener}.npz") as lanes:
        samples = lanes[variant]
    lane = Lane(samples=samples, rate_hz=RATE_HZ, start_s=heard["starts_s"][variant])
    script = sentences(count)
    arrivals, errors, words = [], 0, 0
    recogniser = _recogniser()
    for (text, wave), sent_s in zip(script, said["said_s"], strict=True):
        arrival = judge(wave, lane, sent_s)
        understood = recogniser.text_of(cut_out(wave, lane, sent_s, arrival.delay_s))
        wrong, spoken = word_errors(text, understood)
        arrivals.append(arrival)
        errors, words = errors + wrong, words + spoken
    delays_s = sorted(a.delay_s for a in arrivals if a.delay_s is not None)
    return Row(
        network=network.name,
        direction=DIRECTIONS[speaker],
        variant=variant,
        n=len(script),
        lost=len(script) - len(delays_s),
        delay_p50_s=percentile(delays_s, 0.5),
        delay_p95_s=percentile(delays_s, 0.95),
        missing=_missing(arrivals),
        words=words,
        word_errors=errors,
        kbps=round(said["kbps"][variant], 1),
        pause_dbfs=_pause_level(lane, said["said_s"], script, delays_s),
        late_p99_s=round(said["late_p99_s"], 4),
    )


@cache
def _recogniser() -> Recogniser:
    return Recogniser()


def read_facts(path: Path) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(path.with_suffix(".json").read_text())
    return facts


def _missing(arrivals: Sequence[Arrival]) -> float:
    missing = sum(arrival.missing_windows for arrival in arrivals)
    return round(missing / sum(arrival.speech_windows for arrival in arrivals), 4)


def _pause_level(
    lane: Lane,
    said_s: Sequence[float],
    script: Sequence[tuple[str, np.ndarray]],
    delays_s: Sequence[float],
) -> float | None:
    """Of the middle of the pauses, where the longest delay has no speech."""
    late_s = max(delays_s, default=0.0)
    levels = []
    for (_, wave), sent_s in zip(script, said_s, strict=True):
        end_s = sent_s + len(wave) / RATE_HZ
        levels.append(window_levels(lane.between(end_s + late_s + 0.1, end_s + 0.9)))
    joined = np.concatenate(levels)
    return round(float(np.median(joined)), 1) if len(joined) else None


def as_dicts(rows: Sequence[Row]) -> list[dict[str, Any]]:
    return [asdict(row) for row in rows]

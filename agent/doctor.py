"""`parley doctor`: checks everything a call needs and says how to mend what fails."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import nullcontext
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from livekit.agents import APIError, utils
from livekit.plugins.speechcore import EngineError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from agent import __version__
from agent.config import ConfigError, Settings, load_settings, unknown_variables
from agent.demo.options import DemoOptions
from agent.dispatch import CallOptions
from agent.engines import Loaded, Pipeline, build, import_plugins, preload
from agent.hosted.keys import PROVIDERS, Provider, check_key
from agent.local.host import local_host
from agent.local.reach import needed, unreached
from agent.ports import is_free
from agent.private_files import Keys, read_env
from agent.profiles import KNOWN, STAGES, Choice, ProfileError, Realtime, choose
from agent.realtime.models import check_online
from agent.self_test import SENTENCE, speak_and_listen, voice_for
from agent.sound.filter import noise_plan
from agent.sound.plan import parse_noise
from agent.sound.rnnoise import why_not
from agent.token_check import Verdict, check_token
from agent.turn_taking import voice_activity
from agent.web.command import DIST
from agent.weights import WeightsError

PACKAGES = ("livekit-agents", "livekit", "livekit-api", "aiohttp", "prometheus-client")


@dataclass(frozen=True, kw_only=True)
class Check:
    """A row of the table."""

    name: str
    passed: bool
    detail: str
    remedy: str = ""
    needed: bool = True
    """Whether Parley cannot work without it."""


async def run_doctor(*, online: bool = False) -> int:
    """Prints the table; 1 when something needed fails. `online`: providers are asked, too."""
    checks = [check async for check in examine(online=online)]
    console = Console()
    console.print(_table(checks))
    failed = [check for check in checks if check.needed and not check.passed]
    if failed:
        console.print(f"{len(failed)} needed check(s) failed.", style="red")
    else:
        console.print("Everything needed works.", style="green")
    return 1 if failed else 0


async def examine(*, online: bool = False) -> AsyncIterator[Check]:
    """The checks, in the order in which one depends on another."""
    yield _python()
    yield _packages()
    try:
        settings = load_settings()
    except ConfigError as e:
        yield Check(
            name="Settings",
            passed=False,
            detail="; ".join(e.problems),
            remedy="correct these variables in .env or the environment",
        )
        return
    strangers = unknown_variables(os.environ)
    yield Check(
        name="Settings",
        passed=not strangers,
        needed=False,
        detail=" ".join(strangers) or "all variables are known and sound",
        remedy="remove or rename them",
    )
    async for check in _engines(settings, online=online):
        yield check
    yield _voice_activity(settings)
    yield _noise_filter(settings)
    yield await _livekit(settings)
    for check in _ports(settings):
        yield check
    yield _page()


def _python() -> Check:
    return Check(
        name="Python",
        passed=sys.version_info >= (3, 11),
        detail=f"{platform.python_version()} on {platform.system()}",
        remedy="install Python 3.11 or newer and run `make setup`",
    )


def _packages() -> Check:
    try:
        found = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    except PackageNotFoundError as e:
        return Check(name="Packages", passed=False, detail=str(e), remedy="run `make setup`")
    return Check(name="Packages", passed=True, detail=f"parley {__version__}, {found}")


async def _engines(settings: Settings, *, online: bool) -> AsyncIterator[Check]:
    try:
        choice = choose(settings)
    except ProfileError as e:
        yield Check(name="Profile", passed=False, detail=str(e), remedy="change the setting named")
        return
    engines = ", ".join(choice.engines.values())
    if choice.realtime is not None:
        engines = f"{choice.realtime.spec}, and behind it {engines}"
    detail = " ".join([f"{choice.profile} ({choice.why}): {engines}.", *choice.warnings])
    yield Check(name="Profile", passed=True, detail=detail)
    if online:
        async for check in _keys(settings, choice):
            yield check
    if choice.realtime is not None:
        yield await _realtime(settings, choice.realtime, online=online)
    if settings.agent_modelserver and needed(choice):
        yield await _model_server(settings, choice)
    with tempfile.TemporaryDirectory(prefix="parley-") as folder:
        try:
            local = local_host(settings, choice, Path(folder))
            async with local.running() if local else nullcontext():
                async for check in _trial(settings, choice, online=online):
                    yield check
        except (EngineError, WeightsError) as e:
            remedy = "mend what it says, or choose other engines"
            yield Check(name="Local engines", passed=False, detail=str(e), remedy=remedy)


async def _keys(settings: Settings, choice: Choice) -> AsyncIterator[Check]:
    """Asks every provider whose key is set, or whose engine was chosen."""
    chosen = {getattr(choice, stage).name for stage in STAGES}
    chosen |= {choice.realtime.spec.name} if choice.realtime else set()
    for name, provider in PROVIDERS.items():
        if name in chosen or provider.key_in(settings):
            yield await _key(settings, provider, needed=name in chosen)


async def _key(settings: Settings, provider: Provider, *, needed: bool) -> Check:
    problem = await check_key(provider, settings)
    return Check(
        name=f"{provider.title}'s key",
        passed=problem is None,
        needed=needed,
        detail=problem or f"{provider.address(settings)} takes {provider.key_variable}",
        remedy="do what it says, or choose other engines",
    )


async def _realtime(settings: Settings, realtime: Realtime, *, online: bool) -> Check:
    problem = await check_online(settings, realtime) if online else None
    asked = "gives a session" if online else "not asked (`parley doctor --online` does)"
    return Check(
        name="Realtime",
        passed=problem is None,
        detail=problem or f"{realtime.spec} {asked}; when it fails, {realtime.cascade} takes over",
        remedy="do what it says; meanwhile calls have the engines behind it",
    )


async def _model_server(settings: Settings, choice: Choice) -> Check:
    try:
        problem = await unreached(settings, choice)
    except ConfigError as e:
        problem = " ".join(e.problems)
    return Check(
        name="Model server",
        passed=not problem,
        detail=problem
        or f"{settings.agent_modelserver} serves {', '.join(sorted(needed(choice)))}",
        remedy="do what it says",
    )


def _voice_activity(settings: Settings) -> Check:
    try:
        voice_activity(settings)
    except ProfileError as e:
        return Check(name="VAD", passed=False, detail=str(e), remedy="do so, or unset AGENT_VAD")
    return Check(name="VAD", passed=True, detail=settings.agent_vad)


def _noise_filter(settings: Settings) -> Check:
    asked = parse_noise(settings.agent_noise)
    remedy = "install the extra denoise, or set AGENT_NOISE to stages without rnnoise, or to off"
    try:
        found = noise_plan(settings).stages
    except ProfileError as e:
        return Check(name="Noise filter", passed=False, detail=str(e), remedy=remedy)
    if asked.stages and not found:
        detail = f"AGENT_NOISE=auto has no effect: {why_not()}"
        return Check(name="Noise filter", passed=False, needed=False, detail=detail, remedy=remedy)
    when = "switched on and off by the noise" if asked.is_automatic else "always on"
    detail = f"{', '.join(found)}: {when}" if found else "off"
    return Check(name="Noise filter", passed=True, detail=detail)


async def _trial(settings: Settings, choice: Choice, *, online: bool) -> AsyncIterator[Check]:
    """Loads the engines and lets them talk to each other; a provider's only when asked to."""
    voice = voice_for(choice.tts.name, choice.stt.name)
    started_s = time.monotonic()
    loaded = Loaded()
    try:
        import_plugins(choice)
        preload(choice, loaded)
        pipeline = build(settings, choice, CallOptions(), loaded)
        tester = build(settings, choose(settings, CallOptions(voice=voice)), CallOptions(), loaded)
    except Exception as e:  # whatever a library raises when it cannot load is a row of the table
        yield Check(
            name="Engines",
            passed=False,
            detail=f"{type(e).__name__}: {e}",
            remedy="run `make setup`, or choose other engines",
        )
        return
    took_s = time.monotonic() - started_s
    yield Check(name="Engines", passed=True, detail=f"loaded in {took_s:.1f} s")
    try:
        yield await _self_test(choice, tester, voice, online=online)
    finally:
        await tester.aclose()
        await pipeline.aclose()


async def _self_test(
    choice: Choice, pipeline: Pipeline, voice: str | None, *, online: bool
) -> Check:
    speaking = {"stt": choice.stt, "tts": choice.tts}
    paid = [str(spec) for stage, spec in speaking.items() if KNOWN[stage][spec.name].is_hosted]
    if paid and not online:
        detail = f"not made: {' and '.join(paid)} cost; `parley doctor --online` makes it"
        return Check(name="Self-test", passed=True, detail=detail)
    async with utils.http_context.open():
        return await _spoken(choice, pipeline, voice)


async def _spoken(choice: Choice, pipeline: Pipeline, voice: str | None) -> Check:
    in_voice = f" in the voice {voice}" if voice else ""
    try:
        result = await speak_and_listen(pipeline.speaker, pipeline.stt)
    except (APIError, TimeoutError) as e:
        detail = str(e) or "an engine gave no answer in time"
        return Check(name="Self-test", passed=False, detail=detail, remedy="see the worker's log")
    detail = (
        f"{choice.tts} said “{SENTENCE}”{in_voice}, {choice.stt} heard “{result.heard}”; first audio "
        f"after {result.tts_first_s * 1000:.0f} ms, text {result.stt_s * 1000:.0f} ms after "
        f"{result.audio_s:.1f} s of audio"
    )
    return Check(
        name="Self-test",
        passed=result.passed,
        detail=detail,
        remedy="run `make setup` again; if it persists choose other engines",
    )


async def _livekit(settings: Settings) -> Check:
    url, key, secret = settings.livekit_url, settings.livekit_api_key, settings.api_secret
    if not url:
        return await _demo_server(settings)
    if not key or not secret:
        return Check(
            name="LiveKit",
            passed=False,
            detail=f"{url}, but no key or no secret",
            remedy="set LIVEKIT_API_KEY and LIVEKIT_API_SECRET",
        )
    outcome = await check_token(url, Keys(api_key=key, api_secret=secret))
    remedies = {
        Verdict.REFUSED: "LIVEKIT_API_KEY and LIVEKIT_API_SECRET must be a pair of this server",
        Verdict.UNREACHABLE: "check LIVEKIT_URL, and that the server runs and may be reached",
        Verdict.NOT_LIVEKIT: "LIVEKIT_URL must be the address of a LiveKit server",
    }
    return Check(
        name="LiveKit",
        passed=outcome.is_accepted,
        detail=f"{url}: {outcome.detail or 'reachable, the key is accepted'}",
        remedy=remedies.get(outcome.verdict, ""),
    )


async def _demo_server(settings: Settings) -> Check:
    running = read_env(DemoOptions.from_settings(settings).state_dir / "demo.env")
    if running:
        keys = Keys(
            api_key=running.get("LIVEKIT_API_KEY", ""),
            api_secret=running.get("LIVEKIT_API_SECRET", ""),
        )
        url = running.get("LIVEKIT_URL", "")
        if (await check_token(url, keys)).is_accepted:
            return Check(name="LiveKit", passed=True, detail=f"{url}, of the running demo")
    binary = shutil.which("livekit-server") or shutil.which(
        "livekit-server", path=str(settings.cache_dir / "bin")
    )
    detail = "`make demo` starts one" if binary else "none installed; `make demo` will get one"
    return Check(name="LiveKit", passed=True, detail=f"LIVEKIT_URL is not set: {detail}")


def _ports(settings: Settings) -> list[Check]:
    wanted = {
        "AGENT_WEB_PORT": (settings.agent_web_host, settings.agent_web_port),
        "AGENT_HEALTH_PORT": (settings.agent_host, settings.agent_health_port),
        "AGENT_METRICS_PORT": (settings.agent_host, settings.agent_metrics_port),
    }
    taken = [
        f"{port} ({name})"
        for name, (host, port) in wanted.items()
        if port and not is_free(port, host=host)
    ]
    return [
        Check(
            name="Ports",
            passed=not taken,
            needed=False,
            detail=f"in use: {', '.join(taken)}" if taken else "free",
            remedy="fine if Parley itself runs; else set these variables to other ports",
        )
    ]


def _page() -> Check:
    built = (DIST / "index.html").is_file()
    node = shutil.which("node")
    return Check(
        name="Page",
        passed=built,
        needed=False,
        detail="built" if built else f"not built; Node {'is there' if node else 'is missing'}",
        remedy="run `make setup`" if node else "install Node.js 20 or newer and run `make setup`",
    )


def _table(checks: list[Check]) -> Table:
    table = Table(show_lines=False, box=None, pad_edge=False)
    for heading in ("", "Check", "Found", "Remedy"):
        table.add_column(heading, overflow="fold")
    for check in checks:
        mark = (
            "[green]ok[/]"
            if check.passed
            else ("[red]FAIL[/]" if check.needed else "[yellow]note[/]")
        )
        remedy = "" if check.passed else escape(check.remedy)
        table.add_row(mark, check.name, escape(check.detail), remedy)
    return table

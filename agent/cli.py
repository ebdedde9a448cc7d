"""The `parley` command. Heavy imports happen inside the commands, after the environment is set."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from agent import __version__
from agent.config import ConfigError, Settings, load_settings, unknown_variables
from agent.profiles import Choice, ProfileError, choose
from agent.weights import WeightsError

app = typer.Typer(
    name="parley",
    help="A voice agent for LiveKit rooms that you host yourself.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
errors = Console(stderr=True)


def main() -> None:
    """Entry point: a user's mistake ends with a sentence, never with a traceback."""
    try:
        app()
    except (ConfigError, WeightsError) as e:
        for problem in str(e).splitlines():
            errors.print(problem, style="red", markup=False, highlight=False)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"parley {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


@app.command()
def demo(
    lan: Annotated[bool, typer.Option("--lan", help="Let a phone on this network in.")] = False,
    lan_address: Annotated[
        str | None, typer.Option(help="This machine's address on the network.")
    ] = None,
    prepare: Annotated[
        bool, typer.Option("--prepare", help="Only fetch what the demo needs.")
    ] = False,
) -> None:
    """Start a LiveKit server, the worker and the page, and print one URL."""
    from agent.demo import DemoOptions, run_demo
    from agent.demo import prepare as prepare_demo

    settings = _settings()
    options = DemoOptions.from_settings(settings, lan=lan, lan_address=lan_address)
    raise typer.Exit(prepare_demo(options) if prepare else run_demo(options))


@app.command()
def start() -> None:
    """Run the worker for production: JSON logs, calls finish before it ends."""
    raise typer.Exit(_worker(dev=False))


@app.command()
def dev(
    reload: Annotated[bool, typer.Option(help="Start again when the code changes.")] = True,
) -> None:
    """Run the worker for development: readable logs, no load limit."""
    if reload:
        _settings(need_livekit=True, warn=False)  # the worker it starts warns
        from agent.worker import run_with_reload

        command = ["-m", "agent", "dev", "--no-reload"]
        raise typer.Exit(run_with_reload(command, Path(__file__).parent))
    raise typer.Exit(_worker(dev=True))


@app.command("serve")
def serve_models(
    health_port: Annotated[
        int, typer.Option(help="Port of /healthz, /readyz and /metrics; 0 picks a free one.")
    ] = 8082,
) -> None:
    """Run the model server by itself: speech models once, for the workers of several machines."""
    from agent.serve import run_serve

    settings = _settings()
    # This is that server, and it has no language model: any that needs no weights will do.
    here = settings.model_copy(update={"agent_modelserver": None, "agent_llm": "responder"})
    run_serve(settings, _choice(here), health_port=health_port)


@app.command()
def tune(
    calls: Annotated[
        bool, typer.Option("--calls", help="Make calls instead, and propose AGENT_MAX_SESSIONS.")
    ] = False,
) -> None:
    """Time the local engines on this machine and keep the best choice for each."""
    from livekit.plugins.speechcore import EngineError

    from agent.local.host import plan_of
    from agent.local.tune import run_tune

    settings = _settings()
    choice = _choice(settings)
    if calls:
        from agent.sizing.run import run_sizing

        raise typer.Exit(run_sizing(settings))
    try:
        raise typer.Exit(run_tune(settings, plan_of(settings, choice)))
    except EngineError as e:
        raise ConfigError([str(e)]) from None


@app.command()
def web() -> None:
    """Serve the page and its token endpoint."""
    from agent.web.command import serve_forever

    raise typer.Exit(asyncio.run(serve_forever(_settings(need_livekit=True))))


@app.command()
def doctor(
    online: Annotated[
        bool, typer.Option("--online", help="Ask the providers of hosted engines, too.")
    ] = False,
) -> None:
    """Check everything Parley needs, with a remedy for what fails."""
    from agent.doctor import run_doctor

    raise typer.Exit(asyncio.run(run_doctor(online=online)))


@app.command()
def top(
    worker: Annotated[
        str | None,
        typer.Option(help="Address of a worker's metrics; by default that of the settings."),
    ] = None,
    model_server: Annotated[
        str | None,
        typer.Option("--model-server", help="A model server's health address, too: host:8082."),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Show it once and end.")] = False,
) -> None:
    """Show what a worker is at: calls, turns, response times, faults, memory. Ctrl-C ends it."""
    from agent.top import TopOptions, run_top

    options = TopOptions.of(_settings(warn=False), worker, model_server, once=once)
    raise typer.Exit(run_top(options, Console(), errors))


@app.command("console")
def talk(
    text: Annotated[bool, typer.Option("--text", help="In writing, without sound.")] = False,
    profile: Annotated[
        str | None, typer.Option(help="Of the engines, in place of AGENT_PROFILE.")
    ] = None,
    microphone: Annotated[str | None, typer.Option(help="Number or name of the device.")] = None,
    loudspeaker: Annotated[str | None, typer.Option(help="Number or name of the device.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show the log, too.")] = False,
) -> None:
    """Talk to the agent in this terminal, without a room or a LiveKit server. Ctrl-C ends it."""
    from agent.console import ConsoleOptions, run_console

    options = ConsoleOptions.of(text, profile, microphone, loudspeaker, verbose=verbose)
    raise typer.Exit(run_console(_settings(), options, Console()))


@app.command()
def models(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List the weights Parley knows: size, licence, languages, whether they are here."""
    from agent.weights import store_of
    from agent.weights.command import list_models

    raise typer.Exit(list_models(store_of(_settings()), as_json=as_json))


@app.command()
def download(
    what: Annotated[
        list[str] | None, typer.Argument(help="Profiles or models; `local` when none is given.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Download nothing; read and verify what is here.")
    ] = False,
) -> None:
    """Fetch weights, resumed and verified: of a profile, or by name."""
    from agent.weights import store_of
    from agent.weights.command import download as download_weights

    store = store_of(_settings())
    raise typer.Exit(download_weights(store, what or [], yes=yes, check=check))


@app.command()
def bench(
    show: Annotated[
        bool,
        typer.Option(
            "--open", help="Show the report in the browser; measure only if there is none."
        ),
    ] = False,
    full: Annotated[
        bool, typer.Option("--full", help="Everything, for hours; by default some ten minutes.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a measurement that was stopped.")
    ] = False,
) -> None:
    """Measure Parley and other agents at the caller's ear."""
    from agent.bench import CHECKOUT, open_report, run_evals

    if show and not (full or resume) and open_report(CHECKOUT):
        return
    status = run_evals(CHECKOUT, _settings().cache_dir, full=full, resume=resume)
    if show and status == 0:
        open_report(CHECKOUT)
    raise typer.Exit(status)


def _warn(sentence: str) -> None:
    errors.print(sentence, style="yellow", markup=False, highlight=False)


def _settings(*, need_livekit: bool = False, warn: bool = True) -> Settings:
    settings = load_settings()
    for sentence in unknown_variables(os.environ) if warn else ():
        _warn(sentence)
    if need_livekit:
        given = {
            "LIVEKIT_URL": settings.livekit_url,
            "LIVEKIT_API_KEY": settings.livekit_api_key,
            "LIVEKIT_API_SECRET": settings.livekit_api_secret,
        }
        if missing := [name for name, value in given.items() if not value]:
            raise ConfigError(
                [
                    f"{', '.join(missing)} not set: put the address, key and secret of your LiveKit "
                    "server into .env (see .env.example), or run `make demo`, which needs none."
                ]
            )
    return settings


def _worker(*, dev: bool) -> int:
    from agent.start import run_start

    settings = _settings(need_livekit=True)
    return run_start(settings, _choice(settings), _warn, dev=dev)


def _choice(settings: Settings) -> Choice:
    """A profile that cannot work is told now, not to the first caller."""
    try:
        choice = choose(settings)
    except ProfileError as e:
        raise ConfigError([str(e)]) from None
    for warning in choice.warnings:
        _warn(warning)
    return choice

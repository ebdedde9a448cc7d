"""The order in which a server is looked for, and `parley demo --prepare`, which does only that."""

import asyncio
from collections.abc import Iterable

from agent.private_files import Keys, load_keys, make_state_dir

from .options import DemoError, DemoOptions
from .screen import Screen
from .server_finder import (
    Environment,
    GivenServer,
    InstalledServer,
    OwnRunningServer,
    Way,
    find_server,
)
from .server_installers import Docker, Go, Homebrew, ReleaseArchive

__all__ = ["given_keys", "own_keys", "prepare", "ways_to_a_server", "ways_to_install"]

SERVER = "LiveKit server"


def prepare(options: DemoOptions, screen: Screen | None = None) -> int:
    """Makes sure that there is a server to start; gives the exit status."""
    with screen or Screen() as shown:
        try:
            return asyncio.run(_prepare(options, shown))
        except DemoError as e:
            shown.forget_all()
            shown.error(str(e))
            return 1
        except KeyboardInterrupt:
            return 130


async def _prepare(options: DemoOptions, screen: Screen) -> int:
    if options.livekit_url:
        screen.done(SERVER, "the one of LIVEKIT_URL")
        return 0
    screen.working(SERVER, "looking for one")
    found = await find_server(ways_to_install(options), lambda text: screen.working(SERVER, text))
    screen.done(SERVER, found.how)
    return 0


def ways_to_a_server(options: DemoOptions, keys: Keys) -> Iterable[Way]:
    """Every way, cheapest first. `keys` is the pair for a server of our own."""
    yield GivenServer(options.livekit_url, given_keys(options))
    # With `lan` the media must be on the network, where a server left running has it not.
    if not options.lan:
        yield OwnRunningServer(keys)
    yield from ways_to_install(options)


def ways_to_install(options: DemoOptions) -> Iterable[Way]:
    """The ways that end with a server to start."""
    environment = Environment(
        environ=dict(options.environ), bin_dir=options.cache_dir / "bin", offline=options.offline
    )
    yield InstalledServer(environment)
    yield Homebrew(environment)
    yield Go(environment)
    yield Docker(environment)
    yield ReleaseArchive(environment, base_url=options.release_url)


def given_keys(options: DemoOptions) -> Keys | None:
    """The pair of the settings, None unless both are set."""
    if options.api_key and options.api_secret:
        return Keys(api_key=options.api_key, api_secret=options.api_secret)
    return None


def own_keys(options: DemoOptions) -> Keys:
    """The pair for a server started here: the settings', else this checkout's own.

    Raises DemoError when only half of a pair is set.
    """
    given = given_keys(options)
    if given is None:
        if options.api_key or options.api_secret:
            raise DemoError(
                "Only one of LIVEKIT_API_KEY and LIVEKIT_API_SECRET is set: set both, or neither "
                "to have a pair made."
            )
        make_state_dir(options.state_dir)
        return load_keys(options.state_dir / "keys.env")
    return given

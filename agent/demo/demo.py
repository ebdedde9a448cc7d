"""Server, worker and page together: started side by side, watched, stopped in reverse order."""

import asyncio
import datetime
import secrets
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import TypeVar

from agent.ports import EVERYWHERE, LOOPBACK, pick_port
from agent.private_files import make_state_dir, write_env

from .guard import Guard
from .lan import LAN_WARNING, find_lan_address
from .lock import DemoLock
from .options import DemoError, DemoOptions
from .parts import StartedServer, StartedWorker, start_server, start_worker
from .prepare import SERVER, own_keys, ways_to_a_server
from .processes import Child, describe_exit, last_lines
from .screen import Screen
from .server_finder import find_server
from .stop_signals import StopSignals

__all__ = ["run_demo"]

_T = TypeVar("_T")
_SERVER_DEADLINE_S = 30.0
_WORKER_DEADLINE_S = 150.0
_WORKER_PATIENCE_S = 6.0
_SERVER_PATIENCE_S = 4.0
_LOG_LINES = 12


def run_demo(options: DemoOptions, screen: Screen | None = None) -> int:
    """Runs until Ctrl-C; gives the exit status: 0 when it was up and was stopped, 130 when it was
    stopped before, 1 when something failed (the screen says what)."""
    with screen or Screen() as shown:
        try:
            return asyncio.run(_run_until_stopped(options, shown))
        except DemoError as e:
            shown.forget_all()
            shown.error(str(e))
            return 1


async def _run_until_stopped(options: DemoOptions, screen: Screen) -> int:
    with StopSignals() as signals:
        demo = _Demo(options, screen, signals.hurry)
        running = asyncio.create_task(demo.run(), name="demo")
        asked = asyncio.create_task(signals.asked.wait(), name="stop-asked")
        try:
            await asyncio.wait({running, asked}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            asked.cancel()
        if not running.done():
            screen.forget_all()
            screen.note("\nStopping …")
            running.cancel()
        try:
            await running
        except asyncio.CancelledError:
            screen.note("Stopped.")
    return 0 if demo.was_up else 130


class _Demo:
    """One run. `run()` ends by being cancelled or by raising DemoError; either way all is stopped."""

    def __init__(self, options: DemoOptions, screen: Screen, hurry: asyncio.Event) -> None:
        self.was_up = False
        self._options = options
        self._screen = screen
        self._hurry = hurry
        self._children: list[Child] = []

    async def run(self) -> None:
        state_dir = self._options.state_dir
        make_state_dir(state_dir)
        with DemoLock(state_dir / "demo.lock") as lock, Guard() as guard:
            async with AsyncExitStack() as stack:
                await self._run(stack, lock, guard)

    async def _run(self, stack: AsyncExitStack, lock: DemoLock, guard: Guard) -> None:
        options, screen = self._options, self._screen
        lan = find_lan_address(options.lan_address) if options.lan else None
        server = await self._start_server(stack, guard, media_address=lan or LOOPBACK)
        worker = await self._start_worker(stack, guard, server)
        url = await self._start_page(stack, server, lan)
        await self._wait_until_ready(server, worker)
        lock.note(url=url)
        env_file = options.state_dir / "demo.env"
        stack.callback(env_file.unlink, missing_ok=True)
        write_env(
            env_file,
            {
                "LIVEKIT_URL": server.url,
                "LIVEKIT_API_KEY": server.keys.api_key,
                "LIVEKIT_API_SECRET": server.keys.api_secret,
                "PARLEY_WEB_URL": url,
            },
        )
        self.was_up = True
        screen.rest()
        self._announce(server, url, lan)
        screen.note(f"Ctrl-C stops everything. Logs: {options.state_dir / 'logs'}")
        await self._watched(asyncio.Event().wait())

    async def _start_server(
        self, stack: AsyncExitStack, guard: Guard, *, media_address: str
    ) -> StartedServer:
        options, screen = self._options, self._screen
        screen.working(SERVER, "looking for one")
        keys = own_keys(options)
        found = await find_server(
            ways_to_a_server(options, keys), lambda text: screen.working(SERVER, text)
        )
        server = await start_server(found, keys, options, guard, media_address=media_address)
        screen.working(SERVER, "starting")
        if server.child is not None:
            self._own(stack, server.child, patience_s=_SERVER_PATIENCE_S)
        return server

    async def _start_worker(
        self, stack: AsyncExitStack, guard: Guard, server: StartedServer
    ) -> StartedWorker:
        self._screen.working("Worker", "starting")
        worker = await start_worker(server, self._options, guard)
        self._own(stack, worker.child, patience_s=_WORKER_PATIENCE_S)
        return worker

    async def _start_page(
        self, stack: AsyncExitStack, server: StartedServer, lan: str | None
    ) -> str:
        # Imported while the worker, which takes longest, is starting already.
        from agent.web.server import WebOptions

        from .certificate import ensure_certificate, tls_context
        from .page import start_page

        options, tls = self._options, None
        host = lan or options.web_host
        if lan:
            now = datetime.datetime.now(datetime.UTC)
            tls = tls_context(ensure_certificate(options.state_dir / "lan", lan, now))
        port = options.web_port or pick_port(8443 if lan else 8080, host=host)
        web_options = WebOptions(
            livekit_url=server.url,
            api_key=server.keys.api_key,
            api_secret=server.keys.api_secret,
            dist=options.dist,
            agent_name=options.agent_name,
            host=host,
            port=port,
            tls=tls,
            rules=options.web_rules,
        )
        proxied = server.url if lan and not server.url.startswith(("wss:", "https:")) else None
        runner = await start_page(web_options, proxied_server=proxied)
        stack.push_async_callback(runner.cleanup)
        shown_host = LOOPBACK if host in {EVERYWHERE, "localhost"} else host
        url = f"{'https' if tls else 'http'}://{shown_host}:{port}"
        self._screen.done("Page", url if options.page_is_built else "not built")
        return url

    async def _wait_until_ready(self, server: StartedServer, worker: StartedWorker) -> None:
        from .readiness import wait_for_server, wait_for_worker

        screen = self._screen
        await self._watched(wait_for_server(server.url, server.keys, deadline_s=_SERVER_DEADLINE_S))
        screen.done(SERVER, server.how)
        await self._watched(
            wait_for_worker(worker.ready_file, worker.health_port, deadline_s=_WORKER_DEADLINE_S)
        )
        screen.done("Worker", "registered")

    def _announce(self, server: StartedServer, url: str, lan: str | None) -> None:
        options, screen = self._options, self._screen
        if not options.page_is_built:
            self._announce_without_page(server)
            return
        if password := options.web_rules.password:
            url = f"{url}/#password={password}"
        screen.address("Talk to the agent:", url)
        if lan:
            screen.qr(url)
            screen.warn(LAN_WARNING)
            if server.child is None:
                screen.warn(f"Phones must be able to reach the media ports of {server.url}, too.")

    def _announce_without_page(self, server: StartedServer) -> None:
        from .join_line import lk_join_lines

        screen = self._screen
        screen.warn(
            "The page is not built: install Node.js 20 or newer with npm, then `make setup`."
        )
        line, token = lk_join_lines(
            env_file=self._options.state_dir / "demo.env",
            room=f"parley-{secrets.token_hex(4)}",
            keys=server.keys,
            agent_name=self._options.agent_name,
        )
        screen.note("Until then, join with LiveKit's command line:")
        screen.command(line)
        screen.note(f"or any LiveKit client at {server.url} with this token, good for one hour:")
        screen.command(token)

    def _own(self, stack: AsyncExitStack, child: Child, *, patience_s: float) -> None:
        self._children.append(child)
        stack.push_async_callback(child.stop, patience_s=patience_s, hurry=self._hurry)

    async def _watched(self, work: Coroutine[object, object, _T]) -> _T:
        """The result of `work`. Raises DemoError when one of the programs ends first."""
        task = asyncio.ensure_future(work)
        deaths = {asyncio.ensure_future(child.wait()): child for child in self._children}
        try:
            await asyncio.wait({task, *deaths}, return_when=asyncio.FIRST_COMPLETED)
            for death, child in deaths.items():
                if death.done():
                    raise DemoError(_obituary(child, death.result()))
            return task.result()
        finally:
            for future in (task, *deaths):
                future.cancel()
            await asyncio.gather(task, *deaths, return_exceptions=True)


def _obituary(child: Child, exit_status: int) -> str:
    lines = last_lines(child.log_path, _LOG_LINES)
    told = "\n    ".join(["", *lines]) if lines else " It said nothing."
    name = child.name[0].upper() + child.name[1:]
    return f"{name} ended ({describe_exit(exit_status)}). The end of {child.log_path}:{told}"

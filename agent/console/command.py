"""`parley console`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from livekit import rtc
from livekit.agents import utils
from livekit.agents.testing import fake_job_context
from livekit.plugins.speechcore import EngineError
from rich.console import Console

from agent.config import ConfigError, Settings
from agent.console.call import ConsoleCall, NoStore
from agent.console.lines import Lines
from agent.console.screen import Screen
from agent.console.sound import Device, NoSound, Sound, sounddevice
from agent.dialogue import CallSetup
from agent.dispatch import CallOptions
from agent.engines import Loaded, build, import_plugins, preload
from agent.local.host import LocalHost, local_host
from agent.log_privacy import keep_content_out
from agent.playout import Playout
from agent.profiles import KNOWN, REALTIME, Choice, ProfileError, choose
from agent.weights import WeightsError

_IN_WRITING = "The call goes on in writing."
_LOST = f"The microphone or the loudspeaker has gone. {_IN_WRITING}"
_STDIN = 0


@dataclass(frozen=True, kw_only=True)
class ConsoleOptions:
    """How a call in the terminal is to be."""

    text: bool = False
    """In writing, without sound."""
    profile: str | None = None
    """In place of AGENT_PROFILE."""
    microphone: Device = None
    loudspeaker: Device = None
    verbose: bool = False
    """The log is shown, too, on stderr."""

    @classmethod
    def of(
        cls,
        text: bool,
        profile: str | None,
        microphone: str | None,
        loudspeaker: str | None,
        *,
        verbose: bool,
    ) -> ConsoleOptions:
        """As a person types them: a device by its number or a part of its name."""
        return cls(
            text=text,
            profile=profile,
            microphone=_device(microphone),
            loudspeaker=_device(loudspeaker),
            verbose=verbose,
        )


def run_console(
    settings: Settings,
    options: ConsoleOptions,
    console: Console,
    *,
    descriptor: int = _STDIN,
    sound_api: Callable[[], Any] = sounddevice,
) -> int:
    """Blocks until the call is over; returns the exit status: 1 where the agent could not go on.

    What is typed is read from `descriptor`. Raises ConfigError for settings with which there can be
    no call.
    """
    _log(settings, options)
    try:
        with tempfile.TemporaryDirectory(prefix="parley-") as folder:
            runner = _Runner.of(settings, options, Screen(console), Path(folder))
            runner.descriptor, runner.sound_api = descriptor, sound_api
            return asyncio.run(runner.run())
    except (EngineError, ProfileError, WeightsError) as e:
        raise ConfigError([str(e)]) from None
    except (asyncio.CancelledError, KeyboardInterrupt):
        return 0


@dataclass
class _Runner:
    """One call from its engines to its end."""

    settings: Settings
    options: ConsoleOptions
    call: CallOptions
    choice: Choice
    local: LocalHost | None
    screen: Screen
    descriptor: int = _STDIN
    sound_api: Callable[[], Any] = sounddevice

    @classmethod
    def of(
        cls, settings: Settings, options: ConsoleOptions, screen: Screen, folder: Path
    ) -> _Runner:
        """Raises ProfileError, WeightsError."""
        call = CallOptions(profile=options.profile)
        choice = choose(settings, call)
        import_plugins(choice)  # on the main thread
        local = local_host(settings, choice, folder)
        return cls(settings, options, call, choice, local, screen)

    async def run(self) -> int:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        async with contextlib.AsyncExitStack() as stack:
            self._introduce()
            await stack.enter_async_context(utils.http_context.open())
            if self.local is not None:
                self.screen.tell("… loading the local engines")
                await stack.enter_async_context(self.local.running())
            sound = None if self.options.text else self._open_sound()
            if sound is not None:
                stack.callback(sound.close)
            call = await self._call(stack, sound)
            await call.begin(sound.microphone if sound else None)
            await call.converse(self._lines(has_sound=sound is not None))
            return 1 if call.has_failed else 0

    def _introduce(self) -> None:
        engines = ", ".join(f"{stage} {name}" for stage, name in self.choice.engines.items())
        if self.choice.realtime is not None:
            engines = f"{self.choice.realtime.spec}, and behind it {engines}"
        self.screen.tell(f"profile {self.choice.profile}: {engines}")
        for warning in self.choice.warnings:
            self.screen.tell(warning, "warning")

    def _open_sound(self) -> Sound | None:
        try:
            sound = Sound(self.sound_api())
            sound.open(self.options.microphone, self.options.loudspeaker)
        except NoSound as e:
            self.screen.tell(f"{e} {_IN_WRITING}", "warning")
            return None
        self.screen.tell("Speak, or type. Ctrl-C ends the call.")
        return sound

    async def _call(self, stack: contextlib.AsyncExitStack, sound: Sound | None) -> ConsoleCall:
        loaded = Loaded()
        settings, choice = self.settings, self.choice
        if sound is not None:
            await asyncio.to_thread(preload, choice, loaded)
        else:
            settings, choice = _in_writing(settings), self._who_reads()
        pipeline = await asyncio.to_thread(build, settings, choice, self.call, loaded)
        ctx = stack.enter_context(fake_job_context(room=rtc.Room(), job_id="console"))
        stack.push_async_callback(ctx._on_cleanup)  # a folder: whoever runs a job removes it
        setup = CallSetup(
            ctx=ctx,
            settings=settings,
            options=self.call,
            choice=choice,
            pipeline=pipeline,
            words=loaded.words,
            store=NoStore(),
        )
        call = ConsoleCall(
            setup,
            self.screen,
            playout=Playout(sound.speaker) if sound else None,
            echoes=os.isatty(self.descriptor),
        )
        stack.push_async_callback(call.aclose)
        if sound is not None:
            sound.microphone.clean = call.clean
            sound.on_lost = lambda: call.go_on_in_writing(_LOST)
        return call

    def _who_reads(self) -> Choice:
        """A model that cannot be told anything but by voice leaves a call in writing to the engines
        behind it."""
        realtime = self.choice.realtime
        if realtime is None or KNOWN[REALTIME][realtime.spec.name].greets:
            return self.choice
        self.screen.tell(
            f"{realtime.spec} takes no writing: {realtime.cascade} answers.", "warning"
        )
        return replace(self.choice, profile=realtime.cascade, realtime=None)

    def _lines(self, *, has_sound: bool) -> Lines | None:
        """With sound, a stdin that nobody types at ends nothing."""
        is_read = not has_sound or os.isatty(self.descriptor)
        return Lines(self.descriptor) if is_read else None


def _device(text: str | None) -> Device:
    return int(text) if text is not None and text.isdecimal() else text


def _in_writing(settings: Settings) -> Settings:
    """Nobody is asked whether they are there while they type, and no voice is waited for."""
    silent = {"agent_silence_prompt_s": 0, "agent_silence_end_s": 0, "agent_watchdog": 0}
    return settings.model_copy(update=silent)


def _log(settings: Settings, options: ConsoleOptions) -> None:
    level = settings.agent_log_level if options.verbose else "ERROR"
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")
    keep_content_out()

"""Asks a caller who has gone silent whether they are there, and ends the call if nobody answers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from livekit.agents import (
    AgentSession,
    AgentStateChangedEvent,
    ConversationItemAddedEvent,
    UserStateChangedEvent,
    llm,
)
from livekit.agents.voice import SpeechHandle
from livekit.plugins.speechcore import Timer

from agent.config import Settings
from agent.turns.silence import End, Prompt, SilenceWatch

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class SilenceOptions:
    """What happens in a long silence; seconds, 0 for never."""

    prompt_after_s: float
    end_after_s: float
    prompt: str
    goodbye: str


def silence_options(settings: Settings, profile: str) -> SilenceOptions:
    """In the simulated profile a silence means nothing unless the settings say so explicitly."""
    is_off = profile == "simulated"

    def seconds(name: str) -> float:
        is_default = name not in settings.model_fields_set
        return 0.0 if is_off and is_default else float(getattr(settings, name))

    return SilenceOptions(
        prompt_after_s=seconds("agent_silence_prompt_s"),
        end_after_s=seconds("agent_silence_end_s"),
        prompt=settings.agent_silence_prompt,
        goodbye=settings.agent_silence_goodbye,
    )


class Attention:
    """Watches one session for a caller who has gone. `attach()` begins, `close()` ends it."""

    def __init__(
        self,
        session: AgentSession[None],
        options: SilenceOptions,
        *,
        is_held: Callable[[], bool],
        hang_up: Callable[[], None],
    ) -> None:
        """`is_held` says whether the caller has a reason to be silent, such as a timer.

        `hang_up` is called after the goodbye, unless the caller has answered it.
        """
        self._session = session
        self._options = options
        self._is_held = is_held
        self._hang_up = hang_up
        self._watch = SilenceWatch(
            prompt_after_s=options.prompt_after_s, end_after_s=options.end_after_s
        )
        self._loop = asyncio.get_running_loop()
        self._timer = Timer()
        self._is_attached = False

    def attach(self) -> None:
        self._is_attached = True
        self._session.on("user_state_changed", self._on_state)
        self._session.on("agent_state_changed", self._on_state)
        self._session.on("conversation_item_added", self._on_item)
        self._look()

    def close(self) -> None:
        self._is_attached = False
        self._session.off("user_state_changed", self._on_state)
        self._session.off("agent_state_changed", self._on_state)
        self._session.off("conversation_item_added", self._on_item)
        self._timer.cancel()

    def _on_state(self, _: UserStateChangedEvent | AgentStateChangedEvent) -> None:
        self._look()

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        """Text that was typed, or words too quiet for the VAD."""
        if isinstance(event.item, llm.ChatMessage) and event.item.role == "user":
            self._watch.reset()
            self._look()

    def _look(self) -> None:
        action = self._watch.process(
            self._loop.time(),
            user_speaking=self._session.user_state == "speaking",
            agent_state=self._session.agent_state,
            is_held=self._is_held(),
        )
        self._timer.at(self._watch.due_s, self._look)
        if action is not None:
            # Not in here: speech belongs to the context it is created in, and this may be that of
            # another speech's event.
            self._loop.call_soon(self._act, action)

    def _act(self, action: Prompt | End) -> None:
        match action:
            case Prompt():
                self._say(self._options.prompt)
            case End():
                goodbye = self._say(self._options.goodbye)
                if goodbye is not None:
                    goodbye.add_done_callback(self._on_goodbye_said)

    def _say(self, text: str) -> SpeechHandle | None:
        try:
            return self._session.say(text)
        except RuntimeError:
            return None  # the session is closing

    def _on_goodbye_said(self, _: SpeechHandle) -> None:
        if self._is_attached and self._watch.is_ending:
            logger.info("the caller has been silent for too long")
            self._hang_up()

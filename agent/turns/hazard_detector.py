"""livekit's streaming turn detector whose answer comes when the turn is over, not before."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence

from livekit import rtc
from livekit.agents import DEFAULT_API_CONNECT_OPTIONS, APIConnectOptions, LanguageCode, utils
from livekit.agents.voice.turn import TurnDetectionEvent

from agent.turns.detector import NoiseBedTurnDetector
from agent.turns.turn_taker import TurnTaker

logger = logging.getLogger(__name__)

STEP_S = 0.02
SCORED_SILENCES_S: Sequence[float] = (0.0, 0.2, 0.5, 0.9, 1.5, 2.2)
"""When the voice is scored, since the question was opened. A score costs some 60 ms of a core."""

_TIMEOUT_S = 10.0
_THRESHOLD = 0.5


class HazardTurnDetector:
    """Scores the voice with the local model while silence grows, and asks `taker` every 20 ms.

    livekit awaits the future of `predict()` and commits the turn when it resolves: the whole
    endpointing policy is in there. To be used with a `min_delay` below the least silence
    that the policy asks for.
    """

    def __init__(self, taker: TurnTaker, model: NoiseBedTurnDetector | None = None) -> None:
        self._taker = taker
        self._inner = model or NoiseBedTurnDetector()

    @property
    def model(self) -> str:
        return f"hazard+{self._inner.model}"

    @property
    def provider(self) -> str:
        return "parley"

    async def unlikely_threshold(self, language: LanguageCode | None) -> float | None:
        return _THRESHOLD

    async def backchannel_threshold(self, language: LanguageCode | None) -> float | None:
        return None

    async def supports_language(self, language: LanguageCode | None) -> bool:
        """True: where the model does not know a language, words and silence decide."""
        return True

    def stream(
        self, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> HazardTurnDetectorStream:
        return HazardTurnDetectorStream(self, self._taker, self._inner)


class HazardTurnDetectorStream:
    """One caller's audio, and the question in progress."""

    def __init__(
        self, owner: HazardTurnDetector, taker: TurnTaker, model: NoiseBedTurnDetector
    ) -> None:
        self._owner = owner
        self._taker = taker
        self._inner = model.stream()
        self._watch: asyncio.Task[None] | None = None
        self._answer: asyncio.Future[TurnDetectionEvent] | None = None

    @property
    def model(self) -> str:
        return self._owner.model

    @property
    def provider(self) -> str:
        return self._owner.provider

    @property
    def is_fallback(self) -> bool:
        return False

    @property
    def prediction_timeout(self) -> float:
        return _TIMEOUT_S

    async def unlikely_threshold(self, language: LanguageCode | None) -> float | None:
        return await self._owner.unlikely_threshold(language)

    async def backchannel_threshold(self, language: LanguageCode | None) -> float | None:
        return await self._owner.backchannel_threshold(language)

    async def supports_language(self, language: LanguageCode | None) -> bool:
        return await self._owner.supports_language(language)

    def push_audio(self, frame: rtc.AudioFrame) -> None:
        self._inner.push_audio(frame)

    def predict(self) -> asyncio.Future[TurnDetectionEvent]:
        """A future that resolves when the turn is over."""
        self.cancel_inference()
        self._answer = asyncio.get_running_loop().create_future()
        self._watch = asyncio.create_task(self._decide(self._answer), name="hazard-turn-detector")
        return self._answer

    def cancel_inference(self, *, timed_out: bool = False) -> None:
        """The caller goes on: the question is void, and whoever awaits it is let go."""
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        self._inner.cancel_inference(timed_out=timed_out)
        _resolve(self._answer, probability=0.0)
        self._answer = None

    def flush(self, reason: str | None = None) -> None:
        """The turn was committed."""
        self.cancel_inference()
        self._inner.flush(reason)
        self._taker.committed()

    def end_input(self) -> None:
        self._inner.end_input()

    async def aclose(self) -> None:
        watch = self._watch
        self.cancel_inference()
        if watch is not None:
            await utils.aio.cancel_and_wait(watch)
        await self._inner.aclose()

    async def _decide(self, answer: asyncio.Future[TurnDetectionEvent]) -> None:
        try:
            await self._wait_for_end()
        except Exception:  # better too soon than never
            logger.exception("the end of the turn could not be decided")
        _resolve(answer, probability=1.0)

    async def _wait_for_end(self) -> None:
        begun_s = time.monotonic()
        due = list(SCORED_SILENCES_S)
        scoring: asyncio.Future[TurnDetectionEvent] | None = None
        while not self._taker.is_over():
            if scoring is not None and scoring.done():
                self._taker.audio_scores.append(scoring.result().end_of_turn_probability)
                scoring = None
            if scoring is None and due and time.monotonic() - begun_s >= due[0]:
                due.pop(0)
                scoring = self._inner.predict()
            await asyncio.sleep(STEP_S)


def _resolve(answer: asyncio.Future[TurnDetectionEvent] | None, *, probability: float) -> None:
    if answer is not None and not answer.done():
        answer.set_result(
            TurnDetectionEvent(
                type="eot_prediction",
                end_of_turn_probability=probability,
                last_speaking_time=time.time(),
            )
        )

"""One call's chain: on, or on and off as the noise asks for it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from agent.sound.chain import Chain, Frame
from agent.sound.estimate import Noise, NoiseEstimate, NoisePolicy
from agent.sound.plan import NoisePlan, Stage
from agent.sound.stage import FRAME_S

FIRST_S = 1.0
"""Of sound before the first verdict: a second in which the caller mostly hears the greeting."""
EVERY_S = 2.0

_WARM_UP_FRAMES = 20
"""Heard by a chain before it is switched on: its filters and RNNoise know the room by then."""

_BETWEEN_WORDS_DB = 6.0
_LONGEST_WAIT_S = 2.0
"""It is switched in a quiet frame, for the sound jumps by the chain's delay; or after so long."""


class Cleaner:
    """Takes each frame of a call; pure but for the library in its chain."""

    def __init__(
        self, plan: NoisePlan, make_chain: Callable[[tuple[Stage, ...]], Chain] = Chain
    ) -> None:
        """Raises EngineError when a stage cannot be had."""
        self._plan = plan
        self._make_chain = make_chain
        self._chain = make_chain(plan.stages)
        self._is_on = not plan.is_automatic
        self._policy = NoisePolicy()
        self._estimate = NoiseEstimate()
        self._newest: deque[Frame] = deque(maxlen=_WARM_UP_FRAMES)
        self._due_s = FIRST_S
        self._waited_s = 0.0
        self._noise: Noise | None = None
        self.on_noise: Callable[[Noise], None] = lambda noise: None
        """Called with each estimate."""
        self.on_switch: Callable[[bool], None] = lambda is_on: None
        """Called when the chain is switched on or off."""

    @property
    def is_on(self) -> bool:
        return self._is_on

    @property
    def delay_s(self) -> float:
        """At present."""
        return self._chain.delay_s if self._is_on else 0.0

    def process(self, frame: Frame, *, is_raw: bool = True) -> Frame:
        """The cleaned frame, or this very one while the chain is off. `is_raw`: it is the
        microphone's own sound, from which the noise is told."""
        if is_raw:
            self._listen(frame)
        if self._is_on:
            return self._chain.process(frame)
        self._newest.append(frame)
        return frame

    def _listen(self, frame: Frame) -> None:
        level_dbfs = self._estimate.hear(frame)
        if self._estimate.heard_s >= self._due_s:
            self._due_s += EVERY_S
            self._noise = self._estimate.read()
            self._policy.decide(self._noise)
            self.on_noise(self._noise)
        if self._plan.is_automatic and self._policy.is_on != self._is_on and self._noise:
            self._waited_s += FRAME_S
            is_quiet = level_dbfs < self._noise.floor_dbfs + _BETWEEN_WORDS_DB
            if is_quiet or self._waited_s >= _LONGEST_WAIT_S:
                self._switch()

    def _switch(self) -> None:
        self._waited_s = 0.0
        self._is_on = not self._is_on
        if self._is_on:
            self._chain = self._make_chain(self._plan.stages)
            for frame in self._newest:
                self._chain.process(frame)
        self._newest.clear()
        self.on_switch(self._is_on)

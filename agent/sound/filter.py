"""livekit's seam for the caller's sound: the echo goes first, then what the chain takes out."""

from __future__ import annotations

import logging

import numpy as np
from livekit import rtc

from agent import metrics
from agent.config import Settings
from agent.echo_filter import EchoFilter
from agent.profiles import ProfileError
from agent.sound.cleaner import Cleaner
from agent.sound.estimate import Noise
from agent.sound.plan import NoisePlan, parse_noise
from agent.sound.rnnoise import why_not
from agent.sound.stage import FRAME_SAMPLES, RATE_HZ

logger = logging.getLogger(__name__)


class NoiseFilter(rtc.FrameProcessor[rtc.AudioFrame]):
    """The echo filter and the chain behind it.

    In this order: the echo filter compares the microphone, as it is, with what was played, and the
    chain would change its delay and level. What the echo filter put in place of an echo tells
    nothing of the room, and the noise is not estimated from it.
    """

    def __init__(self, plan: NoisePlan, echo_filter: EchoFilter) -> None:
        """Raises EngineError when a stage cannot be had."""
        self._plan = plan
        self._echo_filter = echo_filter
        self._cleaner: Cleaner | None = self._new_cleaner()
        self._noise: Noise | None = None

    @property
    def enabled(self) -> bool:
        return self._echo_filter.enabled

    @enabled.setter
    def enabled(self, value: bool) -> None:
        self._echo_filter.enabled = value

    def reset(self) -> None:
        """Another microphone is listened to from now on."""
        self._echo_filter.reset()
        self._cleaner = self._new_cleaner()

    def _new_cleaner(self) -> Cleaner:
        cleaner = Cleaner(self._plan)
        cleaner.on_noise = self._on_noise
        cleaner.on_switch = self._on_switch
        metrics.NOISE_FILTERED.set(cleaner.is_on)
        return cleaner

    def _process(self, frame: rtc.AudioFrame) -> rtc.AudioFrame:
        heard = self._echo_filter._process(frame)
        if self._cleaner is None or not _is_ours(heard):
            return heard
        pieces = list(np.frombuffer(heard.data, dtype=np.int16).reshape(-1, FRAME_SAMPLES))
        try:
            clean = [self._cleaner.process(piece, is_raw=heard is frame) for piece in pieces]
        except Exception:
            # livekit would pass each frame on as it is, too, and say so 50 times a second.
            logger.exception("the noise filter failed and is off for the rest of the call")
            self._cleaner = None
            metrics.NOISE_FILTERED.set(0)
            return heard
        if all(new is old for new, old in zip(clean, pieces, strict=True)):
            return heard
        return rtc.AudioFrame(
            np.concatenate(clean).tobytes(), RATE_HZ, 1, heard.samples_per_channel
        )

    def _close(self) -> None:
        self._echo_filter._close()
        self._cleaner = None
        metrics.NOISE_FILTERED.set(0)

    def _on_noise(self, noise: Noise) -> None:
        self._noise = noise
        metrics.NOISE_FLOOR.observe(noise.floor_dbfs)

    def _on_switch(self, is_on: bool) -> None:
        metrics.NOISE_FILTERED.set(is_on)
        metrics.NOISE_SWITCHES.labels("on" if is_on else "off").inc()
        if self._noise is not None:
            facts = {"floor_dbfs": self._noise.floor_dbfs, "snr_db": self._noise.snr_db}
            rounded = {name: round(value, 1) for name, value in facts.items()}
            logger.info("noise filter switched", extra={"on": is_on, **rounded})


def microphone(settings: Settings, echo_filter: EchoFilter) -> EchoFilter | NoiseFilter:
    """What a call's sound passes first, as AGENT_NOISE has it. Raises ProfileError."""
    plan = noise_plan(settings)
    return NoiseFilter(plan, echo_filter) if plan.stages else echo_filter


def noise_plan(settings: Settings) -> NoisePlan:
    """The stages of AGENT_NOISE that can be had. Raises ProfileError with a sentence.

    `auto` without RNNoise is off, which a worker says when it starts.
    """
    plan = parse_noise(settings.agent_noise)
    if "rnnoise" not in plan.stages or (problem := why_not()) is None:
        return plan
    if plan.is_automatic:
        return NoisePlan()
    raise ProfileError(f"AGENT_NOISE: {problem}.")


def check_noise(settings: Settings) -> None:
    """Tells of an `auto` that cannot do anything. Raises ProfileError as `noise_plan` does."""
    asked = parse_noise(settings.agent_noise)
    if asked.stages and not noise_plan(settings).stages:
        logger.warning("AGENT_NOISE=auto has no effect", extra={"reason": why_not()})


def _is_ours(frame: rtc.AudioFrame) -> bool:
    is_form = (frame.sample_rate, frame.num_channels) == (RATE_HZ, 1)
    return is_form and frame.samples_per_channel % FRAME_SAMPLES == 0

"""Makes clauses sound, and learns from each how fast the engine is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from livekit.agents import APIConnectOptions, tts
from livekit.plugins.speechio import to_api_error

from agent.speech.clause import Clause
from agent.speech.planner import ClausePlanner, Synthesis


class ClauseMaker:
    """One engine, what is done to its text, and what is known of its speed."""

    def __init__(
        self, engine: tts.TTS[Any], planner: ClausePlanner, normalise: Callable[[str], str]
    ) -> None:
        self.planner = planner
        self._engine = engine
        self._normalise = normalise
        self._running = 0
        self._begun = 0

    def clause(self, written: str) -> Clause:
        """A clause to be made; one without a letter or a digit is closed already."""
        spoken = self._normalise(written).strip()
        if not any(character.isalnum() for character in spoken):
            spoken = ""
        clause = Clause(written, spoken, self._engine.sample_rate)
        if not spoken:
            clause.close()
        return clause

    async def make(self, clause: Clause, conn_options: APIConnectOptions) -> None:
        """Fills the clause. An error goes with it, to be raised where its audio is missed."""
        if clause.is_made:
            return
        clock = asyncio.get_running_loop().time
        begun_s = clock()
        is_alone = not self._running
        self._begun += 1
        number = self._begun
        self._running += 1
        try:
            async with self._engine.synthesize(clause.spoken, conn_options=conn_options) as stream:
                async for audio in stream:
                    clause.take(audio)
        except Exception as e:
            clause.close(to_api_error(e))
            return
        finally:
            clause.close()
            self._running -= 1
        if is_alone and number == self._begun:
            self._learn(clause, begun_s, clock())

    def _learn(self, clause: Clause, begun_s: float, ended_s: float) -> None:
        if clause.first_at_s is None:
            return
        self.planner.observe(
            Synthesis(
                chars=len(clause.spoken),
                first_s=clause.first_at_s - begun_s,
                took_s=ended_s - begun_s,
                audio_s=clause.made_s,
            )
        )

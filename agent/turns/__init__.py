"""Turn-taking: when the caller has finished, when the agent yields."""

from agent.turns.detector import NoiseBedTurnDetector
from agent.turns.noise_bed import NoiseBed

__all__ = ["NoiseBed", "NoiseBedTurnDetector"]

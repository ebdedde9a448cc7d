"""The agent's voice on its way into the room: paced here, so that it can be turned down at once."""

from agent.playout.buffer import PlayoutBuffer, Samples
from agent.playout.output import SAMPLE_RATE_HZ, Playout, Sink

__all__ = ["SAMPLE_RATE_HZ", "Playout", "PlayoutBuffer", "Samples", "Sink"]

"""Conversations held with the agent to see whether it does what callers want, and when it answers."""

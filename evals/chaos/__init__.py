"""What an engine's fault does to a call, measured."""

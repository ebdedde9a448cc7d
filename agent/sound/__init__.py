"""The caller's sound, cleaned before anything listens to it: pure signal processing, a thin adapter."""

"""Hosted engines: the official plugins of Deepgram, OpenAI and ElevenLabs, set for quick answers.

Nothing is contacted when an engine is made, only when it is used.
"""

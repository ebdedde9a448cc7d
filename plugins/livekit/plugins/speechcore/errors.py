"""The exceptions an engine raises. Adapters turn them into the framework's in one place.

EngineError
├── EngineBusy      every worker of the engine is taken; try another engine now
└── EngineTimeout   a step took longer than its deadline
"""


class EngineError(Exception):
    """The engine failed; the message says what and how to mend it."""


class EngineBusy(EngineError):
    """The engine is at capacity, or its thread still runs an abandoned step."""


class EngineTimeout(EngineError):
    """A step did not finish before its deadline."""

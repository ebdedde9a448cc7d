"""What can go wrong with weights; each message is one sentence with what to do."""

__all__ = ["BrokenWeights", "MissingWeights", "UnknownWeights", "WeightsError"]


class WeightsError(Exception):
    """Weights cannot be had or used."""


class UnknownWeights(WeightsError):
    """No model of the catalogue has this name."""


class MissingWeights(WeightsError):
    """The model is not on this machine, or not all of it."""


class BrokenWeights(WeightsError):
    """A file of the model is not what it should be."""

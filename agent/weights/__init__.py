"""Weights of the local engines: the catalogue of models, the folder they are in, their download."""

from agent.weights.catalogue import Catalogue, File, Model, load_catalogue, our_catalogue
from agent.weights.errors import BrokenWeights, MissingWeights, UnknownWeights, WeightsError
from agent.weights.store import Examination, State, Store, store_of

__all__ = [
    "BrokenWeights",
    "Catalogue",
    "Examination",
    "File",
    "MissingWeights",
    "Model",
    "State",
    "Store",
    "UnknownWeights",
    "WeightsError",
    "load_catalogue",
    "our_catalogue",
    "store_of",
]

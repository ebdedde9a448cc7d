"""Grows the forest of the words model with LightGBM; the same trees every time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import lightgbm
import numpy as np

from agent.turns.words.forest import LEAF, Forest, Tree
from evals.words.logistic import Array

ROUNDS = 200
_SETTINGS = {
    "objective": "cross_entropy",  # takes shares, not only yes and no
    "boost_from_average": False,
    "learning_rate": 0.06,
    "num_leaves": 63,
    "min_data_in_leaf": 30,
    "lambda_l2": 5.0,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "seed": 1,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 2,
    "verbose": -1,
}


def grow(features: Array, offset: Array, is_end: Array, weight: Array) -> lightgbm.Booster:
    """Trees that add to the log odds `offset`; `is_end` may be a share."""
    data = lightgbm.Dataset(
        features, label=is_end, weight=weight, init_score=offset, params={"verbose": -1}
    )
    return lightgbm.train(_SETTINGS, data, ROUNDS)


def log_odds(booster: lightgbm.Booster, features: Array) -> Array:
    return np.asarray(booster.predict(features, raw_score=True), dtype=np.float64)


def forest(booster: lightgbm.Booster, names: tuple[str, ...]) -> Forest:
    trees = (_tree(info["tree_structure"]) for info in booster.dump_model()["tree_info"])
    return Forest(names=names, trees=tuple(trees))


def _tree(root: dict[str, Any]) -> Tree:
    nodes = list(_walk(root, 0))
    return Tree(*(tuple(column) for column in zip(*nodes, strict=True)))


def _walk(node: dict[str, Any], number: int) -> Iterator[tuple[int, float, int]]:
    if "leaf_value" in node:
        yield LEAF, round(node["leaf_value"], 4), 0
        return
    left = list(_walk(node["left_child"], number + 1))
    right = number + 1 + len(left)
    yield node["split_feature"], round(node["threshold"], 5), right
    yield from left
    yield from _walk(node["right_child"], right)

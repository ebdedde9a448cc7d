"""Boosted decision trees, read from a file and asked for one example at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LEAF = -1


@dataclass(frozen=True)
class Tree:
    """Nodes in the order of a walk that goes left first: a left branch is the node behind its parent."""

    feature: tuple[int, ...]
    """Number of the feature that is asked; LEAF at a leaf."""
    number: tuple[float, ...]
    """The greatest value that goes left; at a leaf its log odds."""
    right: tuple[int, ...]
    """Node of the right branch; 0 at a leaf."""

    def value(self, row: Sequence[float]) -> float:
        node = 0
        while (feature := self.feature[node]) != LEAF:
            node = node + 1 if row[feature] <= self.number[node] else self.right[node]
        return self.number[node]


@dataclass(frozen=True, kw_only=True)
class Forest:
    """The sum of its trees (Friedman 2001, Greedy function approximation)."""

    names: tuple[str, ...]
    """Of the features; one that an example has not is 0."""
    trees: tuple[Tree, ...]

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Forest:
        trees = (Tree(*(tuple(column) for column in columns)) for columns in content["trees"])
        return cls(names=tuple(content["names"]), trees=tuple(trees))

    def to_dict(self) -> dict[str, Any]:
        trees = [[tree.feature, tree.number, tree.right] for tree in self.trees]
        return {"names": self.names, "trees": trees}

    def log_odds(self, features: Mapping[str, float]) -> float:
        row = [features.get(name, 0.0) for name in self.names]
        return sum(tree.value(row) for tree in self.trees)

"""Whatever may come from outside: bytes, texts and JSON of every shape, and JSON that is nearly right."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from hypothesis import strategies as st

any_text = st.text(st.characters(), max_size=40)
"""Half surrogates, control characters and all."""

odd_numbers = st.sampled_from([0, -1, 10**400, 1e308, float("inf"), float("-inf"), float("nan")])
scalars = st.none() | st.booleans() | st.integers() | st.floats() | odd_numbers | any_text
any_value = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)
deep = st.sampled_from([b"[" * 3_000, b'{"a":' * 2_000, b"[" * 2_000 + b"]" * 2_000])
"""Deeper than Python's parser goes."""


def any_json(values: st.SearchStrategy[Any] = any_value) -> st.SearchStrategy[bytes]:
    """JSON as bytes; NaN and Infinity as Python writes them, half surrogates as escapes."""
    return values.map(lambda value: json.dumps(value).encode())


def objects(names: Iterable[str], values: st.SearchStrategy[Any] = any_value) -> Any:
    """JSON objects whose keys are mostly those that are read."""
    keys = st.sampled_from(sorted(names)) | st.text(max_size=8)
    return st.dictionaries(keys, values, max_size=8)


def mutated(example: bytes) -> st.SearchStrategy[bytes]:
    """The example with a piece of it replaced."""
    pieces = st.tuples(
        st.integers(0, len(example)), st.integers(0, 12), st.binary(max_size=12) | any_json(scalars)
    )
    return pieces.map(lambda it: example[: it[0]] + it[2] + example[it[0] + it[1] :])


def anything(names: Iterable[str], *examples: bytes) -> st.SearchStrategy[bytes]:
    """Bytes for the parser of an object with these keys."""
    return st.one_of(
        st.binary(max_size=200),
        any_json(),
        any_json(objects(names)),
        deep,
        *(mutated(example) for example in examples),
    )

"""Where in a YAML file something stands."""

from __future__ import annotations

from collections.abc import Sequence

import yaml


def line_of(node: yaml.Node | None, place: Sequence[int | str]) -> int:
    """The line, from 1, of what `place` leads to: keys and indices, as pydantic tells them.

    What is not in the file (a key that is missing) is where its surroundings begin.
    """
    line = 1 if node is None else node.start_mark.line + 1
    for part in place:
        found = _step(node, part)
        if found is None:
            continue  # names of validators stand between the keys
        line, node = found
    return line


def _step(node: yaml.Node | None, part: int | str) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        item = node.value[part]
        return item.start_mark.line + 1, item
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return key.start_mark.line + 1, value
    return None

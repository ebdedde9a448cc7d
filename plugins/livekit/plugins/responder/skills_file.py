"""Reads a skills file and reports every problem in it at once."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import yaml

from .patterns import Pattern, compile_pattern
from .skills import BUILT_IN_VALUES, Phrases, Skill, SkillSet, Undo, template_fields

BUILT_IN_PATH = Path(__file__).with_name("skills.yaml")
_PHRASES = tuple(field.name for field in fields(Phrases))
_LINE = "__line__"
_TEXTS = ("say", "after_tool", "without_tool")
_STRINGS = ("tool", "can", "no_answer")
_FLAGS = ("careful", "last_resort")
_SKILL_KEYS = ("name", "examples", "arguments", "undo", *_TEXTS, *_STRINGS, *_FLAGS)
_FILE_KEYS = ("extends", "skills", *_PHRASES)


class SkillsError(ValueError):
    """The skills file cannot be used; the message lists every problem."""


def load_skills(path: Path | None = None) -> SkillSet:
    """The built-in skills, with those of the file at `path` added or put in their place.

    A file that says `extends: none` stands alone. Raises SkillsError.
    """
    built_in = _built_in()
    if path is None:
        return built_in
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SkillsError(
            f"there is no skills file {path}: correct AGENT_SKILLS or leave it out"
        ) from None
    except (OSError, UnicodeDecodeError) as e:
        raise SkillsError(
            f"the skills file {path} (AGENT_SKILLS) cannot be read as UTF-8 text: {e}"
        ) from e
    return parse_skills(text, str(path), built_in)


@functools.cache
def _built_in() -> SkillSet:
    """Read once in a process, which takes 50 ms."""
    return parse_skills(BUILT_IN_PATH.read_text(encoding="utf-8"), BUILT_IN_PATH.name, None)


def parse_skills(text: str, source: str, base: SkillSet | None) -> SkillSet:
    """The skills of a YAML `text` on top of `base`. Raises SkillsError naming `source`."""
    try:
        content = yaml.load(text, Loader=_LineLoader)  # nosec B506 # derived from SafeLoader
    except yaml.YAMLError as e:
        raise SkillsError(
            f"the skills file {source} is not YAML: {' '.join(str(e).split())}"
        ) from e
    reader = _Reader()
    skill_set = reader.skill_set(content, base)
    if reader.problems or skill_set is None:
        raise SkillsError(
            f"the skills file {source} has {len(reader.problems)} problem(s):\n"
            + "\n".join(f"- {problem}" for problem in reader.problems)
        )
    return skill_set


class _LineLoader(yaml.SafeLoader):
    """Notes in each mapping the line it begins on."""


def _construct_mapping(loader: _LineLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    mapping: dict[Any, Any] = loader.construct_mapping(node, deep=True)
    mapping[_LINE] = node.start_mark.line + 1
    return mapping


_LineLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _construct_mapping)


class _Reader:
    """Turns what YAML gave into skills, collecting what is wrong."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def skill_set(self, content: object, base: SkillSet | None) -> SkillSet | None:
        if not isinstance(content, dict):
            self.problems.append("it must be a mapping with `skills:`")
            return None
        self._check_keys("", content, _FILE_KEYS)
        extends = content.get("extends", "builtin")
        if extends not in ("builtin", "none", None, True, False):
            self.problems.append(f"`extends` is builtin or none, not {extends!r}")
        under = base if extends in ("builtin", True) else None
        skills = self._skills(content.get("skills", []))
        phrases = self._phrases(content, under or base)
        if phrases is None or self.problems:
            return None
        own = {skill.name for skill in skills}
        kept = [skill for skill in under.skills if skill.name not in own] if under else []
        if not skills and not kept:
            self.problems.append("it has no skills")
        return SkillSet((*skills, *kept), phrases)

    def _skills(self, entries: object) -> list[Skill]:
        if not isinstance(entries, list):
            self.problems.append("`skills` must be a list")
            return []
        skills: list[Skill] = []
        for number, entry in enumerate(entries, 1):
            if not isinstance(entry, dict):
                self.problems.append(f"skill {number} must be a mapping with `name` and `examples`")
                continue
            skill = self._skill(entry, number)
            if any(skill.name == other.name for other in skills):
                self.problems.append(f"line {entry[_LINE]}: the name {skill.name!r} is there twice")
            skills.append(skill)
        return skills

    def _skill(self, entry: dict[str, Any], number: int) -> Skill:
        name = entry.get("name")
        where = f"line {entry[_LINE]}, skill {name if isinstance(name, str) else number}: "
        if not isinstance(name, str) or not name.strip():
            self.problems.append(f"{where}it needs a `name`")
            name = str(number)
        self._check_keys(where, entry, _SKILL_KEYS)
        patterns = self._patterns(where, entry.get("examples"))
        strings = {key: self._string(where, entry, key) for key in _STRINGS}
        texts = {key: self._texts(where, entry.get(key), key) for key in _TEXTS}
        flags = {f"is_{key}": self._flag(where, entry, key) for key in _FLAGS}
        skill = Skill(
            name=name,
            patterns=patterns,
            arguments=self._arguments(where, entry.get("arguments", {})),
            undo=self._undo(where, entry.get("undo")),
            **strings,  # type: ignore[arg-type]
            **texts,  # type: ignore[arg-type]
            **flags,  # type: ignore[arg-type]
        )
        self._check_answers(where, skill)
        return skill

    def _check_answers(self, where: str, skill: Skill) -> None:
        by_example = [pattern.slot_names for pattern in skill.patterns] or [frozenset[str]()]
        slots = frozenset[str]().union(*by_example)
        always = BUILT_IN_VALUES | by_example[0].intersection(*by_example)
        for key, texts in (("say", skill.say), ("after_tool", skill.after_tool),
                           ("without_tool", skill.without_tool)):  # fmt: skip
            named = [frozenset(template_fields(text)) for text in texts]
            for unknown in sorted(frozenset().union(*named) - slots - BUILT_IN_VALUES):
                self.problems.append(f"{where}`{key}` names {{{unknown}}}, which no example has")
            if named and not any(fields <= always for fields in named):
                self.problems.append(
                    f"{where}`{key}` needs a line whose slots are in every example"
                )
        undone = skill.undo.arguments.items() if skill.undo else ()
        for argument, value in (*skill.arguments.items(), *undone):
            for unknown in sorted(_fields(value) - slots - {"utterance"}):
                self.problems.append(
                    f"{where}argument {argument!r} names {{{unknown}}}, which no example has"
                )
        if skill.tool is None:
            if not skill.say:
                self.problems.append(f"{where}it needs `say` or a `tool`")
            for key in ("arguments", "after_tool", "without_tool", "no_answer", "undo"):
                if getattr(skill, key):
                    self.problems.append(f"{where}`{key}` is of no use without a `tool`")

    def _patterns(self, where: str, examples: object) -> tuple[Pattern, ...]:
        patterns: list[Pattern] = []
        for example in self._texts(where, examples, "examples", has_templates=False):
            try:
                patterns.append(compile_pattern(example))
            except ValueError as e:
                self.problems.append(f"{where}example {example!r}: {e}")
        if examples is None or examples == []:
            self.problems.append(f"{where}it needs `examples` of what a caller says")
        return tuple(patterns)

    def _arguments(self, where: str, arguments: object) -> Mapping[str, object]:
        if not isinstance(arguments, dict):
            self.problems.append(f"{where}`arguments` must be a mapping")
            return {}
        given = {str(key): value for key, value in arguments.items() if key != _LINE}
        for key, value in given.items():
            if isinstance(value, str):
                self._is_template(where, f"argument {key!r}", value)
            elif value is not None and not isinstance(value, (int, float, bool)):
                self.problems.append(f"{where}argument {key!r} must be a text or a number")
        return given

    def _undo(self, where: str, value: object) -> Undo | None:
        if value is None:
            return None
        tool = value.get("tool") if isinstance(value, dict) else None
        if not isinstance(value, dict) or not isinstance(tool, str) or not tool.strip():
            self.problems.append(f"{where}`undo` must be a mapping with a `tool`")
            return None
        self._check_keys(f"{where}`undo`: ", value, ("tool", "arguments"))
        return Undo(tool=tool, arguments=self._arguments(where, value.get("arguments", {})))

    def _texts(
        self, where: str, value: object, key: str, *, has_templates: bool = True
    ) -> tuple[str, ...]:
        texts = [value] if isinstance(value, str) else value if isinstance(value, list) else []
        is_wrong = value is not None and not isinstance(value, (str, list))
        if is_wrong or any(not isinstance(text, str) or not text.strip() for text in texts):
            self.problems.append(f"{where}`{key}` must be a text or a list of texts")
            return ()
        if not has_templates:
            return tuple(texts)
        return tuple(text for text in texts if self._is_template(where, f"`{key}` {text!r}", text))

    def _is_template(self, where: str, what: str, text: str) -> bool:
        try:
            template_fields(text)
        except ValueError as e:
            self.problems.append(f"{where}{what}: {e}")
            return False
        return True

    def _string(self, where: str, entry: dict[str, Any], key: str) -> str | None:
        value = entry.get(key)
        if value is None or (isinstance(value, str) and value.strip()):
            return value
        self.problems.append(f"{where}`{key}` must be a text")
        return None

    def _flag(self, where: str, entry: dict[str, Any], key: str) -> bool:
        value = entry.get(key, False)
        if not isinstance(value, bool):
            self.problems.append(f"{where}`{key}` must be true or false")
        return value is True

    def _phrases(self, content: dict[str, Any], base: SkillSet | None) -> Phrases | None:
        given: dict[str, tuple[str, ...]] = {}
        for name in _PHRASES:
            texts = self._texts("", content.get(name), name)
            for text in texts:
                for unknown in sorted(set(template_fields(text)) - BUILT_IN_VALUES):
                    self.problems.append(f"`{name}` names {{{unknown}}}, which is not known there")
            inherited = getattr(base.phrases, name) if base else ()
            given[name] = texts or inherited
            if not given[name]:
                self.problems.append(f"it needs `{name}`")
        return None if self.problems else Phrases(**given)

    def _check_keys(self, where: str, mapping: dict[str, Any], known: tuple[str, ...]) -> None:
        for key in mapping:
            if key == _LINE or key in known:
                continue
            close = difflib.get_close_matches(str(key), known, n=1)
            hint = f"; do you mean `{close[0]}`?" if close else f"; known are {', '.join(known)}"
            self.problems.append(f"{where}`{key}` is not known{hint}")


def _fields(value: object) -> set[str]:
    try:
        return set(template_fields(value)) if isinstance(value, str) else set()
    except ValueError:
        return set()

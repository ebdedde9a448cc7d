from pathlib import Path

import pytest
from livekit.plugins.responder import SkillsError, load_skills
from livekit.plugins.responder.skills import SkillSet
from livekit.plugins.responder.skills_file import parse_skills

OWN = """
skills:
  - name: wifi
    examples: [what is the wifi password, wifi password]
    say: It is written on the router.
    can: tell the wifi password
  - name: lights
    examples: ["turn the {room} lights {state}"]
    tool: switch_lights
    arguments: {room: "{room}", state: "{state}", brightness: 0.8}
    after_tool: ["The {room} lights are {state}."]
  - name: hello
    examples: [ahoy]
    say: Ahoy!
fallback: Pardon? I can {abilities}.
"""


def load(tmp_path: Path, text: str) -> SkillSet:
    path = tmp_path / "skills.yaml"
    path.write_text(text, encoding="utf-8")
    return load_skills(path)


def problems(text: str) -> str:
    with pytest.raises(SkillsError) as raised:
        parse_skills(text, "mine.yaml", load_skills())
    return str(raised.value)


def test_the_built_in_skills_are_free_of_problems() -> None:
    skill_set = load_skills()
    names = [skill.name for skill in skill_set.skills]
    assert len(names) == len(set(names)) > 15
    assert {skill.tool for skill in skill_set.skills if skill.tool} == {
        "get_time", "get_date", "set_timer", "list_timers", "cancel_timer", "calculate", "remember",
        "recall", "search_faq", "end_call",
    }  # fmt: skip


def test_a_file_adds_to_the_built_in_skills_and_replaces_by_name(tmp_path: Path) -> None:
    skill_set = load(tmp_path, OWN)
    by_name = {skill.name: skill for skill in skill_set.skills}
    assert by_name["wifi"].say == ("It is written on the router.",)
    assert by_name["hello"].say == ("Ahoy!",)
    assert by_name["lights"].arguments["brightness"] == 0.8
    assert "time" in by_name
    assert skill_set.phrases.fallback == ("Pardon? I can {abilities}.",)
    assert skill_set.phrases.greeting == load_skills().phrases.greeting


def test_a_file_may_stand_alone(tmp_path: Path) -> None:
    skill_set = load(tmp_path, "extends: none\n" + OWN)
    assert [skill.name for skill in skill_set.skills] == ["wifi", "lights", "hello"]


def test_a_missing_file_is_one_sentence_with_the_variable(tmp_path: Path) -> None:
    with pytest.raises(SkillsError, match=r"no skills file .*nothing\.yaml.*AGENT_SKILLS"):
        load_skills(tmp_path / "nothing.yaml")


def test_a_folder_and_a_binary_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SkillsError, match="cannot be read"):
        load_skills(tmp_path)
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(SkillsError, match="UTF-8"):
        load_skills(binary)


def test_all_problems_are_reported_at_once_with_line_and_skill() -> None:
    message = problems(
        "skils: []\n"
        "skills:\n"
        "  - name: a\n"
        "    examples: ['{x}', 'go {y']\n"
        "    say: 'so {z}'\n"
        "  - examples: [go]\n"
        "    tool: t\n"
        "    arguments: {n: '{q}'}\n"
        "    exmaples: [x]\n"
        "  - name: a\n"
        "    say: hi\n"
        "  - name: b\n"
        "    examples: [go]\n"
        "  - name: c\n"
        "    examples: [go, 'go {where}']\n"
        "    say: 'off to {where}'\n"
        "    careful: maybe\n"
        "    after_tool: x\n"
    )
    assert message.startswith("the skills file mine.yaml has ")
    for part in (
        "`skils` is not known; do you mean `skills`?",
        "line 3, skill a: example '{x}': it would match everything",
        "line 3, skill a: example 'go {y': its braces do not match",
        "line 3, skill a: `say` names {z}, which no example has",
        "line 6, skill 2: it needs a `name`",
        "line 6, skill 2: `exmaples` is not known; do you mean `examples`?",
        "line 6, skill 2: argument 'n' names {q}, which no example has",
        "line 10: the name 'a' is there twice",
        "line 10, skill a: it needs `examples`",
        "line 12, skill b: it needs `say` or a `tool`",
        "line 14, skill c: `say` needs a line whose slots are in every example",
        "line 14, skill c: `careful` must be true or false",
        "line 14, skill c: `after_tool` is of no use without a `tool`",
    ):
        assert part in message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "must be a mapping"),
        ("- a\n- b", "must be a mapping"),
        ("skills: [", "is not YAML"),
        ("skills: 3", "`skills` must be a list"),
        ("skills: [3]", "skill 1 must be a mapping"),
        ("extends: everything", "`extends` is builtin or none"),
        ("extends: none", "it has no skills"),
        ("fallback: 3", "`fallback` must be a text"),
        ("fallback: 'I {wonder}'", "`fallback` names {wonder}"),
        ("fallback: 'I {'", "`fallback` 'I {'"),
        ("skills: [{name: a, examples: 3, say: x}]", "`examples` must be a text or a list"),
        ("skills: [{name: a, examples: [x], tool: 3}]", "`tool` must be a text"),
        ("skills: [{name: a, examples: [x], tool: t, arguments: [1]}]", "`arguments` must be"),
        ("skills: [{name: a, examples: [x], tool: t, arguments: {b: '{'}}]", "argument 'b'"),
        ("skills: [{name: a, examples: [x], tool: t, arguments: {b: [1]}}]", "a text or a number"),
        ("skills: [{name: a, examples: [x], tool: t, undo: u}]", "`undo` must be a mapping with"),
        (
            "skills: [{name: a, examples: [x], tool: t, undo: {tool: 3}}]",
            "`undo` must be a mapping",
        ),
        ("skills: [{name: a, examples: [x], say: b, undo: {tool: u}}]", "`undo` is of no use"),
        (
            "skills: [{name: a, examples: [x], tool: t, undo: {tool: u, arguments: {b: '{q}'}}}]",
            "argument 'b' names {q}",
        ),
        ("skills: [{name: a, examples: [x], tool: t, undo: {tool: u, say: b}}]", "`say` is not"),
        ("a: !!python/object/apply:os.system ['true']", "is not YAML"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(text: str, said: str) -> None:
    assert said in problems(text)

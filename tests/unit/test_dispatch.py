from __future__ import annotations

import pytest

from agent.dispatch import CallOptions, DispatchError, interrupted_metadata, parse_metadata


def test_no_metadata_changes_nothing() -> None:
    assert parse_metadata("  ") == CallOptions()


def test_every_key_is_taken() -> None:
    options = parse_metadata(
        '{"profile": "simulated", "instructions": "Be brief.", "voice": "en-gb", "language": "en",'
        ' "speed": 1.2, "greeting": "Hi.", "simulated": {"reply_s": 9}}'
    )
    assert options.profile == "simulated"
    assert (options.greeting, options.speed) == ("Hi.", 1.2)
    assert options.simulated is not None and options.simulated.reply_s == 9


@pytest.mark.parametrize(
    ("metadata", "sentence"),
    [
        ("{", "not JSON"),
        ("[1]", "JSON object"),
        ('{"colour": "blue"}', "unknown key 'colour'"),
        ('{"simulated": {"speed": 2}}', "unknown key 'simulated.speed'"),
        ('{"simulated": {"reply_s": -1}}', "simulated.reply_s"),
        ('{"voice": 7}', "voice"),
        ('{"speed": 3}', "speed: Input should be less than or equal to 2"),
        ('{"speed": "fast"}', "speed"),
        ('{"language": "english please"}', "language"),
        ('{"instructions": ""}', "instructions"),
    ],
)
def test_bad_metadata_is_refused_with_one_sentence(metadata: str, sentence: str) -> None:
    with pytest.raises(DispatchError) as caught:
        parse_metadata(metadata)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_dispatch_that_follows_another_keeps_its_options() -> None:
    first = '{"voice": "en-gb", "simulated": {"reply_s": 4}}'
    after = parse_metadata(interrupted_metadata(interrupted_metadata(first)))
    assert after == parse_metadata(first).model_copy(update={"interrupted": True})
    assert parse_metadata(interrupted_metadata("")).interrupted
    with pytest.raises(DispatchError):
        interrupted_metadata("{")

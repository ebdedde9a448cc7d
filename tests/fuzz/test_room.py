"""What comes with a call: its dispatch's metadata, and data packets of those in the room."""

from __future__ import annotations

import json

from hypothesis import example, given
from livekit.plugins.simulated import WordsError, parse_words

from agent.dispatch import CallOptions, DispatchError, interrupted_metadata, parse_metadata
from tests.fuzz.anything import any_text, anything

OPTIONS = b'{"profile": "simulated", "voice": "en-gb", "simulated": {"reply_s": 4}, "greeting": ""}'
WORDS = b'{"words": [["my", 0.10, 0.31], ["name", 0.4, 0.6]]}'


@given(
    any_text
    | anything(CallOptions.model_fields, OPTIONS).map(lambda it: it.decode(errors="replace"))
)
@example("[" * 3_000)
@example('{"greeting": "\\ud800"}')
def test_any_metadata_is_options_or_one_sentence(metadata: str) -> None:
    try:
        options = parse_metadata(metadata)
    except DispatchError as e:
        assert str(e) and "\n" not in str(e)
        return
    again = parse_metadata(interrupted_metadata(metadata))
    assert again == options.model_copy(update={"interrupted": True})
    assert options.instructions is None or 0 < len(options.instructions) <= 20_000
    json.dumps(options.model_dump()).encode()


@given(anything(["words"], WORDS))
def test_any_packet_is_words_in_order_or_one_sentence(packet: bytes) -> None:
    try:
        words = parse_words(packet)
    except WordsError as e:
        assert "\n" not in str(e)
        return
    assert [word.start_s for word in words] == sorted(word.start_s for word in words)
    assert all(0 <= word.start_s <= word.end_s < float("inf") for word in words)

"""The messages of Moshi's protocol, its addresses, and when to try again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit.plugins.moshi.messages import Kind, audio_message, parse
from livekit.plugins.moshi.options import MoshiOptions
from livekit.plugins.moshi.retry import Retry
from livekit.plugins.speechcore import EngineError


@given(st.binary(max_size=300))
def test_any_bytes_are_a_message_or_passed_over(data: bytes) -> None:
    message = parse(data)
    if message is None:
        assert not data or data[0] > 6
    else:
        assert bytes([message.kind]) + message.payload == data
        assert isinstance(message.text, str)


def test_a_handshake_may_have_versions_or_not() -> None:
    assert {parse(b"\0").kind, parse(bytes(9)).kind} == {Kind.HANDSHAKE}


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        (b" hello", " hello"),
        ("é".encode(), "é"),
        (b"\xff!", "\ufffd!"),
        (b"<0x0A>", ""),
        (b"x" * 10_000, "x" * 2_000),
    ],
)
def test_text_is_what_can_be_read_of_it(payload: bytes, text: str) -> None:
    assert parse(b"\2" + payload).text == text


def test_sound_goes_out_as_audio() -> None:
    assert parse(audio_message(b"OggS")).kind is Kind.AUDIO


@pytest.mark.parametrize(
    ("url", "endpoint", "netloc"),
    [
        ("ws://moshi:8998", "ws://moshi:8998/api/chat", "moshi:8998"),
        ("moshi", "ws://moshi:8998/api/chat", "moshi:8998"),
        ("10.0.0.7:9000", "ws://10.0.0.7:9000/api/chat", "10.0.0.7:9000"),
        ("https://moshi.example.org/", "wss://moshi.example.org/api/chat", "moshi.example.org"),
        ("ws://h:1/own/path", "ws://h:1/own/path", "h:1"),
        ("ws://[::1]:8998", "ws://[::1]:8998/api/chat", "[::1]:8998"),
        (
            "ws://u:pw@h:1?text_seed=3&worker_auth_id=secret",
            "ws://u:pw@h:1/api/chat?text_seed=3&worker_auth_id=secret",
            "h:1",
        ),
    ],
)
def test_an_address_is_completed_and_shown_without_its_secrets(
    url: str, endpoint: str, netloc: str
) -> None:
    options = MoshiOptions(url=url)
    assert (options.endpoint, options.netloc) == (endpoint, netloc)


@pytest.mark.parametrize("url", ["", "ftp://h", "ws://", "ws://h:port", "ws://h:99999", "a b:c:d"])
def test_an_address_that_is_none_is_refused_in_a_sentence(url: str) -> None:
    with pytest.raises(EngineError, match="is like ws://host:8998"):
        MoshiOptions(url=url)


def test_a_refused_address_does_not_show_its_secrets() -> None:
    with pytest.raises(EngineError) as refused:
        MoshiOptions(url="ftp://me:sesame@h?worker_auth_id=sesame")
    assert "sesame" not in str(refused.value)


def test_each_wait_is_twice_the_last_one_and_then_one_gives_up() -> None:
    retry = Retry(retries=3)
    assert [retry.after(0.0, 1.0) for _ in range(4)] == [0.2, 0.4, 0.8, None]


def test_chance_halves_a_wait_at_most() -> None:
    assert Retry(retries=1).after(0.0, 0.0) == 0.1


def test_a_connection_that_has_lasted_is_a_new_beginning() -> None:
    retry = Retry(retries=1)
    assert [retry.after(60.0, 1.0) for _ in range(5)] == [0.2] * 5

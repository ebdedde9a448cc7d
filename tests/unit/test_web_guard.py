"""agent.web.guard: which hosts and origins may use the page."""

import pytest

from agent.web.guard import content_security_policy, host_name, is_known_host, is_own_origin


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("127.0.0.1:8080", "127.0.0.1"),
        ("LocalHost", "localhost"),
        ("[::1]:8080", "::1"),
        ("example.org:443", "example.org"),
        ("", ""),
        ("user@localhost", ""),
        ("localhost/evil", ""),
        ("localhost:port", ""),
        ("[::1", ""),
    ],
)
def test_the_host_header_gives_a_name_or_nothing(header: str, name: str):
    assert host_name(header) == name


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "127.8.9.1", "::1", "10.0.0.5", "box"])
def test_loopback_the_configured_host_and_allowed_hosts_are_known(name: str):
    assert is_known_host(name, host="10.0.0.5", allowed_hosts=("BOX",))


@pytest.mark.parametrize("name", ["", "evil.example", "10.0.0.6", "localhost.evil.example"])
def test_other_hosts_are_foreign(name: str):
    assert not is_known_host(name, host="10.0.0.5", allowed_hosts=("box",))


def test_no_host_is_known_because_an_option_is_empty():
    assert not is_known_host("", host="", allowed_hosts=("",))


@pytest.mark.parametrize(
    ("origin", "scheme", "host", "own"),
    [
        ("http://127.0.0.1:8080", "http", "127.0.0.1:8080", True),
        ("http://127.0.0.1:9999", "http", "127.0.0.1:8080", False),
        ("https://127.0.0.1:8080", "http", "127.0.0.1:8080", False),
        ("null", "http", "127.0.0.1:8080", False),
        ("http://evil.example", "http", "127.0.0.1:8080", False),
        ("https://talk.example", "http", "talk.example", True),
        ("https://box:8080", "https", "box:8080", True),
    ],
)
def test_only_the_page_itself_is_an_own_origin(origin: str, scheme: str, host: str, own: bool):
    allowed = ("talk.example",)

    assert is_own_origin(origin, scheme=scheme, host_header=host, allowed_hosts=allowed) is own


def test_the_policy_allows_the_livekit_server_over_websocket_and_http():
    policy = content_security_policy("ws://127.0.0.1:7880")

    assert "connect-src 'self' ws://127.0.0.1:7880 http://127.0.0.1:7880;" in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy


def test_the_policy_allows_webassembly_and_no_other_code_made_at_run_time():
    policy = content_security_policy("ws://127.0.0.1:7880")

    assert "script-src 'self' 'wasm-unsafe-eval';" in policy
    assert "'unsafe-eval'" not in policy
    assert "unsafe-inline" not in policy


def test_a_secure_server_is_reached_over_secure_schemes_only():
    policy = content_security_policy("https://talk.example/path")

    assert "connect-src 'self' wss://talk.example https://talk.example;" in policy


def test_the_regions_of_livekit_cloud_are_reachable():
    policy = content_security_policy("wss://project.livekit.cloud")

    assert "wss://*.livekit.cloud" in policy


@pytest.mark.parametrize("url", ["", "127.0.0.1:7880", "ftp://x", "ws://", "ws://a;script-src *"])
def test_an_address_that_is_not_a_livekit_url_is_refused(url: str):
    with pytest.raises(ValueError, match="is not a ws"):
        content_security_policy(url)

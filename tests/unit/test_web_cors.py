"""agent.web.cors: which pages of other sites may ask for a token."""

from __future__ import annotations

import pytest

from agent.web.cors import cors_headers, is_listed

SHOP = "https://shop.example"
ORIGINS = (SHOP, "http://localhost:3000")


@pytest.mark.parametrize(
    ("origin", "path", "is_let_in"),
    [
        (SHOP, "/api/token", True),
        ("http://localhost:3000", "/api/token", True),
        ("http://localhost:3001", "/api/token", False),
        ("http://shop.example", "/api/token", False),
        ("https://a.shop.example", "/api/token", False),
        ("https://SHOP.example", "/api/token", False),
        (f"{SHOP}/", "/api/token", False),
        (f"{SHOP} {SHOP}", "/api/token", False),
        ("null", "/api/token", False),
        ("", "/api/token", False),
        (None, "/api/token", False),
        (SHOP, "/api/config", False),
        (SHOP, "/", False),
    ],
)
def test_only_the_very_origin_is_let_in_and_to_tokens_only(
    origin: str | None, path: str, is_let_in: bool
) -> None:
    assert is_listed(origin, path, ORIGINS) is is_let_in
    headers = cors_headers(origin, path, origins=ORIGINS, with_cookies=True, is_preflight=True)
    allowed = {name for name in headers if name.startswith("Access-Control-")}
    assert bool(allowed) is is_let_in
    assert headers.get("Access-Control-Allow-Origin") == (origin if is_let_in else None)
    assert ("Vary" in headers) is (path == "/api/token")


def test_where_no_site_is_listed_nothing_is_said() -> None:
    for origin in (SHOP, None):
        assert not cors_headers(origin, "/api/token", origins=(), with_cookies=True)


def test_cookies_are_allowed_only_where_something_reads_them() -> None:
    with_cookies, without = (
        cors_headers(SHOP, "/api/token", origins=ORIGINS, with_cookies=read)
        for read in (True, False)
    )
    assert with_cookies["Access-Control-Allow-Credentials"] == "true"
    assert "Access-Control-Allow-Credentials" not in without
    assert "Access-Control-Allow-Methods" not in without  # of a preflight alone

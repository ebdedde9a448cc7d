"""agent.web.address: whose requests are counted together."""

from __future__ import annotations

import pytest

from agent.web.address import caller_address, rate_key

PROXY = "10.0.0.1"


def test_without_a_proxy_the_connection_tells_whatever_the_header_says() -> None:
    assert rate_key("203.0.113.7", ["198.51.100.1"], proxies=0) == "203.0.113.7"
    assert rate_key("203.0.113.7", [], proxies=0) == "203.0.113.7"


@pytest.mark.parametrize(
    ("headers", "proxies", "key"),
    [
        (["203.0.113.7"], 1, "203.0.113.7"),
        (["1.2.3.4, 203.0.113.7"], 1, "203.0.113.7"),
        (["1.2.3.4", "203.0.113.7"], 1, "203.0.113.7"),
        (["1.2.3.4, 203.0.113.7 ,10.0.0.2"], 2, "203.0.113.7"),
        (["203.0.113.7"], 2, PROXY),
        ([], 1, PROXY),
        (["1.2.3.4, unknown"], 1, PROXY),
        (["1.2.3.4, "], 1, PROXY),
    ],
)
def test_a_proxy_is_believed_about_whom_it_was_asked_by_and_the_caller_about_nothing(
    headers: list[str], proxies: int, key: str
) -> None:
    assert rate_key(PROXY, headers, proxies=proxies) == key


def test_what_a_caller_writes_into_the_header_does_not_make_them_another() -> None:
    keys = {
        rate_key(PROXY, [f"{forged}, 203.0.113.7"], proxies=1)
        for forged in ("1.1.1.1", "2.2.2.2", "", "::1", "nonsense", "9.9.9.9, 8.8.8.8")
    }
    assert keys == {"203.0.113.7"}


def test_all_addresses_of_a_customer_in_ipv6_count_as_one() -> None:
    own = {rate_key(f"2001:db8:1:2::{host:x}", [], proxies=0) for host in range(1, 50)}
    assert len(own) == 1
    assert own != {rate_key("2001:db8:1:3::1", [], proxies=0)}


def test_an_address_is_the_same_in_both_ways_of_writing() -> None:
    assert rate_key("::ffff:203.0.113.7", [], proxies=0) == "203.0.113.7"


def test_a_connection_without_an_address_has_a_key_too() -> None:
    assert rate_key(None, [], proxies=0) == ""


def test_the_address_itself_is_whole_and_no_more_believed_than_the_key() -> None:
    whole = "2001:db8:1:2:3:4:5:6"
    assert caller_address(whole, ["10.9.9.9"], proxies=0) == whole
    assert caller_address(PROXY, [f"10.9.9.9, {whole}"], proxies=1) == whole
    assert caller_address("::ffff:203.0.113.7", [], proxies=0) == "203.0.113.7"
    assert caller_address(None, [], proxies=0) == ""

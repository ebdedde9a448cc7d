import ipaddress

import pytest

from agent.demo.lan import find_lan_address
from agent.demo.options import DemoError


def test_a_given_address_of_this_machine_is_taken() -> None:
    assert find_lan_address("127.0.0.1") == "127.0.0.1"


@pytest.mark.parametrize("given", ["phone", "1.2.3", "::1", ""])
def test_what_is_no_ipv4_address_is_refused_with_an_example(given: str) -> None:
    with pytest.raises(DemoError, match=r"192\.168\.1\.20"):
        find_lan_address(given)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(DemoError, match="not an address of this machine"):
        find_lan_address("203.0.113.9")


def test_the_found_address_is_one_that_can_be_listened_on_or_there_is_a_remedy() -> None:
    try:
        address = find_lan_address(None)
    except DemoError as e:
        assert "--lan-address" in str(e)
    else:
        assert not ipaddress.ip_address(address).is_loopback
        assert find_lan_address(address) == address

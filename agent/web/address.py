"""From where a request comes. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

__all__ = ["caller_address", "rate_key"]

_IPV6_PREFIX = 64
"""What a provider gives to one customer: within it anybody has any address they like."""


def rate_key(peer: str | None, forwarded_for: Sequence[str], *, proxies: int) -> str:
    """The address whose requests are counted together; `caller_address` tells of the arguments."""
    address = _caller(peer, forwarded_for, proxies)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address.packed, _IPV6_PREFIX), strict=False))
    return str(address or "")


def caller_address(peer: str | None, forwarded_for: Sequence[str], *, proxies: int) -> str:
    """The caller's own address, "" where there is none.

    `peer`: of the connection, None where it has none. `forwarded_for`: the X-Forwarded-For headers
    in their order. With `proxies` of one's own in front of us, the caller is so many entries from
    the end: each proxy adds the address it was asked from, and what stands further left was sent by
    the caller, who may write there what they like. An entry that is no address is not believed, nor
    is a header that is shorter than the row of proxies.
    """
    return str(_caller(peer, forwarded_for, proxies) or "")


_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _caller(peer: str | None, forwarded_for: Sequence[str], proxies: int) -> _Address | None:
    address = _parsed(peer or "")
    if proxies:
        hops = [hop for header in forwarded_for for hop in header.split(",")]
        if len(hops) >= proxies:
            address = _parsed(hops[-proxies]) or address
    return address


def _parsed(text: str) -> _Address | None:
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address

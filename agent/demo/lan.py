"""This machine's address on the local network."""

import ipaddress
import socket

from .options import DemoError

__all__ = ["LAN_WARNING", "find_lan_address"]

LAN_WARNING = (
    "Anybody on this network who has the address can talk to the agent. The certificate is "
    "self-signed: each browser asks once whether to go on; do so only at your own address."
)

_SOMEWHERE = ("192.0.2.1", 9)
"""A documentation address: the kernel looks up the route to it, nothing is ever sent."""


def find_lan_address(given: str | None) -> str:
    """IPv4 address that others on the network reach this machine at; `given` is checked.

    No packet is sent. Raises DemoError when there is none or `given` is not this machine's.
    """
    if given is not None:
        return _checked(given)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_SOMEWHERE)
            address = str(probe.getsockname()[0])
        except OSError:
            address = "127.0.0.1"
    if ipaddress.ip_address(address).is_loopback:
        raise DemoError(
            "This machine seems to be on no network: connect it, or give its address "
            "with --lan-address."
        )
    return address


def _checked(given: str) -> str:
    try:
        address = str(ipaddress.IPv4Address(given))
    except ValueError:
        raise DemoError(
            f"--lan-address: {given!r} is no IPv4 address; write one like 192.168.1.20."
        ) from None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            raise DemoError(
                f"--lan-address: {address} is not an address of this machine; "
                "leave the option out to have it found."
            ) from None
    return address

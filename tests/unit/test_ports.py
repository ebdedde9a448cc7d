import socket
from collections.abc import Iterator

import pytest

from agent.ports import is_free, pick_port


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_a_port_somebody_listens_on_is_not_free(listener: socket.socket) -> None:
    assert not is_free(listener.getsockname()[1])


def test_a_port_taken_on_one_address_is_not_free_on_all(listener: socket.socket) -> None:
    assert not is_free(listener.getsockname()[1], host="0.0.0.0")


def test_a_port_is_free_again_when_its_listener_has_gone() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        accepted, _ = server.accept()
        accepted.close()  # the server's side lingers in TIME_WAIT
        client.close()
    assert is_free(port)


def test_the_preferred_port_is_kept_when_it_is_free() -> None:
    preferred = pick_port(20000)
    assert pick_port(preferred) == preferred


def test_a_taken_preferred_port_gives_a_free_one(listener: socket.socket) -> None:
    preferred = listener.getsockname()[1]
    port = pick_port(preferred)
    assert port != preferred
    assert is_free(port)


def test_ports_promised_to_others_are_left_out() -> None:
    preferred = pick_port(20000)
    assert pick_port(preferred, taken={preferred}) != preferred


def test_udp_and_tcp_are_told_apart(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        assert not is_free(udp.getsockname()[1], udp=True)
    assert is_free(port, udp=True)

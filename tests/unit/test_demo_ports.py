from agent.demo.ports import pick_server_ports
from agent.ports import is_free


def test_a_server_gets_different_ports_for_signalling_and_media() -> None:
    ports = pick_server_ports("127.0.0.1")
    assert ports.signal != ports.media_tcp
    assert is_free(ports.media_udp, udp=True)

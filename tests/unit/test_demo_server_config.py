import yaml

from agent.demo.ports import ServerPorts
from agent.demo.server_config import server_config
from agent.private_files import Keys

PORTS = ServerPorts(signal=7880, media_tcp=7881, media_udp=7882)
KEYS = Keys(api_key="parley-0a1b2c3d", api_secret="s" * 40)


def test_on_loopback_nothing_is_bound_announced_or_looked_up_outside() -> None:
    config = yaml.safe_load(server_config(PORTS, KEYS, platform="linux"))
    assert config == {
        "port": 7880,
        "bind_addresses": ["127.0.0.1"],
        "rtc": {
            "tcp_port": 7881,
            "udp_port": 7882,
            "node_ip": "127.0.0.1",
            "use_external_ip": False,
            "enable_loopback_candidate": True,
            "interfaces": {"includes": ["lo"]},
            "ips": {"includes": ["127.0.0.1/32"]},
            "stun_servers": ["127.0.0.1:3478"],
        },
        "keys": {"parley-0a1b2c3d": "s" * 40},
    }


def test_the_loopback_interface_has_its_own_name_on_macos() -> None:
    config = yaml.safe_load(server_config(PORTS, KEYS, platform="darwin"))
    assert config["rtc"]["interfaces"] == {"includes": ["lo0"]}


def test_for_phones_only_the_media_is_on_the_network() -> None:
    config = yaml.safe_load(server_config(PORTS, KEYS, media_address="192.168.1.20"))
    assert config["bind_addresses"] == ["127.0.0.1"]
    assert config["rtc"]["node_ip"] == "192.168.1.20"
    assert config["rtc"]["ips"] == {"includes": ["192.168.1.20/32"]}
    assert config["rtc"]["stun_servers"] == ["127.0.0.1:3478"]
    assert "interfaces" not in config["rtc"]


def test_a_secret_that_looks_like_something_else_stays_text() -> None:
    keys = Keys(api_key="123", api_secret="1e5: {#")
    assert yaml.safe_load(server_config(PORTS, keys))["keys"] == {"123": "1e5: {#"}

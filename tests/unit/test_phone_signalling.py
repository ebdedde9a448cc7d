"""evals.phone: what sipp writes down is read, and what it offers is what we send."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

import pytest

from evals.phone.bridge import DEPLOY, sip_config
from evals.phone.messages import parse_messages, sound_address
from evals.phone.rtp import FRAME_S, KEY, RATE_HZ, SOUND
from evals.phone.sipp import NUMBER, SCENARIO

LOG = """\
----------------------------------------------- 2026-11-26 12:15:00.100000
UDP message sent (60 bytes):

INVITE sip:+15550100@127.0.0.1:5060 SIP/2.0
Via: SIP/2.0/UDP 127.0.0.1:5061
Call-ID: 1-7@127.0.0.1
CSeq: 1 INVITE

v=0
m=audio 4000 RTP/AVP 0 101

----------------------------------------------- 2026-11-26\t12:15:00.350000\t1795695300.350000
UDP message received [70] bytes :

SIP/2.0 200 OK\r
Via: SIP/2.0/UDP 127.0.0.1:5061\r
Via: SIP/2.0/UDP 192.0.2.9:5060\r
CSeq: 1 INVITE\r
\r
v=0\r
c=IN IP4 127.0.0.1\r
m=audio 30212 RTP/AVP 0 101\r

----------------------------------------------- 2026-11-26 12:15:09.000000
UDP message received [30] bytes :

BYE sip:+15550123@127.0.0.1:5061 SIP/2.0
CSeq: 7 BYE

"""


def test_every_message_is_read_with_its_time_and_direction() -> None:
    invite, answer, bye = parse_messages(LOG)
    assert [invite.is_sent, answer.is_sent, bye.is_sent] == [True, False, False]
    assert answer.at_s - invite.at_s == pytest.approx(0.25)
    assert bye.at_s - answer.at_s == pytest.approx(8.65)
    assert (invite.status, answer.status, bye.status) == (None, 200, None)
    assert [m.method for m in (invite, answer, bye)] == ["INVITE", "INVITE", "BYE"]
    assert invite.headers["call-id"] == "1-7@127.0.0.1"
    assert answer.headers["via"].endswith("127.0.0.1:5061")


def test_the_answer_tells_where_sound_goes() -> None:
    _, answer, bye = parse_messages(LOG)
    assert sound_address(answer.body) == ("127.0.0.1", 30212)
    with pytest.raises(ValueError, match="no place for sound"):
        sound_address(bye.body)


def test_a_message_that_is_still_being_written_is_none() -> None:
    assert parse_messages("") == []
    whole = len(parse_messages(LOG))
    cut = LOG[: LOG.index("BYE sip")]
    assert len(parse_messages(cut)) == whole - 1


def test_the_scenario_offers_the_payload_types_that_are_sent() -> None:
    text = SCENARIO.read_text()
    ElementTree.fromstring(text)
    assert f"m=audio [sound_port] RTP/AVP {SOUND} {KEY}" in text
    assert f"a=rtpmap:{SOUND} PCMU/{RATE_HZ}" in text
    assert f"a=rtpmap:{KEY} telephone-event/{RATE_HZ}" in text
    assert f"a=ptime:{FRAME_S * 1000:g}\n" in text
    labels = set(re.findall(r'<label id="(\d+)"', text))
    assert set(re.findall(r'next="(\d+)"', text)) == labels


def test_the_number_that_is_called_is_that_of_the_trunk() -> None:
    trunk = json.loads((DEPLOY / "inbound-trunk.json").read_text())["trunk"]
    assert NUMBER in trunk["numbers"]


def test_livekit_sip_keeps_its_own_settings_but_asks_nobody_outside() -> None:
    config = sip_config("ws://127.0.0.1:1", {"address": "127.0.0.1:2"})
    assert config["enable_jitter_buffer"] is True
    assert config["use_external_ip"] is False
    assert {config["listen_ip"], config["nat_1_to_1_ip"]} == {"127.0.0.1"}
    assert (config["ws_url"], config["redis"]) == ("ws://127.0.0.1:1", {"address": "127.0.0.1:2"})

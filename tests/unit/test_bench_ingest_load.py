"""The packets that `bench ingest` sends are what devices send, and never the same twice."""

from datetime import UTC, datetime

from baycast.bench.ingest_load import Load, keys, packets
from firmware_contract.codec import Accepted, decode
from firmware_contract.messages import State
from ingest.packets import parse

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def load(first: int, count: int) -> Load:
    return Load(port=1, prefix="baycast/v1/dev/", first=first, count=count, devices=7, seed=1)


def test_every_packet_is_a_message_of_the_contract_by_its_key() -> None:
    wanted = load(0, 30)
    parsed = parse(b"".join(packets(wanted, AT)), 0, version5=False, largest=1000)
    assert not parsed.unusual
    found = []
    for mid, qos, topic, payload, retain in parsed.publishes:
        (answer,) = decode(topic, payload)
        assert isinstance(answer, Accepted)
        assert isinstance(answer.message, State)
        assert (qos, retain) == (1, False)
        assert mid == len(found) + 1
        found.append((answer.device_id, answer.message.seq))
    assert found == keys(wanted)


def test_loads_that_follow_each_other_share_no_key() -> None:
    assert keys(load(0, 10)) + keys(load(10, 25)) == keys(load(0, 35))
    assert len(set(keys(load(0, 35)))) == 35

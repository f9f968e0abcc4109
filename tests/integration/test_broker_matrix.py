"""Who gets what through the production broker: every identity at every topic, in every way, judged by delivery.

Return codes are not looked at: to an MQTT 3.1.1 client the broker acknowledges what it throws away, and grants
subscriptions that never deliver.
"""

import contextlib
from collections.abc import Iterator

import pytest

from tests.support.mqtt_packets import publish
from tests.support.mqtt_peer import Peer, RefusedConnection
from tests.support.production_broker import AUDITOR, OURS, ProductionBroker, production_broker

ACCOUNTS = dict.fromkeys(("ir-1", "ir-2", "gw-1", "gw-2", "vms-1", "vms-2", "+"), "own")
IDENTITIES = {**ACCOUNTS, **OURS, "baycast-simulator": "sim"}
OWNERS = ("ir-1", "ir-2", "gw-1", "gw-2", "vms-1", "vms-2", "baycast-ingest", "nobody")
DEVICE_KINDS = ("state", "passage", "count", "health", "boot", "link")
TOPICS = [
    *(f"baycast/v1/dev/{owner}/{last}" for owner in OWNERS for last in (*DEVICE_KINDS, "cmd", "state/more")),
    *(f"baycast/v1/gw/{owner}/batch" for owner in OWNERS),
    *(f"baycast/v1/sign/{owner}/{last}" for owner in OWNERS for last in ("frame", "shown")),
    "baycast/v1/live/cardiff/zone/queen-st",
    "baycast/v1/area/cardiff/clock",
    "baycast/v1/canary/ingest-1",
    "baycast/v1/other",
    "baycast/v2/dev/ir-1/state",
    "baycast",
    "elsewhere",
]


def may_write(who: str, topic: str) -> bool:
    """The rules once more, from the threat model rather than from the file.

    To an account named like a wildcard the broker gives nothing at all: what stands for its own topics is everybody's.
    """
    if who == "+":
        return False
    match topic.split("/"):
        case ["baycast", "v1", "dev", owner, kind] if kind in DEVICE_KINDS and owner == who:
            return True
        case ["baycast", "v1", "gw", owner, "batch"] if owner == who:
            return True
        case ["baycast", "v1", "sign", owner, "shown"] if owner == who:
            return True
        case ["baycast", "v1", "dev" | "gw", *_]:
            return who == "baycast-simulator"
        case ["baycast", "v1", "area", _, "clock"]:
            return who == "baycast-simulator"
        case ["baycast", "v1", "canary", _]:
            return who == "baycast-ingest"
        case ["baycast", "v1", "live", *_] | ["baycast", "v1", "sign", _, "frame"]:
            return who == "baycast-publish"
        case _:
            return False


def may_read(who: str, topic: str) -> bool:
    if who == "+":
        return False
    match topic.split("/"):
        case ["baycast", "v1", "live", *_]:
            return True
        case ["baycast", "v1", "dev", owner, "cmd"] | ["baycast", "v1", "sign", owner, "frame"]:
            return owner == who
        case ["baycast", "v1", "dev", _, kind]:
            return who == "baycast-ingest" and kind in DEVICE_KINDS
        case ["baycast", "v1", "gw", _, "batch"] | ["baycast", "v1", "area", _, "clock"]:
            return who == "baycast-ingest"
        case ["baycast", "v1", "canary", _]:
            return who == "baycast-ingest"
        case ["baycast", "v1", "sign", _, "shown"]:
            return who == "baycast-publish"
        case _:
            return False


@pytest.fixture(scope="module")
def broker() -> Iterator[ProductionBroker]:
    with production_broker(ACCOUNTS, simulator="sim") as running:
        yield running


def attempts(way: str) -> set[tuple[str, bytes]]:
    """What must arrive of the identities' attempts at every topic; the payload tells who and how."""
    return {
        (topic, f"{way} {who}".encode()) for who in IDENTITIES for topic in TOPICS if may_write(who, topic)
    }


def publish_everywhere(broker: ProductionBroker, who: str, payload: bytes, *, retain: bool) -> None:
    """To every topic; where the broker throws us out for it, we come again."""
    left = list(TOPICS)
    while left:
        with (
            Peer(broker.port, (who, IDENTITIES[who])) as peer,
            contextlib.suppress(EOFError, ConnectionError),
        ):
            while left:
                peer.publish(left.pop(), payload, retain=retain)


@pytest.mark.parametrize("way", ["sent", "retained"])
def test_l9_what_an_identity_publishes_arrives_where_it_may_only(broker: ProductionBroker, way: str) -> None:
    with Peer(broker.port, AUDITOR) as listener:
        listener.subscribe("#")
        for who in IDENTITIES:
            publish_everywhere(broker, who, f"{way} {who}".encode(), retain=way == "retained")
        came = {one for one in listener.received() if one[1].startswith(f"{way} ".encode())}
        assert came == attempts(way)


def test_l9_no_will_speaks_for_another(broker: ProductionBroker) -> None:
    with Peer(broker.port, AUDITOR) as listener:
        listener.subscribe("#")
        for who, password in IDENTITIES.items():
            for topic in TOPICS:
                Peer(
                    broker.port, (who, password), will=(topic, f"will {who}".encode()), retain_will=True
                ).close()
        # Connections end in their order, so that when the last will has come no other is on its way.
        Peer(broker.port, AUDITOR, will=("elsewhere", b"last")).close()
        listener.wait_for(b"last")
        wills = {one for one in listener.received() if one[1].startswith(b"will ")}
        assert wills == attempts("will")


@pytest.mark.parametrize("who", IDENTITIES)
def test_l9_an_identity_hears_what_it_may_only(broker: ProductionBroker, who: str) -> None:
    """Whatever it asks for: everything, every level, the broker's own, each topic by name, a shared subscription."""
    wide = [
        "#",
        "+/#",
        "baycast/#",
        "baycast/v1/+/+/+",
        "baycast/v1/+/#",
        "$SYS/#",
        "$share/g/baycast/#",
        "+/+",
        "+",
    ]
    with Peer(broker.port, (who, IDENTITIES[who])) as listener, Peer(broker.port, AUDITOR) as sender:
        listener.subscribe(*wide, *TOPICS)
        for topic in TOPICS:
            sender.publish(topic, b"for " + who.encode())
        came = {topic for topic, payload in listener.received() if payload == b"for " + who.encode()}
    assert came == {topic for topic in TOPICS if may_read(who, topic)}


def test_l9_only_ingest_reads_the_brokers_counters(broker: ProductionBroker) -> None:
    """They are retained, so whoever may read them has them at once."""
    heard = set()
    for who, password in IDENTITIES.items():
        with Peer(broker.port, (who, password)) as listener:
            listener.subscribe("$SYS/#", "$SYS/broker/version")
            if any(topic.startswith("$") for topic, _ in listener.received()):
                heard.add(who)
    assert heard == {"baycast-ingest"}


@pytest.mark.parametrize(
    "account",
    [
        None,
        ("", ""),
        ("ir-1", "wrong"),
        ("ir-1", ""),
        ("nobody", "own"),
        ("#", "own"),
        ("IR-1", "own"),
        ("ir-1 ", "own"),
        ("baycast-ingest", ""),
        ("baycast-ingest", "out"),
    ],
)
def test_l9_without_an_account_of_its_own_nobody_comes_in_or_is_heard(
    broker: ProductionBroker, account: tuple[str, str] | None
) -> None:
    with Peer(broker.port, AUDITOR) as listener:
        listener.subscribe("#")
        # A message right behind CONNECT, before the broker has answered.
        hasty = publish(b"baycast/v1/dev/ir-1/state", b"unheard")
        with pytest.raises(RefusedConnection):
            Peer(broker.port, account, eager=hasty)
        assert b"unheard" not in {payload for _, payload in listener.received()}


def test_l9_the_simulator_has_no_account_unless_it_has_a_password() -> None:
    with production_broker({}) as broker:
        for password in ("", "sim"):
            with pytest.raises(RefusedConnection):
                Peer(broker.port, ("baycast-simulator", password))

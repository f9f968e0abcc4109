"""The TLS listener of the production broker: with passwords, and with a certificate for each device."""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.certificates import Authority, can_issue, self_signed
from tests.support.mqtt_packets import publish
from tests.support.mqtt_peer import Peer, RefusedConnection
from tests.support.production_broker import AUDITOR, ProductionBroker, production_broker

pytestmark = pytest.mark.skipif(not can_issue(), reason="openssl is not installed")


@dataclass(frozen=True)
class Town:
    """A broker that asks for certificates, and who shows which."""

    broker: ProductionBroker
    authority: Authority
    devices: Authority
    shown: dict[str, tuple[Path, Path] | None]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def town(folder: Path) -> Iterator[Town]:
    authority, devices, others = (Authority(folder, name) for name in ("servers", "devices", "others"))
    shown = {
        "ir-1": devices.issue("ir-1"),
        "ir-2": devices.issue("ir-2"),
        "named like a wildcard": devices.issue("+"),
        "revoked": devices.issue("ir-1"),
        "expired": devices.issue("ir-1", days=-1),
        "of another authority": others.issue("ir-1"),
        "self-signed": self_signed(folder, "ir-1"),
    }
    certificate, key = authority.issue("broker", for_server=True)
    files = {
        "fullchain.pem": certificate,
        "privkey.pem": key,
        "devices-ca.pem": devices.certificate,
        "devices-crl.pem": devices.revoked(shown["revoked"][0]),
    }
    with production_broker({"ir-1": "own"}, certificates=files) as broker:
        yield Town(broker, authority, devices, {**shown, "none": None})


def context(authority: Authority, shown: tuple[Path, Path] | None) -> ssl.SSLContext:
    trusting = ssl.create_default_context(cafile=str(authority.certificate))
    if shown is not None:
        trusting.load_cert_chain(*shown)
    return trusting


def test_l9_a_device_is_its_certificate(town: Town) -> None:
    with Peer(town.broker.port, AUDITOR) as listener:
        listener.subscribe("#")
        # The name given with it counts for nothing.
        for account in (None, ("ir-2", "own"), ("baycast-ingest", "in")):
            with Peer(
                town.broker.tls_port, account, tls=context(town.authority, town.shown["ir-1"])
            ) as device:
                for topic in ("dev/ir-1/state", "dev/ir-2/state", "canary/ingest-1", "sign/ir-2/frame"):
                    device.publish(f"baycast/v1/{topic}", b"x")
        # This one has no password at all.
        with Peer(town.broker.tls_port, None, tls=context(town.authority, town.shown["ir-2"])) as device:
            device.publish("baycast/v1/dev/ir-2/state", b"y")
        mine = ("baycast/v1/dev/ir-1/state", b"x")
        assert listener.received() == [mine, mine, mine, ("baycast/v1/dev/ir-2/state", b"y")]


@pytest.mark.parametrize(
    "what", ["none", "revoked", "expired", "of another authority", "self-signed", "named like a wildcard"]
)
def test_l9_without_a_good_certificate_nobody_comes_in_or_is_heard(town: Town, what: str) -> None:
    with Peer(town.broker.port, AUDITOR) as listener:
        listener.subscribe("#")
        with pytest.raises(RefusedConnection):
            Peer(
                town.broker.tls_port,
                ("ir-1", "own"),
                tls=context(town.authority, town.shown[what]),
                eager=publish(b"baycast/v1/dev/ir-1/state", b"unheard"),
            )
        assert listener.received() == []


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_old_versions_of_tls_are_refused(town: Town, version: ssl.TLSVersion) -> None:
    old = context(town.authority, town.shown["ir-1"])
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = old.maximum_version = version
    with pytest.raises(RefusedConnection):
        Peer(town.broker.tls_port, None, tls=old)


def test_without_an_authority_for_devices_the_tls_listener_takes_passwords(town: Town) -> None:
    certificate, key = town.authority.issue("broker", for_server=True)
    files = {"fullchain.pem": certificate, "privkey.pem": key}
    with production_broker({"ir-1": "own"}, certificates=files) as broker:
        trusting = context(town.authority, None)
        with (
            Peer(broker.port, AUDITOR) as listener,
            Peer(broker.tls_port, ("ir-1", "own"), tls=trusting) as device,
        ):
            listener.subscribe("#")
            device.publish("baycast/v1/dev/ir-1/state", b"x")
            device.publish("baycast/v1/dev/ir-2/state", b"x")
            assert listener.received() == [("baycast/v1/dev/ir-1/state", b"x")]
        for account in (None, ("ir-1", "wrong")):
            with pytest.raises(RefusedConnection):
                Peer(broker.tls_port, account, tls=trusting)
        with pytest.raises((RefusedConnection, ConnectionError)):
            Peer(broker.tls_port, ("ir-1", "own"))  # without TLS

"""What is counted of keys that are none is bounded, and few entries of the audit log come of a flood."""

from api.attempts import ADDRESSES_MAX, MOST, WINDOW_S, Attempts, network_of
from api.denials import GROUPS_MAX, Denial, Denials
from api.keyring import Caller


def test_an_address_has_so_many_failures_a_minute() -> None:
    attempts = Attempts()
    assert [attempts.failed("a", 0.0) for _ in range(MOST)] == [None] * MOST
    assert attempts.failed("a", 20.0) == WINDOW_S - 20
    assert attempts.failed("b", 20.0) is None
    assert attempts.failed("a", WINDOW_S) is None


def test_l8_only_so_many_addresses_are_remembered() -> None:
    attempts = Attempts()
    for number in range(ADDRESSES_MAX + 1000):
        attempts.failed(f"address {number}", 0.0)
    assert len(attempts) == ADDRESSES_MAX


def test_the_hosts_of_one_ipv6_network_are_one_address() -> None:
    assert network_of("2001:db8:1:2:3:4:5:6") == network_of("2001:db8:1:2::9") == "2001:db8:1:2::/64"
    assert network_of("192.0.2.7") == "192.0.2.7"
    assert network_of(None) == network_of("/run/socket") == "unknown"


def test_l8_a_flood_of_refused_attempts_is_few_entries() -> None:
    denials = Denials()
    for number in range(1000):
        for _ in range(3):
            denials.note(Denial("GET /v1/admin/keys", 401, f"192.0.2.{number}", None))
    deeds = denials.take()
    assert len(deeds) == GROUPS_MAX + 1
    assert sum(int(str(deed.doc["times"])) for deed in deeds) == 3000
    assert denials.take() == []


def test_an_attempt_with_a_key_names_it_and_concerns_its_areas() -> None:
    denials = Denials()
    caller = Caller(7, "team", frozenset(), frozenset({"cardiff"}))
    denials.note(Denial("GET /v1/admin/keys", 403, "192.0.2.1", caller))
    (deed,) = denials.take()
    assert (deed.who, deed.areas, deed.subject) == ("key 7 (team)", {"cardiff"}, "GET /v1/admin/keys")

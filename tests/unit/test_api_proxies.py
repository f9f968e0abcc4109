"""Who asks, behind proxies."""

import pytest

from api.proxies import Proxies

PROXIES = Proxies.of(["127.0.0.1", "10.0.0.0/8"])


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "asker"),
    [
        ("192.0.2.7", [], "192.0.2.7"),
        ("192.0.2.7", ["198.51.100.1"], "192.0.2.7"),
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", ["1.1.1.1, 198.51.100.1, 10.0.0.3"], "198.51.100.1"),
        ("127.0.0.1", ["1.1.1.1", "198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", ["10.1.1.1"], "10.1.1.1"),
        ("127.0.0.1", ["2001:db8:1:2:3::4"], "2001:db8:1:2::/64"),
        ("127.0.0.1", ["nonsense"], "unknown"),
        (None, ["198.51.100.1"], "unknown"),
    ],
)
def test_asker_is_the_last_that_is_no_proxy_of_ours(
    peer: str | None, forwarded_for: list[str], asker: str
) -> None:
    assert PROXIES.asker(peer, forwarded_for) == asker


def test_what_is_no_address_is_refused() -> None:
    with pytest.raises(ValueError, match="proxy"):
        Proxies.of(["proxy"])

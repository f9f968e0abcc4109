"""Encoding, and the meaning by which a conflict is told from a retransmission (L2)."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest

from firmware_contract.codec import encode, meaning
from firmware_contract.messages import AnyMessage, Boot, Canary, Clock, Count, Health, Link, Passage, State

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
STATE = State(boot=1, seq=2, at=AT, occupied=True, cause="change")


def test_encode_is_compact_and_keeps_the_null_time() -> None:
    assert encode(State(boot=1, seq=2, at=None, age_ms=0, occupied=None, cause="boot")) == (
        b'{"boot":1,"seq":2,"at":null,"age_ms":0,"occupied":null,"cause":"boot"}'
    )
    assert encode(Link(online=False)) == b'{"online":false}'


def test_encode_speaks_utc_and_refuses_naive_times() -> None:
    east = msgspec.structs.replace(STATE, at=AT.astimezone(timezone(timedelta(hours=1))))
    assert encode(east) == encode(STATE)
    assert meaning(east) == meaning(STATE)
    with pytest.raises(ValueError, match="at: a time without an offset"):
        encode(msgspec.structs.replace(STATE, at=AT.replace(tzinfo=None)))


def test_encode_does_not_judge_recorded_data() -> None:
    assert b'"occupied":-8' in encode(Count(boot=0, seq=1, at=AT, occupied=-8))


def test_l2_telemetry_age_and_key_are_no_part_of_the_meaning() -> None:
    again = msgspec.structs.replace(
        STATE,
        seq=9,
        boot=9,
        age_ms=7,
        confidence=0.5,
        battery_mv=1,
        temperature_c=1.0,
        rssi_dbm=-1.0,
        faults=("f",),
    )
    assert meaning(again) == meaning(STATE)


def test_l2_the_claim_is_the_meaning() -> None:
    base: dict[str, Any] = {"boot": 1, "seq": 2, "at": AT}
    claims: list[AnyMessage] = [
        STATE,
        State(**base, occupied=False, cause="change"),
        State(**base, occupied=None, cause="change"),
        State(**base, occupied=True, cause="heartbeat"),
        State(**base, occupied=True, cause="change", prev_s=0),
        State(**{**base, "at": AT + timedelta(microseconds=1)}, occupied=True, cause="change"),
        State(**{**base, "at": None}, occupied=True, cause="change"),
        Passage(**base, direction="in"),
        Passage(**base, direction="out"),
        Passage(**base, direction="in", vehicle_token="a" * 32),
        Count(**base, occupied=1),
        Count(**base, occupied=0),
        Count(**base, occupied=1, capacity=0),
        Health(**base),
        Boot(**base),
    ]
    meanings = {meaning(claim) for claim in claims}
    assert len(meanings) == len(claims)
    assert all(-(2**63) <= value < 2**63 for value in meanings)


def test_l2_the_meaning_is_fixed_for_ever() -> None:
    """Stored rows hold it: another value would turn each retransmission into a conflict."""
    assert meaning(STATE) == -4605745136719044272


def test_the_meaning_of_what_has_no_key() -> None:
    assert meaning(Link(online=True)) == meaning(Link(online=True))
    assert meaning(Link(online=True)) != meaning(Link(online=False))
    assert meaning(Canary(worker="a", at=AT)) != meaning(Canary(worker="b", at=AT))
    assert meaning(Clock(at=AT)) != meaning(Clock(at=AT + timedelta(seconds=1)))

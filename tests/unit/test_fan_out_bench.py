"""What the crowd of `baycast bench live` makes of what it is told."""

import json
from typing import Any

import pytest
from websockets.frames import Frame, Opcode

from baycast.bench.fan_out.compared import worst
from baycast.bench.fan_out.frames import frames_of
from baycast.bench.fan_out.plan import Plan, allow_connections
from baycast.bench.fan_out.storm import Snapshot, judged
from baycast.settings import UsageError


def wire(opcode: Opcode, payload: bytes) -> bytes:
    return Frame(opcode, payload).serialize(mask=False)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 610, 65_535, 65_536])
def test_frames_are_found_whatever_their_size(size: int) -> None:
    data = wire(Opcode.TEXT, b"x" * size) + wire(Opcode.PING, b"") + b"\x81"

    frames, rest = frames_of(data)

    assert [(one.opcode, len(one.payload)) for one in frames] == [(1, size), (9, 0)]
    assert rest == b"\x81"


@pytest.mark.parametrize("cut", [1, 2, 3, 100])
def test_a_frame_that_is_not_whole_waits(cut: int) -> None:
    data = wire(Opcode.TEXT, b"x" * 300)

    assert frames_of(data[:cut]) == ([], data[:cut])


def test_heartbeats_are_no_news() -> None:
    data = wire(Opcode.TEXT, b'{"type":"heartbeat","version":"a"}') + wire(Opcode.TEXT, b'{"type":"delta"}')

    assert [one.news for one in frames_of(data)[0]] == [False, True]


def test_a_close_frame_tells_its_code() -> None:
    frames, _ = frames_of(wire(Opcode.CLOSE, (4008).to_bytes(2) + b"does not read"))

    assert frames[0].code == 4008


def test_more_clients_than_open_files_are_refused_with_the_way_out() -> None:
    with pytest.raises(UsageError, match="ulimit -Hn"):
        allow_connections(10**12)


def test_a_fan_out_to_nobody_is_no_plan() -> None:
    with pytest.raises(ValueError, match="--clients"):
        Plan([], 1, 1)


BEFORE = Snapshot("v1", "12:00", False, [{"id": "a", "free": 1}, {"id": "b", "free": 2}])
AFTER = Snapshot("v2", "12:01", False, [{"id": "a", "free": 0}, {"id": "b", "free": 2}])


def told(kind: str, version: str, *zones: dict[str, Any], prev: str = "v1") -> str:
    return json.dumps({"type": kind, "version": version, "prev": prev, "zones": zones})


def test_right_first_messages_are_counted_by_type() -> None:
    firsts = [
        ("v1", told("delta", "v2", {"id": "a", "free": 0}), 7),
        ("v1", told("delta", "v1"), 2),
        (None, told("snapshot", "v2", *AFTER.zones), 3),
    ]

    assert judged(firsts, BEFORE, AFTER) == {"delta": 9, "snapshot": 3, "wrong": 0}


@pytest.mark.parametrize(
    "message",
    [
        told("delta", "v2"),
        told("delta", "v2", {"id": "a", "free": 0}, prev="v0"),
        told("delta", "v1", {"id": "a", "free": 0}),
        told("snapshot", "v2", AFTER.zones[0]),
        told("snapshot", "v2", *BEFORE.zones),
    ],
)
def test_what_get_never_said_is_wrong(message: str) -> None:
    assert judged([("v1", message, 1)], BEFORE, AFTER)["wrong"] == 1


def test_under_the_plain_name_stands_the_worst_ratio() -> None:
    ratios = {"fanout_to_floor.10": 0.9, "fanout_to_floor.20": 0.7, "fanout_to_floor_by_cpu.10": 0.8}

    assert worst(ratios) == {"fanout_to_floor": 0.7, "fanout_to_floor_by_cpu": 0.8}

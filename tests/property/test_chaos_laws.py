"""The pure parts of the chaos harness: schedule, stream, ledger, wire and the auditor's own model."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baycast.chaos import ledger, mqtt_wire
from baycast.chaos.model import Row, bay_of
from baycast.chaos.poison import KINDS, poison
from baycast.chaos.schedule import CRASH_POINTS, PROFILES, Fault, schedule
from baycast.chaos.stream import StreamPlan, messages
from firmware_contract.codec import Accepted, Rejected, decode

CRASHES = (*CRASH_POINTS, Fault.CRASH_MID_ACK)
BROKER_KILLS = (Fault.BROKER_KILL, Fault.BROKER_KILL_QUEUED)
KILLS = (*CRASHES, Fault.INGEST_KILL, Fault.ENGINE_KILL, Fault.DB_KILL, Fault.DB_BACKEND_KILL)
seeds = st.integers(0, 2**32)
profiles = st.sampled_from(sorted(PROFILES)).map(PROFILES.__getitem__)


@given(profiles, seeds, st.integers(1_000, 3_000_000))
def test_the_same_seed_gives_the_same_schedule(profile, seed, events) -> None:
    steps = schedule(profile, seed, events)

    assert steps == schedule(profile, seed, events)
    assert Counter(step.fault for step in steps) == +Counter(profile.faults)
    assert all(before.at <= after.at for before, after in pairwise(steps))
    assert all(0 <= step.at <= events for step in steps)
    assert all(step.count >= 1 for step in steps if step.fault in CRASHES)


def test_another_seed_gives_another_schedule() -> None:
    profile = PROFILES["commit"]

    assert len({tuple(schedule(profile, seed, 50_000)) for seed in range(20)}) == 20


def test_the_profiles_keep_their_promises() -> None:
    long = PROFILES["long"].faults
    kills_to_arm = sum(long[fault] for fault in CRASH_POINTS)

    assert long[Fault.INGEST_KILL] + kills_to_arm + sum(long[fault] for fault in CRASHES) >= 300
    assert min(long[fault] for fault in CRASHES) >= 30
    assert long[Fault.DB_KILL] + long[Fault.DB_BACKEND_KILL] >= 50
    assert PROFILES["long"].events >= 2_000_000
    assert sum(PROFILES["broker"].faults[fault] for fault in BROKER_KILLS) >= 50
    commit = PROFILES["commit"]
    assert set(Fault) - set(commit.faults) == {Fault.DB_OUTAGE, Fault.REGISTER, *BROKER_KILLS}
    assert commit.events >= 50_000
    armed = sum(commit.faults[fault] for fault in CRASH_POINTS)
    assert armed + sum(times for fault, times in commit.faults.items() if fault in KILLS) >= 20


def test_an_outage_begins_early_so_that_the_stream_outlasts_it() -> None:
    for seed in range(5):
        (outage,) = schedule(PROFILES["outage"], seed, 1_000_000)
        assert (outage.at, outage.seconds) == (20_000, 600)


def test_the_stream_has_every_fault_of_a_publisher() -> None:
    plan = StreamPlan(seed=1, events=5000, devices=60, started_ms=1_775_000_000_000, poison_share=0.01)
    stream = list(messages(plan))
    sent = [reading for message in stream for reading in message.readings]
    meanings: dict[ledger.Key, set[str]] = {}
    newest: dict[str, tuple[int, int]] = {}
    out_of_order = 0
    for reading in sent:
        meanings.setdefault(reading.key, set()).add(reading.meaning)
        device, *number = reading.key
        out_of_order += tuple(number) < newest.get(device, (0, 0))
        newest[device] = max(newest.get(device, (0, 0)), (number[0], number[1]))

    assert out_of_order > 100  # held back, or in a gateway's batch
    assert len(sent) > len(meanings) + 100  # duplicates
    assert any(len(claims) > 1 for claims in meanings.values())  # contradictions under one key
    assert any(len(message.readings) > 20 for message in stream)  # late batches
    assert any(message.poison and message.readings for message in stream)  # poison inside of a batch
    assert any(message.poison and not message.readings for message in stream)


@given(seeds, st.integers(1, 300), st.integers(1, 60))
def test_a_stream_is_what_its_plan_says(seed, events, devices) -> None:
    plan = StreamPlan(
        seed=seed, events=events, devices=devices, started_ms=1_775_000_000_000, poison_share=0.1
    )
    stream = list(messages(plan))
    keys = {reading.key for message in stream for reading in message.readings}

    assert stream == list(messages(plan))
    assert len(keys) == events + devices + 1  # the car park's anchor first, each device once more at the end
    for message in stream:
        judged = decode(message.topic, message.payload)
        assert len(judged) == len(message.readings) + len(message.poison)
        assert len([one for one in judged if isinstance(one, Accepted)]) >= len(message.readings)


@pytest.mark.parametrize("kind", range(KINDS))
@given(number=st.integers(1, 10**9))
def test_poison_is_refused_for_its_own_reason(kind: int, number: int) -> None:
    bad = poison(kind, number, "chaos-00001")
    (judged,) = decode(bad.topic, bad.payload)

    if isinstance(judged, Rejected):
        assert judged.reason in bad.reasons
        assert (judged.topic, judged.payload) == (bad.stored_topic, bad.stored_as)
    else:  # for ingest to refuse: the wire cannot know who is registered as what
        assert bad.reasons <= {"unknown_device", "wrong_kind"}


@given(seeds, st.sets(st.integers(0, 40)))
def test_the_ledger_reads_what_was_written(seed, unanswered) -> None:
    plan = StreamPlan(seed=seed, events=60, devices=5, started_ms=1_775_000_000_000, poison_share=0.2)
    lines: list[str] = []
    sent: set[tuple[ledger.Key, str]] = set()
    acked: set[tuple[ledger.Key, str]] = set()
    bad = 0
    for number, message in enumerate(messages(plan)):
        own = {(reading.key, reading.meaning) for reading in message.readings}
        lines += [ledger.reading_line(number, key, meaning) for key, meaning in own]
        lines += [ledger.poison_line(number, one) for one in message.poison]
        sent |= own
        if number not in unanswered:
            lines.append(ledger.ack_line(number))
            acked |= own
            bad += len(message.poison)
    book = ledger.read(lines)

    assert {(key, meaning) for key, meanings in book.sent.items() for meaning in meanings} == sent
    assert {(key, meaning) for key, meanings in book.acked.items() for meaning in meanings} == acked
    assert len(book.acked_poison) == bad
    assert book.messages - book.acked_messages == len([n for n in unanswered if n < book.messages])


def test_a_ledger_with_a_foreign_line_is_refused() -> None:
    with pytest.raises(ValueError, match="no line of a ledger"):
        ledger.read(["X\t1\n"])


packets = st.lists(st.tuples(st.sampled_from([0x20, 0x40, 0xD0]), st.binary(max_size=300)), max_size=8)


@given(packets, st.lists(st.integers(1, 7), max_size=30))
def test_packets_come_out_whole_however_they_are_cut(sent, cuts) -> None:
    stream = b"".join(bytes((kind,)) + _length(len(body)) + body for kind, body in sent)
    buffer, found, start = bytearray(), [], 0
    for size in [*cuts, len(stream)]:
        buffer += stream[start : start + size]
        start += size
        found += mqtt_wire.packets(buffer)

    assert found == sent
    assert not buffer


def test_a_length_without_end_is_an_error() -> None:
    with pytest.raises(mqtt_wire.WireError):
        mqtt_wire.packets(bytearray(b"\x40\xff\xff\xff\xff\x7f"))


@given(st.binary(max_size=200), st.integers(1, 65_535), st.booleans())
def test_a_publish_carries_topic_id_and_payload(payload, packet_id, dup) -> None:
    packet = mqtt_wire.publish("a/b", payload, packet_id, dup=dup)
    ((kind, body),) = mqtt_wire.packets(bytearray(packet))

    assert kind == 0x30
    assert bool(packet[0] & 8) == dup
    assert body == b"\x00\x03a/b" + packet_id.to_bytes(2, "big") + payload


said = st.lists(
    st.tuples(st.integers(0, 30), st.sampled_from([True, False, None, "health"])), min_size=1, max_size=25
)


@given(said, st.randoms(use_true_random=False))
def test_the_model_does_not_care_for_the_order_of_arrival(readings, dice) -> None:
    rows = [_row(seq, at, what) for seq, (at, what) in enumerate(readings)]
    shuffled = list(rows)
    dice.shuffle(shuffled)
    bay = bay_of("s", rows)

    assert bay == bay_of("s", shuffled)
    assert bay is not None
    assert bay.as_of == max(at for at, _ in readings)
    assert [i.ended for i in bay.intervals[:-1]] == [i.started for i in bay.intervals[1:]]
    assert bay.intervals[-1].ended is None
    assert len(bay.stays) == sum(interval.state == "occupied" for interval in bay.intervals)


def _row(seq: int, at: int, what: object) -> Row:
    kind = "health" if what == "health" else "state"
    occupied = None if kind == "health" else what
    return Row(1, seq, "s", 0, 1, seq, kind, at, None, at, occupied, "change", None, None)  # type: ignore[arg-type]


def _length(length: int) -> bytes:
    return bytes((length,)) if length < 128 else bytes((length % 128 | 0x80, length // 128))

"""Faults planted in the log, the quarantine or the ledger, each with the kind of finding that it must lead to."""

from collections.abc import Callable

from baycast.chaos.evidence import Batch, Evidence, Quarantined
from baycast.chaos.finding import Kind
from baycast.chaos.ledger import Ledger
from baycast.chaos.model import Row

Plant = Callable[[Ledger, Evidence], None]


def state_row(evidence: Evidence, skip: int = 0) -> int:
    """Index of a row that says free or occupied."""
    found = [i for i, row in enumerate(evidence.rows) if row.kind == "state" and row.occupied is not None]
    return found[len(found) // 2 + skip]


def change_row(**fields: object) -> Plant:
    def plant(_ledger: Ledger, evidence: Evidence) -> None:
        index = state_row(evidence)
        evidence.rows[index] = evidence.rows[index]._replace(**fields)  # type: ignore[arg-type]

    return plant


def change_row_of(kind: str, change: Callable[[Row], Row]) -> Plant:
    def plant(_ledger: Ledger, evidence: Evidence) -> None:
        index = next(i for i, row in enumerate(evidence.rows) if row.kind == kind)
        evidence.rows[index] = change(evidence.rows[index])

    return plant


def lose_row(_ledger: Ledger, evidence: Evidence) -> None:
    del evidence.rows[state_row(evidence)]


def lose_without_trace(_ledger: Ledger, evidence: Evidence) -> None:
    never_written(evidence, evidence.rows[state_row(evidence)])


def never_written(evidence: Evidence, row: Row) -> None:
    """Batch, positions and sequence numbers know nothing of the row."""
    evidence.rows.remove(row)
    for index, batch in enumerate(evidence.batches):
        if batch.batch_id == row.batch_id:
            evidence.batches[index] = batch._replace(readings=batch.readings - 1)
    ranges = evidence.seen[row.device, 0, row.boot]
    (hit,) = (part for part in ranges if part[0] <= row.seq < part[1])
    ranges.remove(hit)
    ranges += [part for part in ((hit[0], row.seq), (row.seq + 1, hit[1])) if part[0] < part[1]]


def lose_batch(_ledger: Ledger, evidence: Evidence) -> None:
    batch = next(batch for batch in evidence.batches if batch.readings > 2)
    evidence.batches.remove(batch)
    evidence.rows = [row for row in evidence.rows if row.batch_id != batch.batch_id]


def lose_last(_ledger: Ledger, evidence: Evidence) -> None:
    evidence.rows.pop()


def lose_everything(_ledger: Ledger, evidence: Evidence) -> None:
    evidence.rows.clear()


def lose_passage(_ledger: Ledger, evidence: Evidence) -> None:
    evidence.rows.remove(next(row for row in evidence.rows if row.kind == "passage"))


def store_twice(_ledger: Ledger, evidence: Evidence) -> None:
    evidence.rows.append(evidence.rows[state_row(evidence)])


def store_again_later(_ledger: Ledger, evidence: Evidence) -> None:
    row = evidence.rows[state_row(evidence)]
    evidence.rows.append(row._replace(batch_id=evidence.batches[-1].batch_id, ordinal=99))


def store_under_other_incarnation(_ledger: Ledger, evidence: Evidence) -> None:
    evidence.rows.append(evidence.rows[state_row(evidence)]._replace(incarnation=1, ordinal=98))


def phantom(_ledger: Ledger, evidence: Evidence) -> None:
    evidence.rows.append(evidence.rows[state_row(evidence)]._replace(seq=999_999, ordinal=97))


def phantom_device(_ledger: Ledger, evidence: Evidence) -> None:
    evidence.rows.append(evidence.rows[state_row(evidence)]._replace(device="chaos-99999", ordinal=96))


def swap_meanings(_ledger: Ledger, evidence: Evidence) -> None:
    first = state_row(evidence)
    second = next(
        index
        for index, row in enumerate(evidence.rows)
        if row.kind == "state" and row.occupied is (not evidence.rows[first].occupied)
    )
    one, two = evidence.rows[first], evidence.rows[second]
    evidence.rows[first] = one._replace(occupied=two.occupied, cause=two.cause)
    evidence.rows[second] = two._replace(occupied=one.occupied, cause=one.cause)


def flip(_ledger: Ledger, evidence: Evidence) -> None:
    index = state_row(evidence)
    row = evidence.rows[index]
    evidence.rows[index] = row._replace(occupied=not row.occupied)


def shift(_ledger: Ledger, evidence: Evidence) -> None:
    index = next(i for i, row in enumerate(evidence.rows) if row.at is not None)
    row = evidence.rows[index]
    evidence.rows[index] = row._replace(at=(row.at or 0) + 3_600_000_000)


def swap_sequence_numbers(_ledger: Ledger, evidence: Evidence) -> None:
    first = state_row(evidence)
    row = evidence.rows[first]
    second = next(
        i
        for i, other in enumerate(evidence.rows)
        if i != first and other.device == row.device and other.boot == row.boot and other.kind == "state"
    )
    other = evidence.rows[second]
    evidence.rows[first], evidence.rows[second] = row._replace(seq=other.seq), other._replace(seq=row.seq)


def lose_refused(reason: str) -> Plant:
    def plant(_ledger: Ledger, evidence: Evidence) -> None:
        evidence.quarantine.remove(next(one for one in evidence.quarantine if one.reason == reason))

    return plant


def change_refused(of: str, /, **fields: object) -> Plant:
    def plant(_ledger: Ledger, evidence: Evidence) -> None:
        index = next(i for i, one in enumerate(evidence.quarantine) if one.reason == of)
        evidence.quarantine[index] = evidence.quarantine[index]._replace(**fields)  # type: ignore[arg-type]

    return plant


def refuse_good(_ledger: Ledger, evidence: Evidence) -> None:
    topic = f"baycast/v1/dev/{evidence.rows[0].device}/state"
    evidence.quarantine.append(Quarantined(topic, "not_json", b"{}", 2, 1))


def refuse_without_contradiction(_ledger: Ledger, evidence: Evidence) -> None:
    """What is stored is in quarantine, too: counted in both."""
    one = next(one for one in evidence.quarantine if one.reason == "conflicting")
    payload = (one.payload or b"").replace(b"requery", b"change")
    flipped = payload.replace(b"true", b"@").replace(b"false", b"true").replace(b"@", b"false")
    evidence.quarantine.append(one._replace(payload=flipped))


def move_head(by: int) -> Plant:
    def plant(_ledger: Ledger, evidence: Evidence) -> None:
        evidence.head += by
        evidence.derived.position = evidence.head

    return plant


def change_batch(change: Callable[[Batch], Batch]) -> Plant:
    def plant(_ledger: Ledger, evidence: Evidence) -> None:
        index = next(i for i, batch in enumerate(evidence.batches) if batch.readings > 1)
        evidence.batches[index] = change(evidence.batches[index])

    return plant


def position_twice(_ledger: Ledger, evidence: Evidence) -> None:
    evidence.batches.append(Batch(5, 9_999, 0, 0))


def lose_entry(_ledger: Ledger, evidence: Evidence) -> None:
    evidence.entries.clear()


def move_row_to_other_batch(_ledger: Ledger, evidence: Evidence) -> None:
    index = state_row(evidence)
    evidence.rows[index] = evidence.rows[index]._replace(batch_id=evidence.rows[0].batch_id, ordinal=50)


def same_place(_ledger: Ledger, evidence: Evidence) -> None:
    batch = next(batch for batch in evidence.batches if batch.readings > 1)
    first, second = [i for i, row in enumerate(evidence.rows) if row.batch_id == batch.batch_id][:2]
    evidence.rows[second] = evidence.rows[second]._replace(ordinal=evidence.rows[first].ordinal)


def forget_seen(_ledger: Ledger, evidence: Evidence) -> None:
    evidence.seen.pop(next(iter(evidence.seen)))


def see_too_much(_ledger: Ledger, evidence: Evidence) -> None:
    next(iter(evidence.seen.values())).append((5_000, 5_001))


def promise_more(ledger: Ledger, _evidence: Evidence) -> None:
    """The broker acknowledged a reading that no trace is left of."""
    ledger.sent["chaos-00001", 77, 0] = ["state 1 o:change"]
    ledger.acked["chaos-00001", 77, 0] = {"state 1 o:change"}


LOG_FAULTS: dict[str, tuple[Plant, Kind]] = {
    "a row lost": (lose_row, Kind.LOST),
    "a row lost without trace": (lose_without_trace, Kind.LOST),
    "a batch lost": (lose_batch, Kind.LOST),
    "the last row lost": (lose_last, Kind.LOST),
    "all rows lost": (lose_everything, Kind.LOST),
    "a passage lost": (lose_passage, Kind.LOST),
    "an acknowledged reading nowhere": (promise_more, Kind.LOST),
    "a row twice in its batch": (store_twice, Kind.DUPLICATED),
    "a row again in a later batch": (store_again_later, Kind.DUPLICATED),
    "a row again under another incarnation": (store_under_other_incarnation, Kind.DUPLICATED),
    "a sequence number never sent": (phantom, Kind.PHANTOM),
    "a device that does not exist": (phantom_device, Kind.PHANTOM),
    "two meanings swapped": (swap_meanings, Kind.ALTERED),
    "a state flipped": (flip, Kind.ALTERED),
    "a state no longer known": (change_row(occupied=None), Kind.ALTERED),
    "another cause": (change_row(cause="boot"), Kind.ALTERED),
    "another kind": (change_row(kind="health"), Kind.ALTERED),
    "another time": (shift, Kind.ALTERED),
    "two sequence numbers swapped": (swap_sequence_numbers, Kind.ALTERED),
    "a passage turned round": (
        change_row_of(
            "passage", lambda row: row._replace(direction="out" if row.direction == "in" else "in")
        ),
        Kind.ALTERED,
    ),
    "another count": (change_row_of("count", lambda row: row._replace(counted=501)), Kind.ALTERED),
    "poison not quarantined": (lose_refused("not_json"), Kind.LOST),
    "poison of no registered device not quarantined": (lose_refused("unknown_device"), Kind.LOST),
    "a bad passage not quarantined": (lose_refused("wrong_kind"), Kind.LOST),
    "a contradiction not quarantined": (lose_refused("conflicting"), Kind.LOST),
    "quarantined without bytes": (change_refused("not_json", payload=None), Kind.LOST),
    "quarantined with other bytes": (change_refused("not_json", payload=b"{}"), Kind.LOST),
    "quarantined under another topic": (
        change_refused("not_json", topic="baycast/v1/dev/x/state"),
        Kind.LOST,
    ),
    "a contradiction without bytes": (change_refused("conflicting", payload=None), Kind.MISQUARANTINED),
    "a contradiction cut off": (change_refused("conflicting", payload=b'{"boot":1'), Kind.MISQUARANTINED),
    "quarantined for another reason": (change_refused("bad_text", reason="bad_time"), Kind.MISQUARANTINED),
    "quarantined with another length": (change_refused("bad_text", size=1), Kind.MISQUARANTINED),
    "a bad passage with its bytes kept": (
        change_refused("wrong_kind", payload=b'{"boot":1}'),
        Kind.MISQUARANTINED,
    ),
    "quarantined and never sent": (refuse_good, Kind.MISQUARANTINED),
    "in quarantine and in the log": (refuse_without_contradiction, Kind.MISQUARANTINED),
    "a gap before the head": (move_head(1), Kind.BROKEN_LOG),
    "a position beyond the head": (move_head(-1), Kind.BROKEN_LOG),
    "a gap in the positions": (change_batch(lambda b: b._replace(position=99_999)), Kind.BROKEN_LOG),
    "a position twice": (position_twice, Kind.BROKEN_LOG),
    "a batch that counts too many": (
        change_batch(lambda b: b._replace(readings=b.readings + 1)),
        Kind.BROKEN_LOG,
    ),
    "a batch that counts too few": (change_batch(lambda b: b._replace(readings=0)), Kind.BROKEN_LOG),
    "a batch without its entries": (lose_entry, Kind.BROKEN_LOG),
    "rows without a batch": (change_batch(lambda b: b._replace(batch_id=77_777)), Kind.BROKEN_LOG),
    "a row in another batch": (move_row_to_other_batch, Kind.BROKEN_LOG),
    "two rows at one place": (same_place, Kind.BROKEN_LOG),
    "a life that was not seen": (forget_seen, Kind.BROKEN_LOG),
    "a sequence number seen and not stored": (see_too_much, Kind.BROKEN_LOG),
}

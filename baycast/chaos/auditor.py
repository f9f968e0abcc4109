"""Compares the ledger with the log, and the log with what was derived from it. Pure, and believes nobody.

It imports nothing that it judges: neither ingest nor occupancy nor store. Each disagreement is one finding.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from baycast.chaos.audit_derived import derived_findings
from baycast.chaos.devices import meaning, state_value
from baycast.chaos.evidence import Evidence, Quarantined
from baycast.chaos.finding import Finding, Kind
from baycast.chaos.ledger import Bad, Key, Ledger
from baycast.chaos.model import Row

CONFLICTING = "conflicting"


class Verdict(NamedTuple):
    findings: list[Finding]
    figures: Mapping[str, int]
    """`sent`, `acked`, `stored`, `quarantined`, and a count for each kind of finding. Each copy counts once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """`may_lose`: the broker was killed without a durable configuration, so losses are allowed that show as gaps."""

    may_lose: bool = False


def audit(ledger: Ledger, evidence: Evidence, scope: Scope = Scope()) -> Verdict:
    """Everything that is wrong, and the figures."""
    log = _Log(ledger, evidence)
    findings = [
        *log.readings(may_lose=scope.may_lose),
        *log.conflicts(may_lose=scope.may_lose),
        *log.refused(may_lose=scope.may_lose),
        *log.positions(),
        *log.sequence_numbers(),
        *derived_findings(evidence),
    ]
    counts = Counter(finding.kind for finding in findings)
    figures = {
        "sent": sum(map(len, ledger.sent.values())) + len(ledger.poison),
        "acked": sum(map(len, ledger.acked.values())) + len(ledger.acked_poison),
        "stored": len(evidence.rows),
        "quarantined": log.quarantined,
        **{kind.value: counts[kind] for kind in Kind},
        "lost_and_reported": log.lost_and_reported,
        "lost_without_number": log.lost_without_number,
    }
    return Verdict(findings, figures)


def row_meaning(row: Row) -> str:
    """What a row of the log claims, in the ledger's words."""
    match row.kind:
        case "state":
            value = state_value(row.occupied, row.cause or "")
        case "count":
            value = str(row.counted)
        case "passage":
            value = row.direction or ""
        case _:
            value = ""
    return meaning(row.kind, None if row.at is None else row.at // 1000, value)


def contradiction(one: Quarantined) -> tuple[Key, str] | None:
    """Key and meaning of a quarantined state reading; None when its bytes do not say."""
    try:
        body: dict[str, Any] = json.loads(one.payload or b"")
        device = one.topic.split("/")[3]
        at = body["at"]
        at_ms = None if at is None else _milliseconds(at)
        value = state_value(body["occupied"], body["cause"])
        return (device, body["boot"], body["seq"]), meaning("state", at_ms, value)
    except (ValueError, KeyError, IndexError, TypeError):
        return None


class _Log:
    def __init__(self, ledger: Ledger, evidence: Evidence) -> None:
        self.ledger = ledger
        self.evidence = evidence
        self.stored: dict[Key, str] = {}
        self.lost_and_reported = 0
        self.lost_without_number = 0
        """Lost by a broker that may lose, without leaving a gap: refused messages, second meanings of a stored key, and
        a device's last words before it started anew."""
        self.quarantined = 0
        """Contradictions and poison found in quarantine or counted beyond its cap."""

    def readings(self, *, may_lose: bool) -> Iterator[Finding]:
        """Each key once and as sent; nothing acknowledged missing, nothing there that was never sent."""
        for row in self.evidence.rows:
            key = (row.device, row.boot, row.seq)
            said = row_meaning(row)
            if key in self.stored:
                yield Finding(Kind.DUPLICATED, f"{key} is stored again")
                continue
            self.stored[key] = said
            sent = self.ledger.sent.get(key)
            if sent is None:
                yield Finding(Kind.PHANTOM, f"{key} was never sent")
            elif said not in sent:
                yield Finding(Kind.ALTERED, f"{key} was sent as {sent[0]!r} and stored as {said!r}")
        for key in self.ledger.acked:
            if key in self.stored:
                continue
            if may_lose and self._shows_as_gap(key):
                self.lost_and_reported += 1
            elif may_lose and any(life[0] == key[0] and life[2] > key[1] for life in self.evidence.seen):
                self.lost_without_number += 1
            else:
                yield Finding(Kind.LOST, f"{key} was acknowledged and is not in the log")

    def _shows_as_gap(self, key: Key) -> bool:
        """Whether the log knows that this sequence number is missing: a later one of the same life was seen."""
        device, boot, seq = key
        ranges = self.evidence.seen.get((device, 0, boot), ())
        return not any(lo <= seq < hi for lo, hi in ranges) and any(lo > seq for lo, _ in ranges)

    def conflicts(self, *, may_lose: bool) -> Iterator[Finding]:
        """Of two meanings under one key one is stored and the other in quarantine with its bytes."""
        held: dict[Key, set[str]] = defaultdict(set)
        for one in self.evidence.quarantine:
            if one.reason != CONFLICTING:
                continue
            found = contradiction(one)
            if found is None:
                yield Finding(Kind.MISQUARANTINED, f"a contradiction of {one.topic} without readable bytes")
            elif found[1] not in self.ledger.sent.get(found[0], ()):
                yield Finding(Kind.MISQUARANTINED, f"{found} in quarantine was never sent")
            elif self.stored.get(found[0]) in (None, found[1]):
                yield Finding(Kind.MISQUARANTINED, f"{found} in quarantine contradicts nothing")
            else:
                held[found[0]].add(found[1])
        beyond = self.evidence.overflow.get(CONFLICTING, 0)
        for key, meanings in self.ledger.acked.items():
            for said in meanings:
                if key not in self.stored or said == self.stored[key]:
                    continue
                if said in held[key]:
                    self.quarantined += 1
                elif beyond > 0:
                    beyond -= 1
                    self.quarantined += 1
                elif may_lose:
                    self.lost_without_number += 1
                else:
                    yield Finding(Kind.LOST, f"{key} as {said!r} is neither stored nor in quarantine")

    def refused(self, *, may_lose: bool) -> Iterator[Finding]:
        """Poison is in quarantine: topic, a reason that fits, and its bytes; and nothing else is there."""
        known: dict[tuple[str, bytes | int], list[Quarantined]] = defaultdict(list)
        for one in self.evidence.quarantine:
            if one.reason != CONFLICTING:
                known[one.topic, one.size if one.payload is None else one.payload].append(one)
        expected = {_identity(bad): bad for bad in self.ledger.poison}
        beyond = dict(self.evidence.overflow)
        acked = Counter(_identity(bad) for bad in self.ledger.acked_poison)
        for identity, times in acked.items():
            bad = expected[identity]
            missing = max(0, times - sum(one.times for one in known[identity]))
            self.quarantined += times - missing
            for reason in bad.reasons:
                counted = min(missing, beyond.get(reason, 0))
                beyond[reason] = beyond.get(reason, 0) - counted
                missing -= counted
                self.quarantined += counted
            if may_lose:
                self.lost_without_number += missing
                continue
            for _ in range(missing):
                yield Finding(Kind.LOST, f"poison ({bad.name}) of {bad.topic} is not in quarantine")
        for identity, rows in known.items():
            for one in rows:
                if identity not in expected:
                    yield Finding(
                        Kind.MISQUARANTINED, f"{one.reason} of {one.topic} ({one.size} bytes) was never sent"
                    )
                elif one.reason not in expected[identity].reasons:
                    name = expected[identity].name
                    yield Finding(Kind.MISQUARANTINED, f"poison ({name}) was refused as {one.reason}")
                elif one.size != expected[identity].size:
                    yield Finding(Kind.MISQUARANTINED, f"{one.topic}: {one.size} bytes, sent otherwise")

    def positions(self) -> Iterator[Finding]:
        """Positions are 1, 2, 3 ... up to the head; each batch holds the rows that it says it holds."""
        positions = sorted(batch.position for batch in self.evidence.batches)
        for position in sorted(set(range(1, self.evidence.head + 1)) - set(positions)):
            yield Finding(Kind.BROKEN_LOG, f"position {position} is missing")
        for position, times in Counter(positions).items():
            if times > 1 or not 1 <= position <= self.evidence.head:
                yield Finding(Kind.BROKEN_LOG, f"position {position} is there {times} times")
        counted = Counter(row.batch_id for row in self.evidence.rows)
        for batch in self.evidence.batches:
            there = counted.pop(batch.batch_id, 0)
            if batch.readings != there:
                text = f"batch {batch.batch_id} says {batch.readings} readings and has {there}"
                yield Finding(Kind.BROKEN_LOG, text)
            if batch.entries != (entries := self.evidence.entries.get(batch.batch_id, 0)):
                text = f"batch {batch.batch_id} says {batch.entries} entries and has {entries}"
                yield Finding(Kind.BROKEN_LOG, text)
        for batch_id, rows in counted.items():
            yield Finding(Kind.BROKEN_LOG, f"{rows} readings of batch {batch_id}, which has no position")
        placed = Counter((row.batch_id, row.ordinal) for row in self.evidence.rows)
        for place, times in placed.items():
            if times > 1:
                yield Finding(Kind.BROKEN_LOG, f"{times} readings at one place {place} of the log")

    def sequence_numbers(self) -> Iterator[Finding]:
        """What was seen of a device's life is what is stored of it: neither more nor less."""
        stored: dict[tuple[str, int, int], set[int]] = defaultdict(set)
        for row in self.evidence.rows:
            stored[row.device, row.incarnation, row.boot].add(row.seq)
        for life in stored.keys() | self.evidence.seen.keys():
            seen = {seq for lo, hi in self.evidence.seen.get(life, ()) for seq in range(lo, hi)}
            for seq in sorted(seen - stored[life]):
                yield Finding(
                    Kind.BROKEN_LOG, f"{life}: sequence number {seq} counts as seen and is not stored"
                )
            for seq in sorted(stored[life] - seen):
                yield Finding(Kind.BROKEN_LOG, f"{life}: sequence number {seq} is stored and not seen")


def _identity(bad: Bad) -> tuple[str, bytes | int]:
    return bad.topic, bad.size if bad.payload is None else bad.payload


def _milliseconds(text: str) -> int:
    at = datetime.fromisoformat(text)
    return round(at.timestamp() * 1000)

"""Judges what listeners were told against what the store issued. Pure, and by rules of its own: the versions' order is
the order of the store's commits, and a zone's numbers at a version are the rows that were committed by then.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from baycast.chaos.feed.heard import Fault, Lost, Numbers, Record, Told

FAULTS = ("unreported_gaps", "versions_backwards", "versions_unknown", "wrong_numbers")
"""Figures that are nought in a run without fault."""
_FINDINGS_MAX = 50


class Stamp(NamedTuple):
    """What the store calls a version."""

    generation: int
    version: int


class Row(NamedTuple):
    """A zone's answer, from the commit `at` on."""

    at: Stamp
    zone_id: str
    numbers: Numbers


class Issued:
    """What the store committed: `stamps` in the order of the commits, `rows` likewise."""

    def __init__(self, area: str, stamps: Sequence[Stamp], rows: Iterable[Row]) -> None:
        self._part = re.compile(rf"{re.escape(area)}:(\d+)\.(\d+)\.[^,]*")
        self._order: dict[Stamp, int] = {}
        for stamp in stamps:
            self._order.setdefault(stamp, len(self._order))
        self._zones: dict[int, dict[str, tuple[list[int], list[Numbers]]]] = {}
        for row in rows:
            of_generation = self._zones.setdefault(row.at.generation, {})
            versions, numbers = of_generation.setdefault(row.zone_id, ([], []))
            versions.append(row.at.version)
            numbers.append(row.numbers)

    def stamp(self, token: str) -> Stamp | None:
        """Read a version as clients hold it; None: it is of no such store."""
        found = self._part.fullmatch(token)
        return None if found is None else Stamp(int(found[1]), int(found[2]))

    def order(self, stamp: Stamp | None) -> int | None:
        """The how-manieth version this is; None: never issued."""
        return None if stamp is None else self._order.get(stamp)

    def wrong(self, at: Stamp, held: Mapping[str, Numbers]) -> list[str]:
        """The zones whose numbers are others than the store had at a version."""
        found = []
        for zone_id, (versions, numbers) in self._zones.get(at.generation, {}).items():
            index = bisect_right(versions, at.version)
            if index and held.get(zone_id) != numbers[index - 1]:
                found.append(zone_id)
        return found


@dataclass
class Verdict:
    figures: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)

    def find(self, figure: str, record: Record, index: int, text: str) -> None:
        self.figures[figure] += 1
        if len(self.findings) < _FINDINGS_MAX:
            self.findings.append(f"{figure}: {record.name}, word {index + 1}: {text}")


def judge(records: Iterable[Record], issued: Issued) -> Verdict:
    """Return what was told, and what of it was wrong."""
    verdict = Verdict(Counter(dict.fromkeys((*FAULTS, "events", "snapshots", "resumed"), 0)))
    for record in records:
        _judge(record, issued, verdict)
    return verdict


@dataclass
class _Held:
    """What a listener must be holding after the words so far."""

    version: str | None = None
    numbers: dict[str, Numbers] = field(default_factory=dict)
    order: int = -1
    cut: bool = False
    """The connection was lost since the last message."""


def _judge(record: Record, issued: Issued, verdict: Verdict) -> None:
    held = _Held()
    for index, word in enumerate(record.words):
        if isinstance(word, Lost):
            held.cut = True
            if word.fault is Fault.GAP:
                verdict.find("unreported_gaps", record, index, "the client found it")
                held.version = None  # it asks for everything again, which is no gap more
            elif word.fault is Fault.WENT_BACK:
                verdict.find("versions_backwards", record, index, "the client found it")
            continue
        verdict.figures["events"] += 1
        if gap := _gap(word, held):
            verdict.find("unreported_gaps", record, index, gap)
        if word.kind == "snapshot":
            verdict.figures["snapshots"] += 1
            held.numbers = dict(word.numbers)
        else:
            verdict.figures["resumed"] += held.cut and word.kind == "delta" and word.prev == held.version
            held.numbers.update(word.numbers)
        _compare(record, index, word, held, issued, verdict)
        held.version, held.cut = word.version, False


def _gap(word: Told, held: _Held) -> str | None:
    """Why a listener cannot know what it missed; None: it missed nothing, or was told."""
    if word.kind == "snapshot":
        silent = held.version is not None and not word.reset
        return f"a snapshot after {held.version} does not say why" if silent else None
    if held.version is None:
        return f"a {word.kind} comes before any snapshot"
    if word.kind == "delta":
        return None if word.prev == held.version else f"{word.prev} is not {held.version}, which is held"
    return f"a heartbeat is all that follows {held.version} on a new connection" if held.cut else None


def _compare(record: Record, index: int, word: Told, held: _Held, issued: Issued, verdict: Verdict) -> None:
    stamp = issued.stamp(word.version)
    order = issued.order(stamp)
    if stamp is None or order is None:
        verdict.find("versions_unknown", record, index, f"{word.version} was never issued")
        return
    if order < held.order:
        verdict.find("versions_backwards", record, index, f"{word.version} was issued before {held.version}")
    held.order = max(order, held.order)
    # Numbers of an area without news are withheld, and say so: there is nothing to compare.
    if not word.stale and (wrong := issued.wrong(stamp, held.numbers)):
        verdict.find("wrong_numbers", record, index, f"at {word.version}: {', '.join(sorted(wrong)[:5])}")

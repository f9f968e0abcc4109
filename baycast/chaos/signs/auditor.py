"""Judges what signs showed, by rules of its own: pure functions that import nothing of what they judge."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from baycast.chaos.signs.notes import Came, Diary, Pages, Shown

FAULTS = ("past_ttl", "blank_late", "recovered_late", "modelled_as_live", "unfounded", "untold")
"""Figures that are nought in a run without fault."""
GRACE_S = 0.2
"""So late a picture may change because the machine was busy with something else."""
STABLE_S = 0.5
"""A sign that was lit for so long without a break is back, from the last time on that it had gone dark for."""
LIVE = ("sensor", "count")
_FINDINGS_MAX = 50


class Struck(NamedTuple):
    """A cut that was made, from when to when. `dark_within_s`: by sign, for those that must be dark for it."""

    name: str
    at_s: float
    mended_s: float
    dark_within_s: Mapping[str, float]


class Row(NamedTuple):
    """A zone's answer as it was committed."""

    generation: int
    version: int
    zone_id: str
    source: str
    free_min: int
    free_max: int


@dataclass
class Verdict:
    figures: Counter[str] = field(default_factory=Counter)
    worst_s: dict[str, float] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)

    def find(self, figure: str, text: str) -> None:
        self.figures[figure] += 1
        if len(self.findings) < _FINDINGS_MAX:
            self.findings.append(f"{figure}: {text}")

    def time(self, name: str, seconds: float) -> None:
        self.worst_s[name] = max(seconds, self.worst_s.get(name, float("-inf")))


def judge(
    diaries: Mapping[str, Diary],
    struck: Sequence[Struck],
    rows: Iterable[Row],
    *,
    dwell_s: float,
    ended_s: float,
) -> Verdict:
    """Return what was shown, and what of it was wrong. `ended_s`: up to when the signs were watched."""
    verdict = Verdict(Counter(dict.fromkeys((*FAULTS, "frames", "pictures"), 0)))
    issued = _Issued(rows)
    verdict.figures["modelled"] = issued.modelled
    for sign_id, diary in sorted(diaries.items()):
        _judge_pictures(sign_id, diary, ended_s, verdict)
        for came in diary.notes:
            if isinstance(came, Came):
                verdict.figures["frames"] += 1
                issued.judge(sign_id, came, verdict)
    when_lit = {sign_id: _Lit(diary, ended_s) for sign_id, diary in sorted(diaries.items())}
    for index, cut in enumerate(struck):
        ends_s = struck[index + 1].at_s if index + 1 < len(struck) else ended_s
        for sign_id, lit in when_lit.items():
            if sign_id in cut.dark_within_s:
                _judge_dark(sign_id, lit, cut, verdict)
            if lit.ever:
                _judge_recovery(sign_id, lit, cut, ends_s, dwell_s, verdict)
    return verdict


def _judge_pictures(sign_id: str, diary: Diary, ended_s: float, verdict: Verdict) -> None:
    """Nothing is shown past its ttl, and nothing that the newest frame did not say."""
    newest: Came | None = None
    before: Came | None = None
    frame: Came | None = None
    """Whose picture is seen; None: it is dark."""

    def over(until_s: float) -> None:
        if frame is not None:
            late_s = until_s - frame.ends_s
            verdict.time("past_ttl_worst_s", late_s)
            if late_s > GRACE_S:
                verdict.find("past_ttl", f"{sign_id} shows {frame.pages} for {late_s:.3f} s past its ttl")

    for note in diary.notes:
        if isinstance(note, Came):
            if newest is None or note.sequence > newest.sequence:
                before, newest = newest, note
                if frame is not None and frame.pages == note.pages:
                    over(note.at_s)
                    frame = note
            continue
        over(note.at_s)
        frame = None
        if note.pages:
            verdict.figures["pictures"] += 1
            frame = _pictured(note, newest, before)
            if frame is None:
                verdict.find("untold", f"{sign_id} shows {note.pages}, which is not what it was told last")
    over(ended_s)


def _pictured(shown: Shown, newest: Came | None, before: Came | None) -> Came | None:
    """The frame that a picture is of: the newest, or the one before where the newest came while it was drawn."""
    if newest is not None and newest.pages == shown.pages:
        return newest
    drawing = newest is not None and shown.at_s - newest.at_s <= GRACE_S
    return before if drawing and before is not None and before.pages == shown.pages else None


class _Lit:
    """When a sign was lit: spans (from, to), in order."""

    def __init__(self, diary: Diary, ended_s: float) -> None:
        self.spans: list[tuple[float, float]] = []
        since_s: float | None = None
        for note in diary.notes:
            if isinstance(note, Shown):
                if note.pages and since_s is None:
                    since_s = note.at_s
                elif not note.pages and since_s is not None:
                    self.spans.append((since_s, note.at_s))
                    since_s = None
        if since_s is not None:
            self.spans.append((since_s, ended_s))

    @property
    def ever(self) -> bool:
        return bool(self.spans)

    def last_within(self, from_s: float, to_s: float) -> float:
        """Until when it was lit within a time, at the latest; `from_s` where it never was."""
        return max(
            (min(end, to_s) for start, end in self.spans if start < to_s and end > from_s), default=from_s
        )

    def back_at(self, from_s: float, to_s: float) -> float | None:
        """When the last stretch of `STABLE_S` or more began in which it was lit, within a time; None: there is none."""
        for start, end in reversed(self.spans):
            begun = max(start, from_s)
            if begun + STABLE_S <= min(end, to_s):
                return begun
        return None


def _judge_dark(sign_id: str, lit: _Lit, cut: Struck, verdict: Verdict) -> None:
    """Dark within its time, and until the link is mended."""
    within_s = cut.dark_within_s[sign_id]
    took_s = lit.last_within(cut.at_s, cut.mended_s) - cut.at_s
    verdict.time("blank_worst_s", took_s)
    verdict.time(f"blank_worst_s.{cut.name}", took_s)
    if took_s > within_s + GRACE_S:
        verdict.find(
            "blank_late", f"{sign_id} is lit {took_s:.2f} s after {cut.name}, not {within_s:.1f} s at most"
        )


def _judge_recovery(
    sign_id: str, lit: _Lit, cut: Struck, ends_s: float, dwell_s: float, verdict: Verdict
) -> None:
    back_s = lit.back_at(cut.mended_s, ends_s)
    took_s = (ends_s if back_s is None else back_s) - cut.mended_s
    verdict.time("recovered_worst_s", took_s)
    verdict.time(f"recovered_worst_s.{cut.name}", took_s)
    if back_s is None or took_s > dwell_s + GRACE_S:
        verdict.find("recovered_late", f"{sign_id} is not back {took_s:.1f} s after {cut.name}")


class _Issued:
    """What the store had said of each zone at each version."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows: dict[tuple[int, str], list[Row]] = {}
        self.modelled = 0
        """Answers that were not measured: what a sign might have shown as live."""
        for row in rows:
            self._rows.setdefault((row.generation, row.zone_id), []).append(row)
            self.modelled += row.source not in LIVE

    def judge(self, sign_id: str, came: Came, verdict: Verdict) -> None:
        """A claim rests on what was measured, and claims no more than that."""
        if not came.pages:
            return
        said = [self._at(zone_id, version) for zone_id, version in came.versions]
        if any(row is not None and row.source not in LIVE for row in said):
            verdict.find(
                "modelled_as_live", f"{sign_id} says {came.pages}, of numbers that were not measured"
            )
        known = [row for row in said if row is not None]
        if not known or len(known) != len(said) or not _bears(came, known):
            verdict.find("unfounded", f"{sign_id} says {came.pages}, of {said}")

    def _at(self, zone_id: str, token: str) -> Row | None:
        generation, _, version = token.partition(".")
        rows = self._rows.get((int(generation), zone_id), [])
        index = bisect_right([row.version for row in rows], int(version))
        return rows[index - 1] if index else None


def _bears(came: Came, rows: Sequence[Row]) -> bool:
    if came.state == "SPACES":
        return sum(row.free_min for row in rows) >= max(1, _number(came.pages))
    return came.state == "FULL" and sum(row.free_max for row in rows) < 1


def _number(pages: Pages) -> int:
    return max(
        (int(found) for page in pages for line in page[1:] for found in re.findall(r"\d+", line)), default=0
    )

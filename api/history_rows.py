"""Periods of history as rows: for JSON with the reason for each figure that is missing, for files as plain columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from occupancy.answers import instant
from occupancy.history.definitions import HISTOGRAM_MIN, Report, of_report
from occupancy.history.hour import Dim, Scope
from occupancy.history.metrics import Figure, figures, histogram
from occupancy.history.periods import Grain, Question
from occupancy.spans import Span
from occupancy.surveys import Agreement
from store.history import Period

Row = dict[str, Any]
ALL_ASKED_FOR = "all asked for"
"""Bay types or uses of which the figures are given together."""
_WHERE = {Scope.AREA: "area", Scope.ZONE: "zone", Scope.CONTROLLED_ZONE: "controlled_zone"}


class Rows:
    """How one question's periods become rows. `names`: of zones, for people; `agreements`: with surveyors, by what rows
    are of.
    """

    def __init__(
        self,
        asked: Question,
        report: Report,
        *,
        least_coverage: float,
        personal: bool,
        names: Mapping[str, Mapping[str, str]],
        agreements: Mapping[str, Agreement],
        final_to: datetime | None,
    ) -> None:
        self.asked, self.report = asked, report
        self._final_to = final_to
        self._least_coverage, self._personal, self._names = least_coverage, personal, names
        self._agreements = agreements
        self.definitions = of_report(report)
        self._last = asked.start, instant(asked.start)

    def json(self, period: Period) -> Row:
        """One row."""
        row = self._head(period)
        found = self._figures(period)
        row.update({name: figure.value for name, figure in found.items()})
        if self.report is Report.STAYS and self.asked.grain is not Grain.HOUR_OF_WEEK:
            row["histogram"] = histogram(period.sums, personal=self._personal)
        row["missing"] = _missing(found)
        if self.asked.scope is not Scope.AREA:  # that of the area stands above the rows
            agreement = self._agreements.get(period.scope_id)
            row["agreement"] = None if agreement is None else agreement.document()
        return row

    def beside(self, period: Period, before: Question, against: Period) -> Row:
        """One row with the period of an earlier stretch that it is held against: that one's figures and the
        differences."""
        found, then = self._figures(period), self._figures(against)
        start, end = _bounds(before, against)
        return {
            **self.json(period),
            "compared": {
                **({} if against.start is None else {"start": instant(start), "end": instant(end)}),
                "status": self._status(against, end),
                "revision": against.revision,
                "coverage": _rounded(against.sums.coverage),
                **{name: figure.value for name, figure in then.items()},
                "missing": _missing(then),
            },
            "difference": {name: _difference(found[name], then[name]) for name in found},
        }

    def columns(self) -> list[tuple[str, str]]:
        """Names and units of the columns of a file."""
        where = [(_WHERE[self.asked.scope], "")] + (
            [] if self.asked.dim is Dim.ALL else [(self.asked.dim.value, "")]
        )
        when = (
            [("hour_of_week", "0 = Monday 00-01")]
            if self.asked.grain is Grain.HOUR_OF_WEEK
            else [("start", "UTC"), ("end", "UTC")]
        )
        return [
            *where,
            *when,
            ("status", ""),
            ("revision", ""),
            ("coverage", "share of bay time observed"),
            *((definition.name, definition.unit) for definition in self.definitions),
            ("missing", ""),
            ("agreement_percent", "%"),
            ("survey_looks", ""),
        ]

    def flat(self, period: Period) -> list[Any]:
        """One row of a file, by `columns`; what is missing is empty, with the reasons in a column of their own."""
        found = self._figures(period)
        missing = [f"{name}:{why}" for name, why in _missing(found).items()]
        start, end = _bounds(self.asked, period)
        agreement = self._agreements.get(period.scope_id)
        rate = None if agreement is None else agreement.rate
        return [
            period.scope_id,
            *([] if self.asked.dim is Dim.ALL else [period.value or ALL_ASKED_FOR]),
            *([period.hour_of_week] if period.start is None else self._said(start, end)),
            self._status(period, end),
            period.revision,
            _rounded(period.sums.coverage),
            *(figure.value for figure in found.values()),
            " ".join(missing),
            None if rate is None else 100 * rate,
            0 if agreement is None else agreement.looks,
        ]

    def _figures(self, period: Period) -> dict[str, Figure]:
        return figures(self.report, period.sums, least_coverage=self._least_coverage, personal=self._personal)

    def _head(self, period: Period) -> Row:
        asked = self.asked
        row: Row = {_WHERE[asked.scope]: period.scope_id}
        if asked.scope is Scope.ZONE and period.scope_id in self._names:
            row["name"] = self._names[period.scope_id]
        if asked.dim is not Dim.ALL:
            row[asked.dim.value] = period.value or ALL_ASKED_FOR
        start, end = _bounds(asked, period)
        if period.start is None:
            row["hour_of_week"] = period.hour_of_week
        else:
            row["start"], row["end"] = self._said(start, end)
        row["status"] = self._status(period, end)
        row["revision"] = period.revision
        row["coverage"] = _rounded(period.sums.coverage)
        return row

    def _status(self, period: Period, end: datetime) -> str:
        """Hours that are yet to come have no rows that could say that they are not final."""
        over = self._final_to is not None and end <= self._final_to
        return "final" if period.final and over else "provisional"

    def _said(self, start: datetime, end: datetime) -> tuple[str | None, str | None]:
        """When a period begins and ends, in words; mostly, one begins where the one before ends."""
        last, said = self._last
        begins = said if start == last else instant(start)
        self._last = end, instant(end)
        return begins, self._last[1]


def _bounds(asked: Question, period: Period) -> Span:
    """When a period begins and ends; the hours of a week are those of all that is asked for."""
    return (asked.start, asked.end) if period.start is None else asked.bounds(period.start)


def _missing(found: Mapping[str, Figure]) -> dict[str, str]:
    return {name: figure.missing for name, figure in found.items() if figure.missing is not None}


def csv_lines(rows: Iterable[Sequence[Any]]) -> bytes:
    """Rows as a spreadsheet reads them: commas, lines that end with CR LF, empty for what there is none of."""
    text = io.StringIO()
    csv.writer(text).writerows(["" if value is None else value for value in row] for row in rows)
    return text.getvalue().encode()


def header(columns: Sequence[tuple[str, str]]) -> list[str]:
    """Names with their units."""
    return [f"{name} [{unit}]" if unit else name for name, unit in columns]


def document_head(asked: Question, report: Report, final_to: datetime | None, as_of: datetime | None) -> Row:
    """What stands above the rows."""
    head: Row = {
        "report": report.value,
        "area": asked.area,
        "time_zone": asked.time_zone,
        "from": instant(asked.start),
        "to": instant(asked.end),
        "grain": asked.grain.value,
        "as_of": instant(as_of),
        "final_to": instant(final_to),
        "units": {definition.name: definition.unit for definition in of_report(report)},
    }
    if report is Report.STAYS:
        head["histogram_up_to_min"] = [*HISTOGRAM_MIN, None]
    if report is Report.OVERSTAYS:
        head["not_evidence"] = True
    return head


def _difference(now: Figure, before: Figure) -> float | int | None:
    return None if now.value is None or before.value is None else now.value - before.value


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 6)

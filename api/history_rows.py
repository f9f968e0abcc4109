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
from occupancy.history.periods import Grain, Question, period_end
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
    ) -> None:
        self.asked, self.report = asked, report
        self._least_coverage, self._personal, self._names = least_coverage, personal, names
        self._agreements = agreements
        self.definitions = of_report(report)
        self._last = asked.start, instant(asked.start)

    def json(self, period: Period, against: Period | None = None) -> Row:
        """One row; with the period that it is compared with, that one's figures and the differences."""
        row = self._head(period)
        found = self._figures(period)
        row.update({name: figure.value for name, figure in found.items()})
        if self.report is Report.STAYS and self.asked.grain is not Grain.HOUR_OF_WEEK:
            row["histogram"] = histogram(period.sums, personal=self._personal)
        row["missing"] = {
            name: figure.missing for name, figure in found.items() if figure.missing is not None
        }
        if self.asked.scope is not Scope.AREA:  # that of the area stands above the rows
            agreement = self._agreements.get(period.scope_id)
            row["agreement"] = None if agreement is None else agreement.document()
        if against is not None:
            before = self._figures(against)
            row["compared"] = {
                "start": instant(against.start),
                "coverage": _rounded(against.sums.coverage),
                **{name: figure.value for name, figure in before.items()},
            }
            row["difference"] = {name: _difference(found[name], before[name]) for name in found}
        return row

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
        missing = [f"{name}:{figure.missing}" for name, figure in found.items() if figure.missing is not None]
        agreement = self._agreements.get(period.scope_id)
        rate = None if agreement is None else agreement.rate
        return [
            period.scope_id,
            *([] if self.asked.dim is Dim.ALL else [period.value or ALL_ASKED_FOR]),
            *([period.hour_of_week] if period.start is None else self._span(period.start)),
            "final" if period.final else "provisional",
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
        if period.start is None:
            row["hour_of_week"] = period.hour_of_week
        else:
            row["start"], row["end"] = self._span(period.start)
        row["status"] = "final" if period.final else "provisional"
        row["revision"] = period.revision
        row["coverage"] = _rounded(period.sums.coverage)
        return row

    def _span(self, start: datetime) -> tuple[str | None, str | None]:
        """When a period begins and ends, in words; mostly, one begins where the one before ends."""
        asked, (last, said) = self.asked, self._last
        end = asked.end if asked.grain is Grain.TOTAL else period_end(asked.grain, start, asked.time_zone)
        end = min(end, asked.end)
        begins = said if start == last else instant(start)
        self._last = end, instant(end)
        return begins, self._last[1]


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

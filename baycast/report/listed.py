"""The parts of the page that are lists: sensors, streets, car parks, what is final, definitions. Pure."""

from __future__ import annotations

from baycast.report.markup import Cell, Table, paragraph, section, table, text
from baycast.report.telling import Telling, number, percent
from occupancy.history.definitions import DEFINITIONS
from occupancy.maintenance import Defect, DefectKind, SensorRecord, defects
from occupancy.model import ZoneId, ZoneKind
from store.history import Period

SENSORS = 25
"""So many of the worst are named; `baycast sensors` names all."""


def sensors(telling: Telling) -> str:
    """What to fix first."""
    history, words = telling.history, telling.words
    reached = history.extent.watermark
    if reached is None or not history.sensors:
        return section("sensors", words.sensors.heading, (paragraph(words.sensors_none),))
    wrong = [record for record in history.sensors if defects(record)]
    says = paragraph(words.sensors.says.format(time=telling.time(reached)))
    if not wrong:
        well = words.sensors_well.format(all=number(len(history.sensors)))
        return section("sensors", words.sensors.heading, (says, paragraph(well)))
    shown = wrong[:SENSORS]
    counted = words.sensors_more.format(
        wrong=number(len(wrong)), all=number(len(history.sensors)), shown=number(len(shown))
    )
    told = Table(
        caption=words.sensors_table,
        columns=(words.sensor, words.bay, words.street, words.wrong),
        rows=[(record.device_id, _sensor(telling, record)) for record in shown],
        numbers=frozenset(),
    )
    return section("sensors", words.sensors.heading, (says, paragraph(counted), table(told)))


def _sensor(telling: Telling, record: SensorRecord) -> list[Cell]:
    street = "" if record.zone_id is None else telling.place(record.zone_id)
    said = [_defect(telling, record, defect) for defect in defects(record)]
    bay = telling.words.no_bay if record.bay_id is None else record.bay_id
    return [Cell(told, number=False) for told in (bay, street, "; ".join(dict.fromkeys(said)))]


def _defect(telling: Telling, record: SensorRecord, defect: Defect) -> str:
    words = telling.words
    about, since = "", record.heard_at
    match defect.kind:
        case DefectKind.SUSPECT if defect.suspicion is not None:
            about, since = words.suspicions[defect.suspicion.kind], defect.suspicion.began_at
        case DefectKind.CONTRADICTED if record.agreement is not None:
            about = f"{record.agreement.said - record.agreement.agreed}/{record.agreement.said}"
        case DefectKind.FAULTS:
            about = ", ".join(record.faults)
        case DefectKind.BATTERY:
            about = number(record.battery_mv or 0)
        case DefectKind.MISSING:
            about = percent(record.missed_share or 0)
        case _:
            pass
    told = "" if since is None else telling.time(since)
    return words.defects[defect.kind].format(about=about, since=told)


def streets(telling: Telling) -> str:
    words = telling.words
    return _places(
        telling, "streets", words.streets.heading, words.streets.says, words.street, car_parks=False
    )


def car_parks(telling: Telling) -> str:
    words = telling.words
    return _places(
        telling, "car-parks", words.car_parks.heading, words.car_parks.says, words.car_park, car_parks=True
    )


def _places(telling: Telling, name: str, heading: str, says: str, first: str, *, car_parks: bool) -> str:
    """By name; "": there is none."""
    words = telling.words
    found = sorted(
        (telling.place(period.scope_id).casefold(), period.scope_id, period)
        for period in telling.history.places
        if _is_car_park(telling, period) == car_parks
    )
    if not found:
        return ""
    stays = () if car_parks else (words.figures["median_stay_min"],)
    columns = (
        first,
        *(words.figures[name] for name in ("occupancy_pct", "arrivals", "turnover")),
        *(f"{stay}, {words.units['minutes']}" for stay in stays),
        words.full_hours,
        words.coverage,
    )
    rows = [
        (telling.place(period.scope_id), _place(telling, period, stays=not car_parks)) for *_, period in found
    ]
    told = Table(caption=words.places_table.format(places=heading), columns=columns, rows=rows)
    return section(name, heading, (paragraph(says), table(told, "places")))


def _place(telling: Telling, period: Period, *, stays: bool) -> list[Cell]:
    sums = period.sums
    return [
        telling.figure("occupancy_pct", sums),
        telling.figure("arrivals", sums),
        telling.figure("turnover", sums),
        *([telling.figure("median_stay_min", sums)] if stays else []),
        telling.hours("full_min", sums),
        telling.coverage("occupancy_pct", sums),
    ]


def _is_car_park(telling: Telling, period: Period) -> bool:
    zone = telling.history.zones.get(ZoneId(period.scope_id))
    return zone is not None and zone.kind is ZoneKind.CAR_PARK


def final(telling: Telling) -> str:
    """What may still change."""
    history, words = telling.history, telling.words
    start, end = history.bounds
    final_to = history.extent.final_to
    told = {
        words.final_to: words.never_final if final_to is None else telling.time(final_to),
        words.hours_of_history: f"{number(history.total.sums.hours if history.total else 0)} / "
        f"{number((end - start).total_seconds() / 3600)}",
        words.revisions: number(history.revisions),
    }
    rows = "".join(f"<dt>{text(name)}</dt><dd>{text(value)}</dd>" for name, value in told.items())
    says = words.final.says.format(hours=f"{history.final_after_h:g}")
    return section("final", words.final.heading, (paragraph(says), f"<dl>{rows}</dl>"))


def definitions(telling: Telling) -> str:
    words = telling.words
    told = Table(
        caption=words.definitions_table,
        columns=(words.figure, words.unit, words.formula),
        rows=[
            (
                f"{words.figures[one.name]} ({one.name})",
                [Cell(words.units[one.unit], number=False), Cell(words.formulas[one.name], number=False)],
            )
            for one in DEFINITIONS
        ],
        numbers=frozenset(),
    )
    parts = (paragraph(words.definitions.says), table(told, "formulas"))
    return section("definitions", words.definitions.heading, parts)

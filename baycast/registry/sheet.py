"""Bays from a CSV file, one per row, as councils keep them: our columns, or theirs by a mapping.

Zones are made of the rows that name them, at the mean of their bays. What a file has no column for stays as
it is registered. docs/registry.md describes the columns and the options.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from baycast.settings import UsageError
from occupancy.model import BayId, DeviceId, ZoneId
from occupancy.registry import Registry, RegistryRefused, document
from occupancy.registry_reading import FileEntity, Reading

COLUMNS: Final = (
    "bay_id",
    "zone_id",
    "zone_name_en",
    "zone_name_cy",
    "lat",
    "lon",
    "bay_type",
    "rule_ids",
    "device_id",
    "model",
    "expected_heartbeat_s",
    "gateway",
)
_NEEDED = ("zone_id", "lat", "lon")
_NUMBER = re.compile(r"[+-]?\d{1,3}(?:\.\d{1,15})?")
_WHOLE = re.compile(r"\d{1,9}")

Object = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvOptions:
    """What a bay file does not say itself. `columns` is ours -> theirs; it makes other columns be ignored."""

    area: str
    area_name: str | None = None
    time_zone: str | None = None
    languages: tuple[str, ...] | None = None
    clock: str | None = None
    bank_holidays: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    derive_ids: bool = False
    device_prefix: str | None = None
    model: str | None = None
    heartbeat_s: int | None = None


@dataclass(slots=True)
class _Row:
    """One row: `number` as a spreadsheet counts, with the header as 1; ids as they will be registered."""

    number: int
    cells: dict[str, str]
    bay_id: str = ""
    zone_id: str = ""
    sound: bool = False


def read_csv(text: str, file: str, options: CsvOptions, known: Registry) -> list[FileEntity]:
    """The area, zones, bays, sensors and bindings of a bay file. `known` is the area as it is registered.

    Raises `RegistryRefused` with everything that is wrong, by row and column; UsageError for missing options.
    """
    reading = Reading()
    _BayFile(file, options, known, reading).read(text)
    if reading.errors:
        raise RegistryRefused(reading.errors)
    return reading.found


class _BayFile:
    """One file being read."""

    def __init__(self, file: str, options: CsvOptions, known: Registry, reading: Reading) -> None:
        self._file = file
        self._options = options
        self._known = known
        self._reading = reading
        self._columns: dict[str, str] = {}
        """Our columns that the file has -> what it calls them."""

    def read(self, text: str) -> None:
        self._read_area()
        rows = list(self._rows(text))
        self._name(rows)
        for row in rows:
            self._read_bay(row)
        self._read_zones(rows)

    def _error(self, row: _Row, column: str, problem: str, fix: str) -> None:
        self._reading.error(self._at(row), self._columns.get(column, column), problem, fix)

    def _at(self, row: _Row) -> str:
        return f"{self._file} row {row.number}"

    def _read_area(self) -> None:
        """The area's own document where the options say something of it, or where there is none yet."""
        options, area = self._options, self._known.area
        told: Object = {
            "time_zone": options.time_zone,
            "clock": options.clock,
            "bank_holidays": options.bank_holidays,
        }
        told["name"] = {"en": options.area_name} if options.area_name else None
        told["languages"] = list(options.languages) if options.languages else None
        told = {key: value for key, value in told.items() if value is not None}
        if area is not None and not told:
            return
        if area is None and not (options.area_name and options.time_zone):
            raise UsageError(f"area {options.area} is not registered yet: give --area-name and --time-zone")
        before: Object = document(area) if area else {"languages": ["en"], "clock": "live"}
        self._reading.add("the options", "area", options.area, {**before, **told}, {"": ""})

    def _rows(self, text: str) -> Iterator[_Row]:
        lines = csv.reader(io.StringIO(text, newline=""), strict=True)
        number = 0
        try:
            for number, cells in enumerate(lines, 1):
                if number == 1:
                    if not self._read_header(cells):
                        return
                    width, places = (
                        len(cells),
                        {ours: cells.index(theirs) for ours, theirs in self._columns.items()},
                    )
                elif not any(cell.strip() for cell in cells):
                    continue
                elif len(cells) != width:
                    problem = f"has {len(cells)} cells, the header has {width}"
                    self._reading.error(
                        f"{self._file} row {number}", None, problem, "quote cells that hold commas"
                    )
                else:
                    yield _Row(number, {ours: cells[place].strip() for ours, place in places.items()})
        except csv.Error as error:
            self._reading.error(
                f"{self._file} row {number + 1}", None, str(error), "save the file as CSV again"
            )
            return
        if number == 0:
            self._reading.error(self._file, None, "is empty", "give a header and rows")

    def _read_header(self, header: list[str]) -> bool:
        """Which column is what; whether the rows can be read at all."""
        mapping = self._options.columns
        before = len(self._reading.errors)
        where = f"{self._file} row 1"
        for name, count in Counter(header).items():
            if count > 1 and (not mapping or name in mapping.values()):
                self._reading.error(where, name, "is there twice", "rename one")
            if not mapping and name not in COLUMNS:
                fix = f"known are {', '.join(COLUMNS)}; map other names with --columns ours=theirs"
                self._reading.error(where, name, "is no column of ours", fix)
        for ours, theirs in mapping.items():
            if theirs not in header:
                self._reading.error(
                    where, theirs, f"is missing, though mapped to {ours}", "correct --columns"
                )
        self._columns = {
            ours: mapping.get(ours, ours) for ours in COLUMNS if mapping.get(ours, ours) in header
        }
        needed = _NEEDED if self._options.derive_ids else ("bay_id", *_NEEDED)
        for ours in needed:
            if ours not in self._columns:
                self._reading.error(where, ours, "is missing", "add the column, or map it with --columns")
        return len(self._reading.errors) == before

    def _name(self, rows: list[_Row]) -> None:
        """Give each row its ids. Derived ones depend on the row alone, not on its place in the file."""
        if not self._options.derive_ids:
            for row in rows:
                row.bay_id, row.zone_id = row.cells["bay_id"], row.cells["zone_id"]
        else:
            counts = Counter(_clean(row.cells.get("bay_id", "")) for row in rows)
            for row in rows:
                own = _clean(row.cells.get("bay_id", ""))
                row.zone_id = self._prefixed(_clean(row.cells["zone_id"]))
                if own and counts[own] == 1:
                    row.bay_id = self._prefixed(own)
                else:
                    place = f"{row.cells['lat']},{row.cells['lon']}"
                    row.bay_id = f"{row.zone_id}-{hashlib.sha256(place.encode()).hexdigest()[:10]}"
        first: dict[str, int] = {}
        for row in rows:
            if first.setdefault(row.bay_id, row.number) != row.number:
                problem = f"the bay '{row.bay_id}' is in row {first[row.bay_id]} already"
                fix = "remove one" if self._options.derive_ids else "remove one, or use --derive-ids"
                self._error(row, "bay_id", problem, fix)

    def _prefixed(self, id: str) -> str:
        prefix = f"{self._options.area}-"
        return id if id.startswith(prefix) else prefix + id

    def _read_zones(self, rows: list[_Row]) -> None:
        by_zone: dict[str, list[_Row]] = defaultdict(list)
        for row in rows:
            by_zone[row.zone_id].append(row)
        for zone_id, members in by_zone.items():
            if ZoneId(zone_id) in self._known.zones:
                continue
            head = members[0]
            name = {"en": head.cells.get("zone_name_en", "")}
            if head.cells.get("zone_name_cy"):
                name["cy"] = head.cells["zone_name_cy"]
            if not name["en"]:
                self._error(head, "zone_name_en", f"the new zone '{zone_id}' has no name", "name it")
                continue
            for row in members:
                for column in ("zone_name_en", "zone_name_cy"):
                    if row.cells.get(column, "") != head.cells.get(column, ""):
                        problem = f"the zone '{zone_id}' is named otherwise in row {head.number}"
                        self._error(row, column, problem, "name it the same")
            if not all(row.sound for row in members):
                continue  # without its bays there is no place for it either
            doc: Object = {
                "area_id": self._options.area,
                "kind": "street",
                "name": name,
                "lat": _mean(members, "lat"),
                "lon": _mean(members, "lon"),
            }
            self._reading.add(
                self._at(head), "zone", zone_id, doc, {**self._columns, "id": self._theirs("zone_id")}
            )

    def _theirs(self, column: str) -> str:
        return self._columns.get(column, column)

    def _read_bay(self, row: _Row) -> None:
        before = self._known.bays.get(BayId(row.bay_id))
        doc: Object = document(before) if before else {"bay_type": "standard"}
        doc |= {"area_id": self._options.area, "zone_id": row.zone_id}
        doc |= {"lat": _number(row.cells["lat"]), "lon": _number(row.cells["lon"])}
        if row.cells.get("bay_type"):
            doc["bay_type"] = row.cells["bay_type"]
        if "rule_ids" in row.cells:
            doc["rule_ids"] = row.cells["rule_ids"].split()
        columns = {**self._columns, "id": self._theirs("bay_id")}
        row.sound = self._reading.add(self._at(row), "bay", row.bay_id, doc, columns)
        device_id = row.cells.get("device_id", "")
        if not device_id and self._options.device_prefix is not None:
            device_id = self._options.device_prefix + row.bay_id
        if device_id:
            self._read_sensor(row, DeviceId(device_id))

    def _read_sensor(self, row: _Row, device_id: DeviceId) -> None:
        before = self._known.sensors.get(device_id)
        doc: Object = document(before) if before else {}
        doc["area_id"] = self._options.area
        heartbeat = row.cells.get("expected_heartbeat_s", "")
        if row.cells.get("model") or self._options.model:
            doc["model"] = row.cells.get("model") or self._options.model
        if heartbeat or self._options.heartbeat_s is not None:
            whole = int(heartbeat) if _WHOLE.fullmatch(heartbeat) else heartbeat
            doc["expected_heartbeat_s"] = whole if heartbeat else self._options.heartbeat_s
        if "gateway" in row.cells:
            doc.pop("gateway", None)
            doc |= {"gateway": row.cells["gateway"]} if row.cells["gateway"] else {}
        for column, option in (("model", "--model"), ("expected_heartbeat_s", "--heartbeat-s")):
            if column not in doc:
                self._error(
                    row, column, "is missing for a bay with a sensor", f"fill it in, or give {option}"
                )
                return
        columns = {**self._columns, "id": self._theirs("device_id")}
        sound = self._reading.add(self._at(row), "sensor", device_id, doc, columns)
        if sound and row.sound and not self._is_bound(device_id, row.bay_id):
            binding: Object = {"area_id": self._options.area, "device_id": device_id, "bay_id": row.bay_id}
            self._reading.add_binding(self._at(row), binding)

    def _is_bound(self, device_id: DeviceId, bay_id: str) -> bool:
        """Whether that sensor watches that bay already, since whenever."""
        bound = self._known.bindings_by_device.get(device_id, ())
        return any(binding.bay_id == bay_id and binding.valid_to is None for binding in bound)


def _clean(text: str) -> str:
    """Text as an id: "St. Mary's" -> "st-mary-s"."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def _mean(rows: Sequence[_Row], column: str) -> float:
    return round(sum(float(row.cells[column]) for row in rows) / len(rows), 7)


def _number(text: str) -> float | str:
    """The number, or the text as it is, for the reader to refuse: float() takes "nan", "1_0" and more."""
    return float(text) if _NUMBER.fullmatch(text) else text

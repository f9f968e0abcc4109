"""Writing a page of derived rows and moving the cursor, in the caller's one transaction."""

from __future__ import annotations

from occupancy.due_cells import Changed
from occupancy.model import AreaId
from occupancy.page import Page
from occupancy.spans import united
from store.bay_pages import write_bays, write_devices, write_outages, write_overstays
from store.copying import Cursor
from store.generation import Generation
from store.history_hours import stays_over
from store.queries import sql
from store.suspicions import write_suspicions
from store.zone_pages import write_counts, write_zones

DERIVED_TABLES = (
    "device_fold",
    "device_checkpoint",
    "count_fold",
    "count_checkpoint",
    "bay_interval",
    "bay_state",
    "stay",
    "overstay",
    "outage",
    "suspicion",
    "count_interval",
    "zone_state",
    "zone_cell",
    "history_hour",
    "history_slots",
)


class LostRace(RuntimeError):
    """Another engine moved the cursor, the generation was replaced, or what is old was dropped: load again."""


def write_page(cur: Cursor, at: Generation, page: Page) -> Changed:
    """Write the rows and move the cursor from `at` by compare-and-swap. Raises `LostRace`, `psycopg.Error`.

    Returns where the new rows differ from those they replace.
    """
    cur.execute(
        sql("generation.move_cursor"),
        (
            *(at.area, at.generation, at.position, page.position, page.watermark, page.version),
            *(at.begins_at, at.kept_from),
        ),
    )
    if cur.rowcount != 1:
        raise LostRace(f"area {at.area}: generation {at.generation} is no longer at position {at.position}")
    scope = (at.area, at.generation)
    write_devices(cur, scope, page)
    bays, stays = write_bays(cur, scope, page)
    overstays = write_overstays(cur, scope, page)
    write_outages(cur, scope, page)
    suspicions = write_suspicions(cur, scope, page)
    car_parks = write_counts(cur, scope, page)
    write_zones(cur, scope, page)
    doubted = stays_over(cur, scope, suspicions)
    return Changed(bays=bays, car_parks=car_parks, turns=united(stays, overstays, suspicions, doubted))


def notify_feed(cur: Cursor, area: AreaId) -> None:
    cur.execute(sql("generation.notify_feed"), (area,))


def digest(cur: Cursor, area: AreaId, generation: int) -> dict[str, tuple[int, int]]:
    """By table, the number of a generation's rows and a hash over them: equal for equal rows in any order."""
    found = {}
    for table in DERIVED_TABLES:
        cur.execute(sql(f"generation_rows.digest_{table}"), (area, generation))
        rows, value = cur.fetchall()[0]
        found[table] = (int(rows), int(value))
    return found


def drop_generation(cur: Cursor, area: AreaId, generation: int) -> None:
    """Delete the rows of a generation that is no longer live."""
    for table in DERIVED_TABLES:
        cur.execute(sql(f"generation_rows.empty_{table}"), (area, generation))
    cur.execute(sql("generation.drop_generation"), (area, generation))

"""What a change of the registry makes of the history there is: gates that move, bindings that lie ahead (L3, L4)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.support.folded import Folded
from tests.support.small_town import AREA, START, count, documents, passage, state

DOCS: dict[tuple[str, str], Any] = {(kind, id): doc for kind, id, doc in documents()}


def two_car_parks() -> list[tuple[str, str, Any]]:
    return [*documents(), ("zone", "dock", {**DOCS["zone", "castle"], "capacity": 4})]


def moved(gate: str, park: str) -> list[tuple[str, str, Any]]:
    return [("gate", gate, {**DOCS["gate", gate], "zone_id": park})]


def test_a_car_park_whose_only_word_came_from_a_gate_that_is_another_parks_has_no_history() -> None:
    town = Folded(two_car_parks())
    town.append([count("g-count", 1, 0, 3), count("g-count", 2, 300, 2)], watermark_s=1000)
    town.append(changes=moved("g-count", "dock"), watermark_s=1100)
    assert {zone_id for zone_id, _ in town.rows()["counts"]} == {"dock"}
    assert town.fold.zones["castle"].counts.unknown == 5  # type: ignore[index]
    assert town.fold.zones["dock"].counts.occupied == 2  # type: ignore[index]
    assert "castle" not in town.tables.count_folds
    assert {cell.zone_id for cell in town.rows()["cells"]} == {"dock"}


def test_l3_a_gate_that_moves_takes_along_what_it_said() -> None:
    words = [count("g-count", 1, 0, 3), passage("g-in", 1, 100, "in"), count("g-count", 2, 300, 2)]
    town, from_the_start = Folded(two_car_parks()), Folded([*two_car_parks(), *moved("g-in", "dock")])
    town.append(words, watermark_s=1000)
    town.append(changes=moved("g-in", "dock"), watermark_s=100_000)
    from_the_start.append(words, watermark_s=100_000)
    assert town.rows() == from_the_start.rows()


def test_l4_of_a_binding_that_lies_ahead_nothing_is_said() -> None:
    ahead = (START + timedelta(hours=1)).isoformat().replace("+00:00", "Z")
    always = DOCS["binding", "s0@high-st-0@always"]
    next_bay = {"area_id": AREA, "device_id": "s0", "bay_id": "high-st-9", "valid_from": ahead}
    town = Folded(
        [
            *documents(),
            ("bay", "high-st-9", DOCS["bay", "high-st-0"]),
            ("binding", "s0@high-st-0@always", {**always, "valid_to": ahead}),
            ("binding", f"s0@high-st-9@{ahead}", next_bay),
        ]
    )
    town.append([state("s0", 1, 0, True)], watermark_s=10)
    assert {row.bay_id for row in [*town.rows()["intervals"], *town.rows()["stays"]]} == {"high-st-0"}
    town.append([state("s0", 2, 3500, True, cause="heartbeat")], watermark_s=3600)
    rows = town.rows()
    assert [(row.bay_id, row.state) for row in rows["intervals"] if row.ended_at is None] == [
        ("high-st-9", "unknown")
    ]
    assert [(stay.bay_id, stay.departed_at) for stay in rows["stays"][-1:]] == [
        ("high-st-0", START + timedelta(hours=1))
    ]

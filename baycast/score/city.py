"""The city that is judged: our illustrative Cardiff with a mixture of sensor models, on ordinary days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import cast

from baycast import cardiff
from baycast.world_plan import world_plan
from occupancy.registry import Registry
from simulator.field_run import gateways
from simulator.plan import CityPlan
from simulator.sensor_models import MODELS, draw_model
from store.devices import Device, Directory

START = datetime(2026, 9, 14, 3, 0, tzinfo=UTC)
"""A Monday in term, before anybody comes; no bank holiday, stadium day or change of the clocks for four weeks."""


Document = tuple[str, str, Mapping[str, object]]
"""(kind, id, what the registry says of it)."""


@dataclass(frozen=True, slots=True)
class City:
    documents: list[Document]
    plan: CityPlan

    def registry(self) -> Registry:
        return Registry(self.documents)

    def directory(self) -> Directory:
        """What ingest would know of the devices."""
        devices = {
            id: Device(str(doc["area_id"]), 0, kind)
            for kind, id, doc in self.documents
            if kind in ("sensor", "gate")
        }
        return Directory(devices=devices, areas={self.plan.area_id: "live"})


def make_city(*, bays: int, seed: int, car_parks: bool = True, longest: int | None = None) -> City:
    """Streets one after the other up to `bays` bays (the last one cut short), and all car parks or none. Streets with
    more than `longest` bays are cut into several."""
    whole, rhythm = [_with_model(seed, *one) for one in cardiff.documents()], cardiff.rhythm()
    if not car_parks:
        whole = _streets_only(whole)
    if longest is not None:
        whole, rhythm = _cut(whole, rhythm, longest)
    plan = world_plan(whole, at=START, rhythm=rhythm).first_bays(bays)
    gateway_of = {plan.bays[bay].device_id: f"gw-{gateway}" for bay, gateway in gateways(plan)}
    whole = [
        (kind, id, {**doc, "gateway": gateway_of[id]} if kind == "sensor" and id in gateway_of else doc)
        for kind, id, doc in whole
    ]
    kept = {bay.bay_id for bay in plan.bays} | {bay.device_id for bay in plan.bays}
    documents = [
        (kind, id, doc)
        for kind, id, doc in whole
        if kind not in ("bay", "sensor", "binding") or (doc["bay_id"] if kind == "binding" else id) in kept
    ]
    return City(documents, plan)


def _streets_only(whole: list[Document]) -> list[Document]:
    """Without car parks, their gates, and the signs that speak of one."""
    parks = {id for kind, id, doc in whole if kind == "zone" and doc["kind"] == "car_park"}

    def speaks_of_one(kind: str, id: str, doc: Mapping[str, object]) -> bool:
        zones = doc.get("zone_ids", [doc.get("zone_id"), id])
        return kind in ("zone", "gate", "sign") and not parks.isdisjoint(cast(list[str], zones))

    return [one for one in whole if not speaks_of_one(*one)]


def _cut(
    whole: list[Document], rhythm: cardiff.Rhythm, longest: int
) -> tuple[list[Document], cardiff.Rhythm]:
    """Each street as pieces of so many bays at most, in the order of its bays; the first piece keeps its name."""
    pieces: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for kind, id, doc in sorted(whole, key=lambda one: one[1]):
        if kind == "bay":
            street = str(doc["zone_id"])
            number = counts[street] // longest
            pieces[id] = f"{street}-{number}" if number else street
            counts[street] += 1
    new = sorted(set(pieces.values()) - counts.keys())
    streets = {id: doc for kind, id, doc in whole if kind == "zone"}
    profiles = dict(rhythm.profiles)
    for piece in new:
        street = piece.rpartition("-")[0]
        whole = [*whole, ("zone", piece, streets[street])]
        profiles[piece] = profiles[street]
    found = [(kind, id, {**doc, "zone_id": pieces[id]} if kind == "bay" else doc) for kind, id, doc in whole]
    return found, cardiff.Rhythm(profiles, rhythm.ways)


def _with_model(seed: int, kind: str, id: str, doc: Mapping[str, object]) -> Document:
    if kind != "sensor":
        return kind, id, doc
    model = draw_model(Random(f"model {seed} {id}"))  # noqa: S311 - a simulation
    return kind, id, {**doc, "model": model, "expected_heartbeat_s": MODELS[model].heartbeat_s}

"""The contents of one area's registry: documents go in and come out in any order, the indexes follow."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar

from occupancy.model import (
    Area,
    AreaId,
    Bay,
    BayId,
    Binding,
    Calendar,
    DeviceId,
    Gate,
    Legend,
    LegendId,
    Rule,
    Sensor,
    Sign,
    SignId,
    Zone,
    ZoneId,
)
from occupancy.overrides import KIND as OVERRIDE
from occupancy.overrides import Overrides, override_of
from occupancy.registry_documents import KINDS, entity, identity
from occupancy.registry_fields import RegistryError
from occupancy.registry_readers import Entity

K = TypeVar("K")
V = TypeVar("V")


class _Grouped(Generic[K, V]):
    """Things of one kind by what they belong to, each group a tuple sorted by `order` whatever came first."""

    def __init__(self, order: Callable[[V], Any]) -> None:
        self.groups: dict[K, tuple[V, ...]] = {}
        self._order = order

    def add(self, key: K, value: V) -> None:
        group = list(self.groups.get(key, ()))
        insort(group, value, key=self._order)
        self.groups[key] = tuple(group)

    def discard(self, key: K, value: V) -> None:
        left = tuple(other for other in self.groups.get(key, ()) if other is not value)
        if left:
            self.groups[key] = left
        else:
            self.groups.pop(key, None)


def _binding_order(binding: Binding) -> tuple[object, ...]:
    start = binding.valid_from
    return (start is not None, start.timestamp() if start else 0.0, binding.device_id, binding.bay_id)


class Contents:
    """One area. The dictionaries are for reading; `put` and `remove` are the only way to change them.

    A grouped dictionary has no key for an empty group: read it with `.get(key, ())`.
    """

    def __init__(self, documents: Iterable[tuple[str, str, object]] = ()) -> None:
        """`documents` are (kind, id, document). Raises `RegistryError`."""
        self.area_id: AreaId | None = None
        self.area: Area | None = None
        self.calendar: Calendar | None = None
        self.rules: dict[str, Rule] = {}
        self.zones: dict[ZoneId, Zone] = {}
        self.bays: dict[BayId, Bay] = {}
        self.sensors: dict[DeviceId, Sensor] = {}
        self.bindings: dict[str, Binding] = {}
        self.gates: dict[DeviceId, Gate] = {}
        self.legends: dict[LegendId, Legend] = {}
        self.signs: dict[SignId, Sign] = {}
        self.overrides = Overrides()
        self._bays_by_zone = _Grouped[ZoneId, Bay](lambda bay: bay.bay_id)
        self._gates_by_zone = _Grouped[ZoneId, Gate](lambda gate: gate.device_id)
        self._by_device = _Grouped[DeviceId, Binding](_binding_order)
        self._by_bay = _Grouped[BayId, Binding](_binding_order)
        self.bays_by_zone = self._bays_by_zone.groups
        self.gates_by_zone = self._gates_by_zone.groups
        self.bindings_by_device = self._by_device.groups
        self.bindings_by_bay = self._by_bay.groups
        for kind, id, doc in documents:
            self.put(kind, id, doc)

    def put(self, kind: str, id: str, doc: object) -> Entity:
        """Add or replace one document. Raises `RegistryError`, also for a document of another area."""
        found = entity(kind, id, doc)
        self.put_entity(found)
        return found

    def put_override(self, id: str, doc: object | None) -> None:
        """Add or replace an override, or take it out (None). Raises `RegistryError`, also for one of another area."""
        if doc is None:
            self.overrides.remove(id)
            return
        found = override_of(id, doc)
        self._check_area(OVERRIDE, id, found.area_id)
        self.overrides.put(found)

    def put_entity(self, found: Entity) -> None:
        kind, id = identity(found)
        self._check_area(kind, id, found.area_id)
        self.remove(kind, id)
        match found:
            case Area():
                self.area = found
            case Calendar():
                self.calendar = found
            case Rule():
                self.rules[found.rule_id] = found
            case Zone():
                self.zones[found.zone_id] = found
            case Bay():
                self.bays[found.bay_id] = found
                self._bays_by_zone.add(found.zone_id, found)
            case Sensor():
                self.sensors[found.device_id] = found
            case Binding():
                self.bindings[id] = found
                self._by_device.add(found.device_id, found)
                self._by_bay.add(found.bay_id, found)
            case Gate():
                self.gates[found.device_id] = found
                self._gates_by_zone.add(found.zone_id, found)
            case Legend():
                self.legends[found.legend_id] = found
            case Sign():
                self.signs[found.sign_id] = found

    def remove(self, kind: str, id: str) -> None:
        """Take one document out; one that is not there is no error."""
        match kind:
            case "area":
                self.area = None
            case "calendar":
                self.calendar = None
            case "rule":
                self.rules.pop(id, None)
            case "zone":
                self.zones.pop(ZoneId(id), None)
            case "bay":
                if bay := self.bays.pop(BayId(id), None):
                    self._bays_by_zone.discard(bay.zone_id, bay)
            case "sensor":
                self.sensors.pop(DeviceId(id), None)
            case "binding":
                if binding := self.bindings.pop(id, None):
                    self._by_device.discard(binding.device_id, binding)
                    self._by_bay.discard(binding.bay_id, binding)
            case "gate":
                if gate := self.gates.pop(DeviceId(id), None):
                    self._gates_by_zone.discard(gate.zone_id, gate)
            case "legend":
                self.legends.pop(LegendId(id), None)
            case "sign":
                self.signs.pop(SignId(id), None)
            case _:
                raise RegistryError(
                    f"{kind} {id}", None, "no such kind of document", f"one of {', '.join(KINDS)}"
                )

    def _check_area(self, kind: str, id: str, area_id: AreaId) -> None:
        """The first document says which area this is."""
        if self.area_id is None:
            self.area_id = area_id
        if area_id != self.area_id:
            raise RegistryError(f"{kind} {id}", "area_id", f"'{area_id}' is another area", self.area_id)

    def entities(self) -> list[Entity]:
        """Every document, by kind in the order of `KINDS`, then by id; overrides are none."""
        found: list[Entity | None] = [self.area, self.calendar]
        groups = (
            self.rules,
            self.zones,
            self.bays,
            self.sensors,
            self.bindings,
            self.gates,
            self.legends,
            self.signs,
        )
        for group in groups:
            by_id: Mapping[str, Entity] = dict(group)  # type: ignore[arg-type]  # its keys are strings by another name
            found.extend(by_id[id] for id in sorted(by_id))
        return [entity for entity in found if entity is not None]

"""What does not fit together in a registry, each with what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from occupancy.calendar import BANK_HOLIDAY, EVENT
from occupancy.model import Bay, BayType, Binding, Sign, Use, ZoneKind
from occupancy.registry_contents import Contents
from occupancy.registry_documents import identity
from occupancy.registry_fields import RegistryError, format_instant

_LANGUAGES_WITH_WORDS = ("cy", "en")
"""Languages that `signs.words` has default words for."""

_STATES_NEEDING_WORDS = ("spaces", "almost_full", "full", "closed")

EXCLUSIVE_USES = {
    Use.BLUE_BADGE: BayType.BLUE_BADGE,
    Use.LOADING: BayType.LOADING,
    Use.EV: BayType.EV,
    Use.MOTORCYCLE: BayType.MOTORCYCLE,
    Use.COACH: BayType.COACH,
    Use.RESIDENT: None,
}
"""Uses that keep everybody else out, and the physical type of bay that they go with."""


def problems_of(contents: Contents) -> list[RegistryError]:
    """In a stable order; empty: the registry is sound."""
    return [
        *_area(contents),
        *_rules(contents),
        *_bays(contents),
        *_devices(contents),
        *_bindings(contents),
        *_signs(contents),
    ]


def _missing(where: str, field: str, what: str, id: str) -> RegistryError:
    return RegistryError(where, field, f"there is no {what} '{id}'", f"register the {what} or correct the id")


def _area(contents: Contents) -> Iterator[RegistryError]:
    if contents.area is None and contents.area_id is not None and contents.entities():
        yield RegistryError(
            f"area {contents.area_id}", None, "is not registered", "add the area's own document"
        )


def _rules(contents: Contents) -> Iterator[RegistryError]:
    declared = {kind for kind, _, _ in contents.calendar.days} if contents.calendar else set()
    for rule_id, rule in sorted(contents.rules.items()):
        if rule.only_on not in (None, BANK_HOLIDAY, EVENT) and rule.only_on not in declared:
            problem = f"the calendar has no day of type '{rule.only_on}', so the rule would never apply"
            fix = f"declare its days in the area's calendar, or make it '{EVENT}', which overrides declare"
            yield RegistryError(f"rule {rule_id}", "only_on", problem, fix)


def _bays(contents: Contents) -> Iterator[RegistryError]:
    for bay_id, bay in sorted(contents.bays.items()):
        where = f"bay {bay_id}"
        if bay.zone_id not in contents.zones:
            yield _missing(where, "zone_id", "zone", bay.zone_id)
        for rule_id in bay.rule_ids:
            if rule_id not in contents.rules:
                yield _missing(where, "rule_ids", "rule", rule_id)
        yield from _contradictions(contents, bay)


def _contradictions(contents: Contents, bay: Bay) -> Iterator[RegistryError]:
    """A rule that keeps out the very drivers a bay is made for would leave the bay to nobody."""
    if bay.bay_type is BayType.STANDARD:
        return
    for rule_id in bay.rule_ids:
        rule = contents.rules.get(rule_id)
        if rule and rule.use in EXCLUSIVE_USES and EXCLUSIVE_USES[rule.use] is not bay.bay_type:
            problem = (
                f"a bay of type '{bay.bay_type}' with rule '{rule_id}' of use '{rule.use}' is for nobody"
            )
            yield RegistryError(
                f"bay {bay.bay_id}", "rule_ids", problem, "make the bay 'standard', or drop the rule"
            )


def _devices(contents: Contents) -> Iterator[RegistryError]:
    for device_id, gate in sorted(contents.gates.items()):
        where = f"gate {device_id}"
        zone = contents.zones.get(gate.zone_id)
        if device_id in contents.sensors:
            yield RegistryError(where, "id", "is the id of a sensor, too", "give one of them another id")
        if zone is None:
            yield _missing(where, "zone_id", "zone", gate.zone_id)
        elif zone.kind is not ZoneKind.CAR_PARK:
            yield RegistryError(where, "zone_id", f"'{gate.zone_id}' is a street", "a gate counts a car park")
        elif zone.capacity is None:
            problem = f"the car park '{gate.zone_id}' is counted but has no capacity"
            yield RegistryError(where, "zone_id", problem, "add the zone's capacity")


def _bindings(contents: Contents) -> Iterator[RegistryError]:
    for id, binding in sorted(contents.bindings.items()):
        if binding.device_id not in contents.sensors:
            yield _missing(f"binding {id}", "device_id", "sensor", binding.device_id)
        if binding.bay_id not in contents.bays:
            yield _missing(f"binding {id}", "bay_id", "bay", binding.bay_id)
    for _, group in sorted(contents.bindings_by_device.items()):
        yield from _overlaps(group, "bay_id", "one sensor watches one bay at a time")
    for _, group in sorted(contents.bindings_by_bay.items()):
        yield from _overlaps(group, "device_id", "one bay is watched by one sensor at a time")


def _overlaps(group: Iterable[Binding], field: str, rule: str) -> Iterator[RegistryError]:
    """Neighbours in order of their start suffice: where any two overlap, two neighbours do."""
    before: Binding | None = None
    for binding in group:
        if before and (
            before.valid_to is None or binding.valid_from is None or binding.valid_from < before.valid_to
        ):
            end = format_instant(binding.valid_from) if binding.valid_from else "its real end"
            problem = f"overlaps binding '{identity(before)[1]}': {rule}"
            yield RegistryError(
                f"binding {identity(binding)[1]}",
                field,
                problem,
                f"end the earlier one, as with valid_to {end}",
            )
        before = binding


def _signs(contents: Contents) -> Iterator[RegistryError]:
    for _, sign in sorted(contents.signs.items()):
        yield from sign_problems(contents, sign)
    for legend_id, legend in sorted(contents.legends.items()):
        spoken = {language for language, _ in legend.texts}
        lacking = [one for one in (contents.area.languages if contents.area else ()) if one not in spoken]
        if lacking:
            problem = f"has no text in {', '.join(lacking)}, which the area's signs speak"
            yield RegistryError(f"legend {legend_id}", "texts", problem, "add it, approved as the others")


def sign_problems(contents: Contents, sign: Sign) -> Iterator[RegistryError]:
    """What of a sign, registered or not, does not fit the registry of its area."""
    for zone_id in sign.zone_ids:
        if zone_id not in contents.zones:
            yield _missing(f"sign {sign.sign_id}", "zone_ids", "zone", zone_id)
    if contents.area:
        yield from _words(sign, contents.area.languages)


def _words(sign: Sign, languages: tuple[str, ...]) -> Iterator[RegistryError]:
    where = f"sign {sign.sign_id}"
    own = {(state, language) for state, language, _ in sign.words}
    for language in languages:
        lacking = [state for state in _STATES_NEEDING_WORDS if (state, language) not in own]
        if language not in _LANGUAGES_WITH_WORDS and lacking:
            problem = f"has no words in '{language}', a language of the area, for {', '.join(lacking)}"
            yield RegistryError(
                where, "words", problem, "add them; only English and Welsh come with the product"
            )
    for language in sorted({language for _, language in own} - set(languages)):
        problem = f"has words in '{language}', which is no language of the area"
        yield RegistryError(where, "words", problem, f"use {', '.join(languages)}, or add it to the area")

"""Why a sign's configuration cannot work: thresholds that never meet, text that does not fit. Pure.

Whoever registers a sign is told before it stands dark at the roadside.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from occupancy.model import Controller, Layout, Legend, Show, Sign, ZoneId, ZoneKind
from occupancy.registry import Registry, RegistryError
from signs.claims import Claim, number_of, thresholds
from signs.layout import legend_pages, pages, spoken
from signs.making import subjects
from signs.words import FrameState, phrase


def refusals(registry: Registry) -> list[RegistryError]:
    """Return what is wrong with the signs of an area, in a stable order."""
    return [error for _, sign in sorted(registry.signs.items()) for error in refusals_of(sign, registry)]


def refusals_of(sign: Sign, registry: Registry) -> list[RegistryError]:
    """Return what is wrong with one sign in the registry of its area."""
    return [*_thresholds(sign, registry), *_names(sign, registry), *_texts(sign, registry)]


def legend_refusal(sign: Sign, legend: Legend, registry: Registry) -> str | None:
    """Return why a sign cannot show a legend, None when it can."""
    languages = () if registry.area is None else registry.area.languages
    texts = dict(legend.texts)
    lacking = [language for language in languages if language not in texts]
    if lacking:
        return f"the legend has no text in {', '.join(lacking)}, which the area's signs speak"
    if not legend_pages(sign, languages, texts):
        return f"the legend does not fit on {_size(sign)}"
    return None


def most_free(sign: Sign, registry: Registry) -> dict[ZoneId | None, int]:
    """Return the most bays that can ever be free of what the sign speaks of, by zone or under None of the sum."""
    return {
        subject: sum(_bays(registry, zone_id) for zone_id in zone_ids)
        for subject, zone_ids in subjects(sign).items()
    }


def _bays(registry: Registry, zone_id: ZoneId) -> int:
    zone = registry.zones.get(zone_id)
    if zone is None:
        return 0
    if zone.kind is ZoneKind.CAR_PARK and zone.capacity is not None:
        return max([zone.capacity, *(hours.capacity for hours in zone.capacity_hours)])
    return len(registry.bays_by_zone.get(zone_id, ()))


def _thresholds(sign: Sign, registry: Registry) -> Iterator[RegistryError]:
    def error(field: str, problem: str, fix: str) -> RegistryError:
        return RegistryError(f"sign {sign.sign_id}", field, problem, fix)

    at = thresholds(sign)
    if at.full_below <= sign.reserve:
        yield error(
            "full_below",
            f"with {at.full_below} to {sign.reserve} bays free the sign could say nothing: "
            f"not FULL, and they are held back (reserve {sign.reserve})",
            f"make it {sign.reserve + 1} or more, or leave it out",
        )
    if at.full_until < at.full_below:
        problem = f"FULL would be left at {at.full_until}, before it is entered at {at.full_below}"
        yield error("full_until", problem, f"make it {at.full_below} or more")
    if sign.almost_full_below is None:
        if sign.almost_full_until is not None:
            yield error("almost_full_until", "ALMOST FULL is never said", "add almost_full_below")
    elif at.almost_full_below <= at.full_until:
        problem = f"is not above {at.full_until}, up to which the sign says FULL"
        yield error("almost_full_below", problem, f"make it {at.full_until + 1} or more")
    elif at.almost_full_until < at.almost_full_below:
        problem = (
            f"ALMOST FULL would be left at {at.almost_full_until}, before it is entered at "
            f"{at.almost_full_below}"
        )
        yield error("almost_full_until", problem, f"make it {at.almost_full_below} or more")
    if sign.clamp is not None and sign.clamp < sign.rounding:
        problem = f"no number up to {sign.clamp} is a multiple of {sign.rounding}, so none is ever shown"
        yield error("clamp", problem, f"make it {sign.rounding} or more, or rounding less")
    field = "full_until" if at.full_until >= at.almost_full_until else "almost_full_until"
    highest = max(at.full_until, at.almost_full_until)
    for subject, most in most_free(sign, registry).items():
        # Nothing there yet: zones may be registered before their bays.
        if 0 < most < highest:
            of = f"its zones have {most} bays" if subject is None else f"zone '{subject}' has {most} bays"
            yield error(
                _given(sign, field),
                f"{of}: once below {highest}, it could never say SPACES again",
                f"make it {most} or less",
            )


def _given(sign: Sign, field: str) -> str:
    """The field that somebody wrote, of a threshold that may follow from another."""
    order = [field, field.replace("until", "below"), "reserve"]
    return next((name for name in order if getattr(sign, name)), field)


def _names(sign: Sign, registry: Registry) -> Iterator[RegistryError]:
    where = f"sign {sign.sign_id}"
    if sign.show is Show.SUM:
        if sign.short_names:
            yield RegistryError(
                where,
                "short_names",
                "the sign speaks of the sum of its zones",
                "make show 'pages' or 'lines'",
            )
        return
    named = {(zone_id, language) for zone_id, language, _ in sign.short_names}
    for language in () if registry.area is None else registry.area.languages:
        lacking = [zone_id for zone_id in sign.zone_ids if (zone_id, language) not in named]
        if lacking:
            problem = f"there is none in '{language}' for {', '.join(lacking)}"
            yield RegistryError(where, "short_names", problem, "name each zone in each language of the area")


def _texts(sign: Sign, registry: Registry) -> Iterator[RegistryError]:
    """What has no word at all is told by the registry's own checks, or by `_names`."""
    languages = () if registry.area is None else registry.area.languages
    if sign.controller is Controller.UTMC or not languages:
        return
    for said in _widest(sign, most_free(sign, registry)):
        found = [error for language in languages for error in _unfit(sign, language, said)]
        if found:
            yield from found
            return
        complete = all(
            spoken(sign, subject, language, claim) is not None
            for language in languages
            for subject, claim in said.items()
        )
        if complete and not pages(sign, languages, said):
            what = " and ".join(languages)
            fix = "give it more lines, or show languages and zones on pages"
            problem = f"not all of {what} fits at once on {_size(sign)}"
            yield RegistryError(
                f"sign {sign.sign_id}",
                "layout" if sign.layout is Layout.TWO_LINES else "show",
                problem,
                fix,
            )
            return


def _unfit(sign: Sign, language: str, said: dict[ZoneId | None, Claim]) -> Iterator[RegistryError]:
    size = _size(replace(sign, lines=1)) if sign.show is Show.LINES else _size(sign)
    for subject, claim in said.items():
        text = spoken(sign, subject, language, claim)
        if claim.number is None and phrase(sign, claim.state, language) is None:
            if phrase(sign, claim.state, language, 1) is not None:
                problem = (
                    f"{claim.state} in '{language}' has a place for a number, and is said without one, too"
                )
                fix = (
                    "take {n} out of it" if claim.state is not FrameState.SPACES else "add the word 'spaces'"
                )
                yield RegistryError(f"sign {sign.sign_id}", "words", problem, fix)
        elif text is not None and not pages(sign, [language], {subject: claim}):
            field = "lines" if len(text) <= sign.width else "width"
            problem = f"{text!r} ({language}) does not fit on {size}, so the sign would be blank"
            yield RegistryError(
                f"sign {sign.sign_id}",
                field,
                problem,
                "give the sign's real size, shorter words, or a clamp where the number is too long",
            )


def _widest(sign: Sign, most: dict[ZoneId | None, int]) -> Iterator[dict[ZoneId | None, Claim]]:
    """Every word that the sign may say, with the longest and the shortest number that may go with it."""
    states = [FrameState.FULL, FrameState.CLOSED]
    for state in states:
        yield dict.fromkeys(most, Claim(state))
    counted = [FrameState.SPACES]
    if sign.almost_full_below is not None:
        counted.append(FrameState.ALMOST_FULL)
    for state in counted:
        yield {subject: Claim(state, number_of(sign, free)) for subject, free in most.items()}
        yield {subject: Claim(state, number_of(sign, sign.reserve + 1)) for subject in most}


def _size(sign: Sign) -> str:
    lines = "one line" if sign.lines == 1 else f"{sign.lines} lines"
    return f"{lines} of {sign.width} characters"

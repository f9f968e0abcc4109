"""What a sign would show if it were registered like this, and what speaks against it. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from occupancy.model import Sign
from occupancy.registry import Registry, RegistryError
from occupancy.registry_problems import sign_problems
from signs.document import document
from signs.frame import Frame
from signs.refusals import refusals_of
from signs.words import unconfirmed


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """`frame` None: it cannot be registered. `unconfirmed`: (state, language, text) of words that it might show."""

    frame: Frame | None = None
    refused: tuple[RegistryError, ...] = ()
    unconfirmed: tuple[tuple[str, str, str], ...] = ()


def preview(
    sign: Sign, registry: Registry | None, known_areas: list[str], now: Callable[[], Frame]
) -> Preview:
    """Judge a sign in its area's registry; `now` is asked for its frame where nothing speaks against it."""
    if registry is None or registry.area is None:
        registered = f"registered: {', '.join(sorted(known_areas)) or 'none'}"
        no_area = f"there is no area '{sign.area_id}'"
        return Preview(refused=(RegistryError(f"sign {sign.sign_id}", "area_id", no_area, registered),))
    refused = (*sign_problems(registry, sign), *refusals_of(sign, registry))
    return Preview(
        frame=None if refused else now(),
        refused=refused,
        unconfirmed=tuple(unconfirmed(sign, registry.area.languages)),
    )


def preview_document(found: Preview) -> dict[str, object]:
    """Return it as JSON-ready values."""
    return {
        "frame": None if found.frame is None else document(found.frame),
        "refusals": [
            {"where": one.where, "field": one.field, "problem": one.problem, "fix": one.fix}
            for one in found.refused
        ],
        "unconfirmed": [
            {"state": state, "language": language, "text": text}
            for state, language, text in found.unconfirmed
        ],
    }

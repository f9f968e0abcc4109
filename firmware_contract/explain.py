"""A field that does not fit, in our own words: which one, what is wrong, what to send."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Final, get_type_hints

from firmware_contract.errors import Reason, Refused
from firmware_contract.messages import TYPES


@cache
def _fixes(kind: str) -> dict[str, str]:
    """What to send in each field, from the messages' own descriptions."""
    hints = get_type_hints(TYPES[kind], include_extras=True)
    return {field: _description(hints[field]) for field in TYPES[kind].__struct_fields__}


def _description(hint: Any) -> str:
    # A sum of annotations is flattened, the outermost last.
    description: str = [meta.description for meta in hint.__metadata__ if meta.description][-1]
    return description


_MISSING: Final = re.compile(r"Object missing required field `([a-z_]+)`")
_PATH: Final = re.compile(r" - at `\$\.([a-z_]+)")
_GOT: Final = re.compile(r"Expected `[^`]*`, got `([a-z]+)`")
_RANGE: Final[tuple[tuple[str, str], ...]] = (
    ("Invalid enum value", "not one of the allowed words"),
    ("of length", "too short or too long"),
    ("RFC3339", "a moment that does not exist"),
)


def explained(kind: str, problem: str) -> Refused:
    """The rejection in our own words. msgspec's may quote the payload, so none of them pass through."""
    fixes = _fixes(kind)
    if (missing := _MISSING.match(problem)) is not None:
        field = missing[1]
        return Refused(Reason.MISSING_FIELD, f"{field}: missing; send {fixes[field]}")
    path = _PATH.search(problem)
    got = _GOT.match(problem)
    if path is None or path[1] not in fixes:
        what = got[1] if got else "value"
        return Refused(Reason.BAD_TYPE, f"the payload is of type {what}; send one JSON object")
    field = path[1]
    if got is not None:
        return Refused(
            Reason.BAD_TYPE, f"{field}: of type {got[1]}, and nothing is coerced; send {fixes[field]}"
        )
    said = next((words for mark, words in _RANGE if mark in problem), "out of range")
    return Refused(Reason.OUT_OF_RANGE, f"{field}: {said}; send {fixes[field]}")

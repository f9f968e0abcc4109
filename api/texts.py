"""Texts in parameters, each with its form as OpenAPI says it (a pattern) and as it is read (a check of ours).

The check is as strict as the pattern, and stricter where a pattern has no words: `west` before `east`. The pattern
alone could refuse, but not say how to put it right.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from api.arrival import DAY, HOUR, MINUTE, RFC3339, instant_of
from api.selection import (
    AREAS_MAX,
    ID,
    NUMBER,
    ZONES_MAX,
    box_of,
    connector_of,
    driver_of,
    ids_of,
    point_of,
)
from occupancy.history.kerb import UNRESTRICTED
from occupancy.model import EV_CONNECTORS, BayType, Use
from occupancy.registry_fields import DAYS, DRIVERS, parse_days

LONGEST = 4096
PRINTABLE = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$"
"""What `api.edge` lets through, in JSON Schema's dialect."""


def formed(pattern: str, longest: int = LONGEST, **more: Any) -> Any:
    """A text of this form, as OpenAPI has it; without ^ and $."""
    return Field(max_length=longest, json_schema_extra={"pattern": f"^({pattern})$", **more})


def checked(check: Callable[[str], object]) -> AfterValidator:
    """A text that `check` does not raise `ValueError` for."""

    def run(text: str) -> str:
        check(text)
        return text

    return AfterValidator(run)


def _civil_day(text: object) -> object:
    """Not the seconds since 1970 that pydantic reads as a date, too."""
    if isinstance(text, str) and re.fullmatch(_CIVIL_DAY, text) is None:
        raise ValueError("a day is needed, as 2026-10-01")
    return text


def _ids(most: int) -> str:
    return ID if most == 1 else f"{ID}(,{ID}){{0,{most - 1}}}"


def _one_of(known: tuple[str, ...]) -> AfterValidator:
    def check(text: str) -> None:
        for one in text.split(","):
            if one not in known:
                raise ValueError(f"{one!r} is none of {', '.join(known)}")

    return checked(check)


def _some_of(known: tuple[str, ...]) -> str:
    one = f"({'|'.join(known)})"
    return f"{one}(,{one})*"


def hours_of(text: str) -> tuple[int, ...]:
    """Civil hours out of "8-18": from eight to six in the evening. Raises `ValueError` with the fix."""
    first, _, last = text.partition("-")
    if re.fullmatch(_HOURS, text) is None or int(first) >= int(last):
        raise ValueError("is no stretch of whole hours: give 8-18, or controlled")
    return tuple(range(int(first), int(last)))


def _hours_or_controlled(text: str) -> None:
    if text != "controlled":
        hours_of(text)


def _dated(text: str) -> None:
    if re.fullmatch(_DATED, text) is not None:
        return
    if re.fullmatch(f"{DAY}[Tt ]{_TIME}", text):
        raise ValueError(f"{text!r} has no offset; write 2026-10-01T08:00:00Z, or a date for civil time")
    if re.fullmatch(f"{DAY}[Tt ]{_TIME} {HOUR}(:?{MINUTE})?", text):
        raise ValueError(
            f"{text!r} has a space for its +, which is %2B in a query; write that, or UTC with Z"
        )
    raise ValueError(f"{text!r} is no date or time; write 2026-10, 2026-10-01 or 2026-10-01T08:00:00Z")


def _token(text: str) -> None:
    if re.fullmatch(_AFTER, text) is None:
        raise ValueError("is none of ours: give next of the answer before")


_HOURS = "(0?[0-9]|1[0-9]|2[0-3])-(0?[1-9]|1[0-9]|2[0-4])"
_DAY = f"({'|'.join(DAYS)})(-({'|'.join(DAYS)}))?"
_TIME = f"{HOUR}(:{MINUTE}(:{MINUTE}([.,][0-9]{{1,9}})?)?)?"
_CLOCK = f"{_TIME}([Zz]|[-+]{HOUR}(:?{MINUTE})?)"
_DATED = f"[0-9]{{4}}-(0[1-9]|1[0-2])|{DAY}([Tt ]{_CLOCK})?"
_AFTER = "[A-Za-z0-9_-]{1,400}={0,2}"
_DRIVER = f"{'|'.join(DRIVERS)}|permit:[A-Za-z0-9][A-Za-z0-9_-]{{0,31}}"
USES = (UNRESTRICTED, *(use.value for use in Use))

Text = Annotated[str, Field(max_length=LONGEST)]
AreaId = Annotated[str, formed(ID, 64, examples=["cardiff"]), checked(lambda text: ids_of(text, 1))]
AreaIds = Annotated[
    str, formed(_ids(AREAS_MAX), examples=["cardiff"]), checked(lambda text: ids_of(text, AREAS_MAX))
]
OneId = Annotated[str, formed(ID, 64), checked(lambda text: ids_of(text, 1))]
ZoneIds = Annotated[str, formed(_ids(ZONES_MAX)), checked(lambda text: ids_of(text, ZONES_MAX))]
Drivers = Annotated[str, formed(_DRIVER, 64), checked(driver_of)]
Connector = Annotated[str, formed("|".join(EV_CONNECTORS), 40), checked(connector_of)]
Degrees2 = Annotated[str, formed(f"{NUMBER},{NUMBER}", 200), checked(point_of)]
Degrees4 = Annotated[str, formed(",".join([NUMBER] * 4), 400), checked(box_of)]
ArrivalTime = Annotated[str, formed(RFC3339, 64), checked(instant_of)]
Dated = Annotated[str, formed(_DATED, 64), checked(_dated)]
_CIVIL_DAY = DAY.replace("[0-9]{4}", "[12][0-9]{3}", 1)
"""Python knows no year 0."""
CivilDay = Annotated[
    date, BeforeValidator(_civil_day), Field(json_schema_extra={"pattern": f"^{_CIVIL_DAY}$"})
]
Hours = Annotated[str, formed(f"controlled|{_HOURS}", 20), checked(_hours_or_controlled)]
Days = Annotated[str, formed(f"daily|{_DAY}(,{_DAY}){{0,6}}", 64), checked(parse_days)]
BayTypes = Annotated[str, formed(_some_of(tuple(BayType)), 400), _one_of(tuple(BayType))]
Uses = Annotated[str, formed(_some_of(USES), 400), _one_of(USES)]
Token = Annotated[str, formed(_AFTER, 402), checked(_token)]

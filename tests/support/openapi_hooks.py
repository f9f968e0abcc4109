"""What `schemathesis` cannot know of our API, because OpenAPI has no words for it; loaded by schemathesis.toml.

No check is off. What is let by is one kind of judgement, that data of the schema's form should have been accepted, and
only where the answer says which of the reasons here it was refused for.
"""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import urlsplit

import schemathesis
from schemathesis.core.failures import Failure
from schemathesis.core.transport import Response
from schemathesis.generation.case import Case
from schemathesis.hooks import HookContext
from schemathesis.openapi.checks import RejectedPositiveData

QUERY_MAX_BYTES: Final = 4096
_PROBLEM: Final = "urn:baycast:problem:"

_THERE: Final[dict[str, object]] = {
    "zone_id": "cardiff-st",
    "sign_id": "cardiff-vms",
    "rule_id": "cardiff-pay",
    "kind": "rule",
    "document_id": "cardiff-spare",
    "quarantine_id": 2,
}
_HISTORY: Final = "/v1/history/"
_DATE: Final = "'([0-9]{4}-(02-(29|30|31)|(04|06|09|11)-31)|0000-).*' is no date or time"
"""Only such days as no calendar has."""
_BEYOND_A_PARAMETER: Final = {
    # OpenAPI says of each parameter alone what it takes, and nothing of two together.
    "arrive_at": "goes without arrive_in|is in the past|is more than 24 hours ahead|is no time",
    "radius_m": "goes with near",
    "since": "goes without arrive_in and arrive_at|is after until|is more than|Input should be a valid date",
    "until": "Input should be a valid date",
    "If-None-Match": r"takes \* alone here",  # and without If-Match
    "by": "of area has no zones",
    "zone": "goes without by=zone",
    "zones": "goes with by=",
    "controlled_zones": "goes without zones|goes with by=",
    "use": "goes without",
    "bay_type": "goes without",
    "format": "files have all rows",
    # A pattern has no order, no greatest number, and no calendar: 2026-02-31, and dates before others.
    "near": "is lat,lon in degrees",
    "bbox": "is west,south,east,north in degrees",
    "from": f"{_DATE}|.* is no (full hour|multiple of)|.* is not within the years",
    "to": f"{_DATE}|.* is no (full hour|multiple of)|.* is not within the years|is not after from|is more than",
    "compare_from": f"{_DATE}|.* is no (full hour|multiple of)|.* is not within the years|goes without after",
    "grain": "below an hour|hour_of_week goes without",
    "hours": "is no stretch of whole hours",
    "days": "'.+' (runs backwards|names a day twice)",
    # What there is now is no part of a description.
    "after": "is no zone, or no longer one|is none of ours",
    "day_type": "'.*' is none of",
    # Letters of any language: not all dialects of patterns know what a letter is.
    "surveyor": "is no name of a person or a team",
}
# What people write is kept for ever: no number plates (L10), and nothing that cannot be shown, for which patterns have
# no class that all dialects know.
_WRITTEN: Final = r"holds what reads like a number plate|holds U\+"
_BEYOND_A_BODY: Final = {
    "reason": _WRITTEN,
    "notice": _WRITTEN,
    "why": _WRITTEN,
    "pages": "a character that no sign can show",
    # To JSON Schema 7.0 is a whole number. To a sign, which hears the same by MQTT, it is another type.
    "sequence": r"a whole number .* is needed, not [0-9.e+]*[.e][0-9.e+]*$",
}
# The registry's own rules: a document is an object to OpenAPI, and docs/registry.md tells what is in it. Each answer
# says in `problems` what does not fit itself or what there is.
_BY_THE_REGISTRY: Final = ("document", "mode", "override", "registry", "survey")


@schemathesis.hook
def before_load_schema(context: HookContext, raw_schema: dict[str, Any]) -> None:
    """Put what there is into paths, also at the bounds of bodies and queries: else all of it is not found."""
    for operations in raw_schema["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "path" and parameter["name"] in _THERE:
                    parameter["example"] = _THERE[parameter["name"]]


@schemathesis.hook
def before_add_examples(context: HookContext, examples: list[Case]) -> None:
    """Ask each report for what is needed alone: what may be given besides, at random, seldom goes together."""
    operation = context.operation
    if operation is not None and operation.path.startswith(_HISTORY):
        for case in examples:
            case.query = {name: case.query[name] for name in ("area", "from", "to")}


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: Case, response: Response) -> bool:
    """Whether it is one."""
    if not isinstance(failure, RejectedPositiveData):
        return True
    if response.status_code == 414:
        # The bound is for the query as a whole, and comes before everything else (L8).
        return len(urlsplit(str(response.request.url)).query) <= QUERY_MAX_BYTES
    return response.status_code != 422 or not _is_for_a_reason_here(response.json())


def _is_for_a_reason_here(said: dict[str, Any]) -> bool:
    kind = said["type"].removeprefix(_PROBLEM)
    if kind == "still-needed" or kind.removeprefix("invalid-") in _BY_THE_REGISTRY:
        return bool(said["problems"])
    of_body = kind == "invalid-body"
    name = said["field" if of_body else "parameter"]
    reason = (_BEYOND_A_BODY if of_body else _BEYOND_A_PARAMETER).get(name)
    return reason is not None and re.match(f"{re.escape(name)}:? ({reason})", said["detail"]) is not None

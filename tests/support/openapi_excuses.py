"""Why the API may refuse what its description allows, because OpenAPI has no words for it: where, as what, and why.

An excuse is for the operations and for the one problem that it names; whatever else is refused is a fault.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

_PROBLEM: Final = "urn:baycast:problem:"


@dataclass(frozen=True, slots=True)
class Excuse:
    """`operations`: a pattern of "GET /v1/zones". `code`: of the problem, without its prefix.

    `of` is the parameter or the field that the problem names, and `because` a pattern of what is said of it. Without
    them the problem lists what is wrong (`problems`), as the registry's do; without `of`, `because` is of all it says.
    """

    operations: str
    code: str
    of: str | None = None
    because: str = ""

    def lets_by(self, operation: str, said: Mapping[str, Any]) -> bool:
        """Return whether an operation may answer with this problem."""
        if re.fullmatch(self.operations, operation) is None or said["type"] != _PROBLEM + self.code:
            return False
        if self.of is None:
            return (
                re.match(self.because, said["detail"]) is not None
                if self.because
                else bool(said.get("problems"))
            )
        named = said.get("parameter", said.get("field"))
        return (
            named == self.of
            and re.match(f"{re.escape(self.of)}:? ({self.because})", said["detail"]) is not None
        )


def is_excused(operation: str, said: Mapping[str, Any]) -> bool:
    """Return whether a problem is one of those that OpenAPI has no words for."""
    return any(excuse.lets_by(operation, said) for excuse in EXCUSES)


def _parameters(operations: str, reasons: Mapping[str, str]) -> Sequence[Excuse]:
    return [Excuse(operations, "invalid-parameter", name, because) for name, because in reasons.items()]


def _fields(operations: str, reasons: Mapping[str, str]) -> Sequence[Excuse]:
    return [Excuse(operations, "invalid-body", name, because) for name, because in reasons.items()]


_AVAILABILITY: Final = "GET /v1/availability"
_ZONES: Final = "GET /v1/zones"
_SKILL: Final = "GET /v1/forecast/skill"
_REPORTS: Final = "GET /v1/history/(coverage|occupancy|overstays|stays|turnover)"
_ONE_DOCUMENT: Final = re.escape("/v1/admin/registry/{kind}/{document_id}")
_DATE: Final = "'([0-9]{4}-(02-(29|30|31)|(04|06|09|11)-31)|0000-).*' is no date or time"
"""Only such days as no calendar has."""
_WRITTEN: Final = r"holds what reads like a number plate|holds U\+"
"""What people write is kept for ever: no number plates (L10), and nothing that cannot be shown, for which patterns have
no class that all dialects know.
"""
EXCUSES: Final = (
    # OpenAPI says of each parameter alone what it takes, and nothing of two together; a pattern has no order, no
    # greatest number, and no calendar (2026-02-31, and dates before others); what there is now is not described.
    *_parameters(
        f"{_AVAILABILITY}|{re.escape('GET /v1/zones/{zone_id}/forecast')}",
        {"arrive_at": "goes without arrive_in|is in the past|is more than 24 hours ahead|is no time"},
    ),
    *_parameters(
        f"{_AVAILABILITY}|{_ZONES}", {"radius_m": "goes with near", "near": "is lat,lon in degrees"}
    ),
    *_parameters(
        f"{_AVAILABILITY}|{_ZONES}|GET /v1/live/events", {"bbox": "is west,south,east,north in degrees"}
    ),
    *_parameters(_AVAILABILITY, {"since": "goes without arrive_in and arrive_at"}),
    *_parameters(_ZONES, {"after": "is no zone, or no longer one"}),
    *_parameters(
        _SKILL,
        {
            "since": "is after until|is more than|Input should be a valid date",
            "until": "Input should be a valid date",
            "zone": "goes without by=zone",
        },
    ),
    *_parameters(
        _REPORTS,
        {
            "by": "of area has no zones",
            "zones": "goes with by=",
            "controlled_zones": "goes without zones|goes with by=",
            "use": "goes without",
            "bay_type": "goes without",
            "format": "files have all rows",
            "from": f"{_DATE}|.* is no (full hour|multiple of)|.* is not within the years",
            "to": f"{_DATE}|.* is no (full hour|multiple of)|.* is not within the years|is not after from|is more than",
            "compare_from": f"{_DATE}|.* is no (full hour|multiple of)|.* is not within the years|goes without after",
            "grain": "below an hour|hour_of_week goes without",
            "hours": "is no stretch of whole hours",
            "days": "'.+' (runs backwards|names a day twice)",
            "after": "is none of ours",
            "day_type": "'.*' is none of",
        },
    ),
    *_parameters("GET /v1/admin/surveys", {"from": _DATE, "to": _DATE}),
    # Letters of any language: not all dialects of patterns know what a letter is.
    *_parameters("POST /v1/admin/surveys", {"surveyor": "is no name of a person or a team"}),
    # Without If-Match.
    *_parameters(f"(PUT|DELETE) {_ONE_DOCUMENT}", {"If-None-Match": r"takes \* alone here"}),
    *_fields("POST /v1/admin/overrides", {"reason": _WRITTEN, "notice": _WRITTEN}),
    *_fields(re.escape("PUT /v1/signs/{sign_id}/mode"), {"reason": _WRITTEN}),
    *_fields("POST /v1/admin/quarantine", {"why": _WRITTEN}),
    *_fields(
        re.escape("POST /v1/signs/{sign_id}/shown"),
        {
            "pages": "a character that no sign can show",
            # To JSON Schema 7.0 is a whole number. To a sign, which hears the same by MQTT, it is another type.
            "sequence": r"a whole number .* is needed, not [0-9.e+]*[.e][0-9.e+]*$",
        },
    ),
    # Whether the version of If-Match still holds, or an override has ended, is not the schema's.
    Excuse(f"(PUT|DELETE) {_ONE_DOCUMENT}", "changed", because=".* ask for it again"),
    Excuse(re.escape("DELETE /v1/admin/overrides/{override_id}"), "ended", because=".* void=true"),
    # The registry's own rules: a document is an object to OpenAPI, and docs/registry.md tells what is in it. Each
    # answer says in `problems` what does not fit itself or what there is.
    Excuse(f"PUT {_ONE_DOCUMENT}", "invalid-document"),
    Excuse(f"DELETE {_ONE_DOCUMENT}", "still-needed"),
    Excuse("POST /v1/admin/registry", "invalid-registry"),
    Excuse("POST /v1/admin/overrides", "invalid-override"),
    Excuse("POST /v1/admin/surveys", "invalid-survey"),
    Excuse(re.escape("PUT /v1/signs/{sign_id}/mode"), "invalid-mode"),
)

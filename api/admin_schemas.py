"""What admins send and get. Answers are rendered as bytes elsewhere, as in `api.schemas`; what is sent is read here."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from api.arrival import DAY, HOUR, MINUTE
from api.params import ID_MAX
from api.survey_schemas import Agreement
from occupancy.registry_fields import ID_PATTERN
from store import quarantine_decisions
from store.free_text import TEXT_MAX, checked_free_text, checked_reference
from store.quarantine_decisions import Decision

NAMED_MAX = 1000
"""Bays, and zones, that one override may name."""


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


def _number(said: object) -> object:
    """A text of digits is none. 7.0 is: to JSON it is the same as 7."""
    if isinstance(said, bool | str):
        raise ValueError("is no number")
    return said


Id = Annotated[
    str, Field(min_length=1, max_length=64, json_schema_extra={"pattern": f"^{ID_PATTERN.pattern}$"})
]
FreeText = Annotated[str, Field(max_length=TEXT_MAX), AfterValidator(checked_free_text)]
"""Kept for ever: what reads like a number plate is refused (L10)."""
Reference = Annotated[str, Field(max_length=64), AfterValidator(checked_reference)]
Word = Annotated[str, Field(max_length=64, pattern="^[a-z][a-z0-9_]*$")]
_MINUTE = f"{DAY}T{HOUR}:{MINUTE}:00(\\.0{{1,6}})?(Z|[+-]{HOUR}:{MINUTE})"
Instant = Annotated[
    str,
    Field(
        max_length=40,
        description="RFC 3339, on a whole minute",
        json_schema_extra={"pattern": f"^{_MINUTE}$"},
    ),
]


class Key(_Shape):
    """An API key without its secret, which nobody has but its holder."""

    id: int
    label: str
    scopes: list[str]
    areas: list[str] | None = Field(description="null: all areas")
    made_by: str
    made_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None = Field(description="To the minute, and up to half a minute late")


class KeyPage(_Shape):
    keys: list[Key]
    next: int | None = Field(description="Give it as `after` for the next page; null: this was the last")


class AuditEntry(_Shape):
    seq: int
    at: datetime
    who: str = Field(description="`user NAME` at the command line, or `key ID (LABEL)`")
    action: str
    areas: list[str] | None
    subject: str | None
    details: dict[str, Any]


class AuditPage(_Shape):
    """The newest first."""

    entries: list[AuditEntry]
    next: int | None = Field(description="Give it as `before` for the next page; null: this was the last")


class Suspicion(_Shape):
    bay_id: str
    kind: str
    began_at: datetime
    reason: str
    evidence: dict[str, Any]


class Sensor(_Shape):
    """What is known of a sensor, but for what it sees."""

    area: str
    device_id: str
    model: str
    bay_id: str | None
    zone_id: str | None
    heard_at: datetime | None
    stated_at: datetime | None
    silent: bool
    cut_off_by: str | None = Field(
        description="An outage of more than this sensor: `area/ID` or `gateway/ID`"
    )
    battery_mv: int | None
    faults: list[str]
    words: int = Field(description="Messages that told whether one before them is missing")
    missed: int
    missed_share: float | None
    agreement: Agreement | None = Field(
        description="With surveyors, in the last 92 days; null: nobody looked"
    )
    defects: list[str] = Field(description="The gravest first")
    suspicions: list[Suspicion]


class SensorList(_Shape):
    """What to fix first at the top: the most, and the gravest, that is wrong."""

    sensors: list[Sensor]
    of: int = Field(description="Sensors in all")


class Refused(_Shape):
    """A message that did not become a reading."""

    id: int
    area: str | None = Field(description="null: of no registered device")
    topic: str
    reason: str
    detail: str
    device_id: str | None
    payload: str | None = Field(
        description="Its first 2048 bytes as text; null: not kept, as of every passage, which might hold a plate"
    )
    payload_bytes: int
    first_seen: datetime
    last_seen: datetime
    count: int
    replayed_at: datetime | None = Field(description="It became a reading, or was found to be one already")
    replay_asked_at: datetime | None = Field(description="To be tried again, which ingest has not done yet")
    replay_refused_at: datetime | None = Field(description="Tried again when asked, and refused as before")
    discarded_at: datetime | None
    discard_reason: str | None


class QuarantinePage(_Shape):
    """The newest first."""

    refused: list[Refused]
    next: int | None = Field(description="Give it as `before` for the next page; null: this was the last")


_WHAT_GOES_TOGETHER: JsonDict = {
    "allOf": [
        {
            "anyOf": [
                {"properties": {"ids": {"minItems": 1}, "reason": {"type": "null"}}, "required": ["ids"]},
                {
                    "properties": {"ids": {"maxItems": 0}, "reason": {"type": "string"}},
                    "required": ["reason"],
                },
            ]
        },
        {
            "anyOf": [
                {
                    "properties": {
                        "do": {"enum": [one.value for one in Decision if one is not Decision.DISCARD]}
                    }
                },
                {"properties": {"do": {"const": "discard"}, "why": {"pattern": "\\S"}}, "required": ["why"]},
            ]
        },
    ]
}


class QuarantineDecision(_Shape):
    """What shall become of refused messages: of those of `ids`, or of the oldest thousand open ones for a `reason`.

    Those that were refused again, or that can not be replayed, come last: asked again and again, all have their turn.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra=_WHAT_GOES_TOGETHER)
    do: Decision
    ids: list[Annotated[int, Field(ge=1, le=ID_MAX), BeforeValidator(_number)]] = Field(
        default_factory=list, max_length=quarantine_decisions.AT_ONCE
    )
    reason: Word | None = Field(None, description="As the rows have it: unknown_device")
    area: Id | None = Field(None, description="Of devices of this area only")
    why: FreeText = Field("", description="For the audit log, without number plates; needed to discard")

    @model_validator(mode="after")
    def _says_what(self) -> QuarantineDecision:
        if bool(self.ids) == (self.reason is not None):
            raise ValueError("give ids or a reason, and not both")
        if self.do is Decision.DISCARD and not self.why.strip():
            raise ValueError("why: say why they are discarded")
        return self


class LeftRow(_Shape):
    id: int
    why: str


class QuarantineDecided(_Shape):
    ids: list[int] = Field(description="Rows that it was done to")
    left: list[LeftRow] = Field(description="Rows that it can not be done to")


_AN_OVERRIDE: JsonDict = {
    "id": "water-main",
    "area_id": "cardiff",
    "kind": "suspension",
    "reason": "burst water main",
    "starts_at": "2036-12-01T08:00:00Z",
    "zone_ids": ["cardiff-st"],
}


class NewOverride(_Shape):
    """A suspension, closure or event. The same one again changes nothing; another with the same id takes its place."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_AN_OVERRIDE]})

    id: Id
    area_id: Id
    kind: Literal["suspension", "closure", "event"]
    reason: FreeText
    starts_at: Instant
    ends_at: Instant | None = None
    expires_at: Instant | None = Field(None, description="When one without a known end lapses")
    notice: Reference | None = None
    day_type: str | None = Field(None, max_length=32)
    bay_ids: list[Id] = Field(default_factory=list, max_length=NAMED_MAX)
    zone_ids: list[Id] = Field(default_factory=list, max_length=NAMED_MAX)

    def registry_document(self) -> dict[str, object]:
        """As `occupancy.overrides` reads it: what is not given is left out."""
        return {name: value for name, value in self.model_dump(exclude={"id"}).items() if value}


class Override(_Shape):
    id: str
    area_id: str
    kind: str
    reason: str
    starts_at: datetime
    ends_at: datetime | None = None
    expires_at: datetime | None = None
    notice: str | None = None
    day_type: str | None = None
    bay_ids: list[str] = []
    zone_ids: list[str] = []
    entered_by: str | None = None
    entered_at: datetime | None = None


class OverridePage(_Shape):
    overrides: list[Override]
    next: str | None = Field(description="Give it as `after` for the next page; null: this was the last")


class OverrideSet(_Shape):
    changed: bool = Field(description="false: it was there already")
    override: Override


class OverrideWithdrawn(_Shape):
    override: Override | None = Field(description="What is left of it; null: nothing")

"""The messages of contract v1, and the one source of their limits for decoding, error texts and JSON Schema.

Strict: JSON types are never coerced. A field's description completes the sentence "send ...".
Times are aware UTC; durations say their unit. Building a message checks nothing: only `decode` judges.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

U32: Final = 2**32 - 1
MAX_AGE_MS: Final = 3653 * 86_400_000
"""Ten years."""
MAX_COUNT: Final = 1_000_000
MAX_TEXT: Final = 64
MAX_FAULTS: Final = 16

# That the moment exists (30 February, leap seconds) is beyond a pattern and checked by `decode`.
TIME_PATTERN: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|\+00:00)$"
TEXT_PATTERN: Final = r"^[ -~]*$"
TOKEN_PATTERN: Final = r"^[A-Za-z0-9_-]{32,128}$"  # noqa: S105 - a shape, not a secret

Cause = Literal["change", "heartbeat", "boot", "requery"]
Direction = Literal["in", "out"]

_U32 = Annotated[int, Meta(ge=0, le=U32)]
_Count = Annotated[int, Meta(ge=0, le=MAX_COUNT)]
_Share = Annotated[float, Meta(ge=0, le=1)]
_Text = Annotated[
    str,
    Meta(min_length=1, max_length=MAX_TEXT, extra_json_schema={"pattern": TEXT_PATTERN}),
]
_Token = Annotated[
    str,
    Meta(min_length=32, max_length=128, extra_json_schema={"pattern": TOKEN_PATTERN}),
]
_Instant = Annotated[datetime, Meta(tz=True, extra_json_schema={"pattern": TIME_PATTERN})]

_Faults = Annotated[
    tuple[_Text, ...],
    Meta(
        max_length=MAX_FAULTS,
        description=f"a list of at most {MAX_FAULTS} words of 1 to {MAX_TEXT} printable ASCII characters",
    ),
]
_Confidence = Annotated[_Share | None, Meta(description="a number from 0 to 1")]
_Battery = Annotated[
    Annotated[int, Meta(ge=0, le=100_000)] | None,
    Meta(description="an integer of millivolts from 0 to 100000"),
]
_Temperature = Annotated[
    Annotated[float, Meta(ge=-100, le=200)] | None,
    Meta(description="a number of degrees Celsius from -100 to 200"),
]
_Rssi = Annotated[
    Annotated[float, Meta(ge=-250, le=50)] | None,
    Meta(description="a number of dBm from -250 to 50"),
]
_Label = Annotated[_Text | None, Meta(description=f"1 to {MAX_TEXT} printable ASCII characters")]
_Moment = Annotated[_Instant, Meta(description='an RFC 3339 time in UTC, as in "2026-03-01T09:30:00Z"')]
_MaybeMoment = Annotated[
    _Instant | None,
    Meta(description='an RFC 3339 time in UTC, as in "2026-03-01T09:30:00Z", or null when there is no clock'),
]


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What all messages have in common: nothing but being one. (gc: none can be part of a cycle.)"""


class Timed(Message, frozen=True, kw_only=True, omit_defaults=True):
    """What a device says of a moment, and the key by which it is counted once (L2)."""

    boot: Annotated[
        _U32, Meta(description=f"an integer from 0 to {U32}, kept over restarts and only growing")
    ]
    seq: Annotated[_U32, Meta(description=f"an integer from 0 to {U32}, growing by one within a boot")]
    at: _MaybeMoment
    age_ms: Annotated[
        Annotated[int, Meta(ge=0, le=MAX_AGE_MS)] | None,
        Meta(description=f"an integer of milliseconds from 0 to {MAX_AGE_MS}: how long ago it was when sent"),
    ] = None


class State(Timed, frozen=True, kw_only=True, omit_defaults=True):
    """A bay sensor's reading. `occupied` null: it cannot tell. `prev_s`: seconds of the state before."""

    occupied: Annotated[bool | None, Meta(description="true, false, or null when the sensor cannot tell")]
    cause: Annotated[Cause, Meta(description='"change", "heartbeat", "boot" or "requery"')]
    prev_s: Annotated[
        _U32 | None,
        Meta(description=f"an integer of seconds from 0 to {U32}: how long the previous state lasted"),
    ] = None
    confidence: _Confidence = None
    battery_mv: _Battery = None
    temperature_c: _Temperature = None
    rssi_dbm: _Rssi = None
    faults: _Faults = ()


class Passage(Timed, frozen=True, kw_only=True, omit_defaults=True):
    """One vehicle through a gate. Never a plate (L10)."""

    direction: Annotated[Direction, Meta(description='"in" or "out"')]
    vehicle_token: Annotated[
        _Token | None,
        Meta(description="a keyed token of 32 to 128 characters of A-Z a-z 0-9 _ - made at the gate"),
    ] = None
    confidence: _Confidence = None


class Count(Timed, frozen=True, kw_only=True, omit_defaults=True):
    """An absolute count from a car park's own system, in bays; it may exceed `capacity`: cars queue."""

    occupied: Annotated[_Count, Meta(description=f"an integer from 0 to {MAX_COUNT}")]
    capacity: Annotated[_Count | None, Meta(description=f"an integer from 0 to {MAX_COUNT}")] = None


class Health(Timed, frozen=True, kw_only=True, omit_defaults=True):
    """The device is alive; nothing is said about a vehicle."""

    battery_mv: _Battery = None
    temperature_c: _Temperature = None
    rssi_dbm: _Rssi = None
    faults: _Faults = ()
    firmware: _Label = None


class Boot(Timed, frozen=True, kw_only=True, omit_defaults=True):
    """The device has started; the first message of a new `boot`."""

    reset_cause: _Label = None
    firmware: _Label = None


class Link(Message, frozen=True, kw_only=True, omit_defaults=True):
    """The last word on a connection, retained; `false` is the MQTT will, which cannot know its time."""

    online: Annotated[bool, Meta(description="true or false")]
    at: _MaybeMoment = None


class Clock(Message, frozen=True, kw_only=True, omit_defaults=True):
    """The watermark of an event area, from its publisher: nothing earlier than `at` is still to come."""

    at: _Moment


class Canary(Message, frozen=True, kw_only=True, omit_defaults=True):
    """An ingest worker's own message through the broker; its commit is the watermark of live areas."""

    worker: Annotated[
        Annotated[str, Meta(min_length=1, max_length=MAX_TEXT, extra_json_schema={"pattern": TEXT_PATTERN})],
        Meta(description="the id of the worker, as in the topic"),
    ]
    at: _Moment


AnyMessage = State | Passage | Count | Health | Boot | Link | Clock | Canary

TYPES: Final[dict[str, type[AnyMessage]]] = {
    "state": State,
    "passage": Passage,
    "count": Count,
    "health": Health,
    "boot": Boot,
    "link": Link,
    "clock": Clock,
    "canary": Canary,
}
"""Message types by kind: the last level of the topic, or `kind` of a batch item."""

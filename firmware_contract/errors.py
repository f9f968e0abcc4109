"""Why a message is rejected."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """The kinds of rejection. The values are stored and counted, so they never change their meaning."""

    TOO_LARGE = "too_large"
    """More than 16 KiB, or a batch of more than 256 items."""
    BAD_TOPIC = "bad_topic"
    """Not a topic of contract v1."""
    NOT_JSON = "not_json"
    """Empty, not UTF-8, a byte order mark, malformed, NaN or Infinity, or nested deeper than 16 levels."""
    BAD_TYPE = "bad_type"
    """Another JSON type than the contract's; nothing is ever coerced."""
    OUT_OF_RANGE = "out_of_range"
    """The right type, but beyond a limit, not an allowed word, or a moment that does not exist."""
    MISSING_FIELD = "missing_field"
    BAD_TEXT = "bad_text"
    """NUL, a lone surrogate, control, bidirectional or zero-width characters; or not plain ASCII."""
    BAD_TIME = "bad_time"
    """Text that is not an RFC 3339 time in UTC."""
    PLATE = "plate"
    """A passage with something like a number plate (L10)."""


class Refused(Exception):
    """A message breaks the contract; carries the verdict from a check up to `decode`.

    `detail` says which field and what to send; it never quotes the payload.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail

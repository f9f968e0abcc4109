"""What the auditor says when something is wrong."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """The values are names of figures."""

    LOST = "lost"
    """Acknowledged, and neither stored nor quarantined nor counted beyond the cap."""
    DUPLICATED = "duplicated"
    """One key stored twice."""
    DOUBLE_COUNTED = "double_counted"
    """Derived rows that do not follow from the log: a stay too many or too few, a wrong count."""
    ALTERED = "altered"
    """Stored with a meaning that was never sent under its key."""
    PHANTOM = "phantom"
    """Stored and never sent."""
    MISQUARANTINED = "misquarantined"
    """In quarantine without cause, for the wrong reason, or without its bytes."""
    BROKEN_LOG = "broken_log"
    """Positions with gaps, batches that miscount their rows, sequence numbers out of step."""
    WRONG_STATE = "wrong_state"
    """A bay's or zone's live answer that its readings do not give."""
    UNEQUAL = "unequal"
    """A derived table that a rebuild gives otherwise."""


class Finding(NamedTuple):
    kind: Kind
    text: str

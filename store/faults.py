"""What an exception of the database means for the work in hand."""

from __future__ import annotations

from enum import Enum, auto

import psycopg


class Fault(Enum):
    DATA = auto()
    """One of the rows: bisect, quarantine the culprit."""
    OUTAGE = auto()
    """The database is away: no ack, back off, reopen."""
    BUSY = auto()
    """A lock, a deadlock, a slow statement: no ack, back off, the same connection."""
    BUG = auto()
    """Neither: nothing that waiting or bisecting could heal."""


_BUSY = frozenset({"40001", "40P01", "55P03", "57014"})
_OUTAGE_CLASSES = ("08", "53", "57P", "58")
_OUTAGE = frozenset({"25006", "25P03"})  # a failover to a read-only server; a session ended for idling
_DATA_CLASSES = ("22", "23")


def classify(error: Exception) -> Fault:
    """Sort an exception raised while working with the database.

    psycopg itself refuses some values before the server sees them (NUL in text, an integer too large for its
    column): those come as `DataError` without a SQLSTATE, or as the ValueError family.
    """
    if not isinstance(error, psycopg.Error):
        # UnicodeError is a ValueError; struct packs raise OverflowError for what does not fit.
        return Fault.DATA if isinstance(error, ValueError | OverflowError) else Fault.BUG
    state = error.sqlstate
    if state is None:
        if isinstance(error, psycopg.DataError):
            return Fault.DATA
        return (
            Fault.OUTAGE
            if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
            else Fault.BUG
        )
    if state in _BUSY:
        return Fault.BUSY
    if state in _OUTAGE or state.startswith(_OUTAGE_CLASSES):
        return Fault.OUTAGE
    return Fault.DATA if state.startswith(_DATA_CLASSES) else Fault.BUG

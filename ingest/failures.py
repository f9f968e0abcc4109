"""Why ingest ends.

IngestError          the process cannot go on; its text is the one line for the operator
    WorkerIdTaken    another process runs under this worker id
    BrokerError      the broker refuses us for good, or our own receiving thread died
Stopped              the stop came while the database was away; what is not acknowledged stays with the broker
"""

from __future__ import annotations


class IngestError(RuntimeError):
    """Ingest cannot go on."""


class WorkerIdTaken(IngestError):
    """Another process holds this worker id's lock."""


class BrokerError(IngestError):
    """The broker refuses us, or the receiving thread died."""


class Stopped(Exception):
    """Asked to stop while waiting for the database."""

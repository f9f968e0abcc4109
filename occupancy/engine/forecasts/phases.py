"""What is done for an area with each minute, phase by phase: one that fails holds up no other."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import psycopg

from occupancy.engine.forecasts.metrics import FAILURES
from occupancy.model import AreaId
from store.faults import Fault, classify

Phase = Literal["area", "issuing", "scoring", "training", "dropping", "drift"]
_log = logging.getLogger("baycast.forecast")


@contextmanager
def phase(name: Phase, area: AreaId) -> Iterator[None]:
    """Count and log what goes wrong within (L11), a statement that was too slow included. An outage of the database is
    everybody's, and is raised."""
    try:
        yield
    except Exception as error:
        if isinstance(error, psycopg.Error) and classify(error) is Fault.OUTAGE:
            raise
        FAILURES.labels(name).inc()
        _log.exception("%s of forecasts failed, all else goes on", name, extra={"area": area, "phase": name})

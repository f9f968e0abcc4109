"""Has the models trained anew every night, in child processes, one after the other: never in one that serves."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Protocol

from occupancy.calendar import civil_at
from occupancy.engine.forecasts.metrics import FAILURES, TRAININGS
from occupancy.model import Area, AreaId

AT_HOUR = 3
"""From this hour of the civil day on, when the day before is over and little is asked."""
_LONGEST_S = 1800.0
"""A training that takes longer is ended."""
_AGAIN = timedelta(hours=1)
"""After one that failed, by the area's own time."""
_log = logging.getLogger("baycast.forecast")


class Training(Protocol):
    """A child process, as `subprocess.Popen` is."""

    def poll(self) -> int | None: ...

    def kill(self) -> None: ...


class Nightly:
    """Starts one training at a time. What it makes is found in the folder of models, by whoever looks there."""

    def __init__(self, start: Callable[[AreaId], Training]) -> None:
        self._start = start
        self._running: tuple[AreaId, Training, float] | None = None
        self._done: dict[AreaId, date] = {}
        self._not_before: dict[AreaId, datetime] = {}

    def look(
        self, area: Area, now: datetime, trained_to: datetime | None, heard_since: datetime | None
    ) -> None:
        """Start what is due for an area. `trained_to`: by the model in use; `heard_since`: None, nothing was heard."""
        self._see_to()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        civil = civil_at(area.time_zone, now)
        if (
            self._running is not None
            or heard_since is None
            or heard_since >= midnight  # there is no whole day to learn from
            or (trained_to is not None and (trained_to >= midnight or civil.minute < AT_HOUR * 60))
            or self._done.get(area.area_id) == now.date()
            or now < self._not_before.get(area.area_id, now)
        ):
            return
        self._done[area.area_id] = now.date()
        self._not_before[area.area_id] = now + _AGAIN
        _log.info("training begins", extra={"area": area.area_id})
        self._running = area.area_id, self._start(area.area_id), time.monotonic()

    def stop(self) -> None:
        """End the one that runs."""
        if self._running is not None:
            self._running[1].kill()
            self._running = None

    def _see_to(self) -> None:
        if self._running is None:
            return
        area, training, began_s = self._running
        status = training.poll()
        if status is None:
            if time.monotonic() - began_s > _LONGEST_S:
                _log.error("training took too long and is ended", extra={"area": area})
                training.kill()
            return
        self._running = None
        TRAININGS.labels(area, "ok" if status == 0 else "failed").inc()
        if status == 0:
            _log.info("training ended", extra={"area": area, "seconds": round(time.monotonic() - began_s)})
            return
        FAILURES.labels("training").inc()
        self._done.pop(area, None)  # tried again within the day
        _log.error("training failed, the model before stands", extra={"area": area, "status": status})

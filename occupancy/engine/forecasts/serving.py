"""Serves every area: an issue each minute, and scores, for as long as the process lives."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psycopg

from occupancy.calendar import civil_at
from occupancy.engine.forecasts.area import AreaForecasts, AreaModel, Standing
from occupancy.engine.forecasts.config import ForecastConfig
from occupancy.engine.forecasts.drifting import watch_drift
from occupancy.engine.forecasts.metrics import (
    ISSUED,
    SCORED,
    SCORED_LAG,
    SECONDS,
    forget_issues,
    tell_of,
)
from occupancy.engine.forecasts.nightly import Nightly, Training
from occupancy.engine.forecasts.phases import phase
from occupancy.engine.forecasts.scoring import MINUTE, score_due
from occupancy.model import EPOCH, AreaId, Clock
from store import forecast_records, registry_now
from store.faults import Fault, classify
from store.forecast_models import ModelFolder
from store.forecast_panel import heard_since
from store.forecast_records import IssueReader, Live, Recorder, ScoredMeanwhileError
from store.postgres import Connection, connect

SEEN_TO_EVERY_S = 3600.0
"""How often what is too old is dropped, and drift looked for."""
HOURS_SCORED = 4
"""At most with one issue: whoever was away for long catches up without holding up what is issued."""
LOTS_DROPPED = 20
"""At most at once, for the same reason."""
_log = logging.getLogger("baycast.forecast")


def utc_now() -> datetime:
    """This process's clock; what is below takes the time as an argument (L7)."""
    return datetime.fromtimestamp(time.time(), UTC)


def run(
    config: ForecastConfig,
    stop: threading.Event,
    start_training: Callable[[AreaId], Training],
    clock: Callable[[], datetime] = utc_now,
) -> None:
    """Serve every area until `stop`. An outage of the database is waited out with jittered back-off.

    `start_training` is called in this thread, for a child process that lives on while this one serves.
    """
    nightly, delay = Nightly(start_training), 0.1
    try:
        while not stop.is_set():
            try:
                with connect(config.database_url, role="baycast forecast") as conn:
                    while not stop.is_set() and not forecast_records.try_lock(conn):
                        stop.wait(config.poll_s)
                    serving = _Serving(conn, config, nightly, clock, stop)
                    while not stop.is_set():
                        serving.look()
                        delay = 0.1
                        stop.wait(config.poll_s)
            except psycopg.Error as error:
                if classify(error) not in (Fault.OUTAGE, Fault.BUSY):
                    raise
                _log.warning("database not reachable, trying again", extra={"error": str(error).strip()})
                stop.wait(delay * random.uniform(0.5, 1.5))  # noqa: S311
                delay = min(delay * 2, 5.0)
    finally:
        nightly.stop()


class _Serving:
    """One connection's work."""

    def __init__(
        self,
        conn: Connection,
        config: ForecastConfig,
        nightly: Nightly,
        clock: Callable[[], datetime],
        stop: threading.Event,
    ) -> None:
        self._conn, self._config, self._nightly, self._clock = conn, config, nightly, clock
        self._stop = stop
        self._areas: dict[AreaId, tuple[Standing, AreaForecasts]] = {}
        self._models: dict[AreaId, AreaModel] = {}
        self._recorders: dict[AreaId, Recorder] = {}
        self._reader = IssueReader()
        self._seen_to_s = float("-inf")
        self._drifted: set[tuple[AreaId, int]] = set()
        with conn.transaction(), conn.cursor() as cur:
            self._issued_at = forecast_records.newest_at(cur)

    def look(self) -> None:
        """Do what is due in each area. What goes wrong in one does not hold up the others (L11)."""
        with self._conn.transaction(), self._conn.cursor() as cur:
            live, marks = forecast_records.live(cur), registry_now.marks(cur)
        for at in live:
            if self._stop.is_set():
                return
            if at.area not in marks:
                continue
            with phase("area", at.area):
                self._look_at(at, marks[at.area])
        if time.monotonic() - self._seen_to_s >= SEEN_TO_EVERY_S:
            self._seen_to_s = time.monotonic()
            for at in live:
                with phase("dropping", at.area):
                    self._drop(at.area, at.watermark - self._config.issues_kept)
                if known := self._areas.get(at.area):
                    with phase("drift", at.area):
                        self._watch(known[1], at.watermark)

    def _look_at(self, at: Live, mark: str) -> None:
        forecasts = self._forecasts(at, mark)
        if forecasts is None:
            return
        is_live = forecasts.area.clock is Clock.LIVE
        now = self._clock() if is_live else at.watermark
        minute = now - (now - EPOCH) % MINUTE
        before = self._issued_at.get(at.area)
        # Later than now is what a clock that was ahead has left; it is not waited for.
        if before is not None and (minute == before or (minute < before and not is_live)):
            return
        self._issued_at[at.area] = minute  # one that fails is not made up for: its minute is over
        self._models[at.area].look()
        with phase("issuing", at.area):
            self._issue(forecasts, min(at.watermark, minute), minute)
        with phase("scoring", at.area):
            self._score(forecasts, at)
        with phase("training", at.area):
            self._train(forecasts, minute)

    def _forecasts(self, at: Live, mark: str) -> AreaForecasts | None:
        """The area as it stands; None: its registry has no area or no zones."""
        standing = Standing(at.generation, mark)
        known = self._areas.get(at.area)
        if known is None or known[0] != standing:
            with self._conn.transaction(), self._conn.cursor() as cur:
                registry = registry_now.registry_now(cur, at.area)
            if registry.area is None or not registry.zones:
                self._areas.pop(at.area, None)
                forget_issues(at.area)
                return None
            folder = ModelFolder(self._config.data_dir, at.area)
            model = self._models.setdefault(at.area, AreaModel(folder, at.area))
            model.look()
            known = self._areas[at.area] = standing, AreaForecasts(registry.area, registry, model)
        return known[1]

    def _issue(self, forecasts: AreaForecasts, data_to: datetime, minute: datetime) -> None:
        area = forecasts.area.area_id
        with SECONDS.time(), self._conn.transaction(), self._conn.cursor() as cur:
            issue = forecasts.issue(cur, data_to, minute)
            if self._recorders.setdefault(area, Recorder()).record(cur, issue):
                ISSUED.labels(area).inc()
        tell_of(issue, forecasts.area.clock)

    def _score(self, forecasts: AreaForecasts, at: Live) -> None:
        try:
            for _ in range(HOURS_SCORED):
                scored = score_due(self._conn, forecasts, self._reader, at.watermark)
                SCORED.labels(at.area).inc(scored or 0)
                if scored is None or self._stop.is_set():
                    break
        except ScoredMeanwhileError as other:
            _log.info("scored by another process", extra={"area": at.area, "what": str(other)})
        with self._conn.transaction(), self._conn.cursor() as cur:
            to, first = forecast_records.scored_to(cur, at.area)
        behind = at.watermark - (to or first or at.watermark)
        SCORED_LAG.labels(at.area).set(max(behind, timedelta()).total_seconds())

    def _train(self, forecasts: AreaForecasts, minute: datetime) -> None:
        model = self._models[forecasts.area.area_id].newest
        trained_to = None if model is None else model.trained_to
        heard = trained_to  # who was learnt from was heard of
        if heard is None:
            with self._conn.transaction(), self._conn.cursor() as cur:
                heard = heard_since(cur, forecasts.area.area_id, forecasts.places)
        self._nightly.look(forecasts.area, minute, trained_to, heard)

    def _drop(self, area: AreaId, before: datetime) -> None:
        dropped = 0
        for _ in range(LOTS_DROPPED):
            with self._conn.transaction(), self._conn.cursor() as cur:
                lot = forecast_records.drop_issues(cur, area, before)
            dropped += lot
            if lot < forecast_records.DROPPED_AT_ONCE or self._stop.is_set():
                break
        if dropped:
            _log.info("issues dropped", extra={"area": area, "issues": dropped})

    def _watch(self, forecasts: AreaForecasts, at: datetime) -> None:
        today = civil_at(forecasts.area.time_zone, at).day
        with self._conn.transaction(), self._conn.cursor() as cur:
            watch_drift(cur, forecasts.area.area_id, today, self._drifted)

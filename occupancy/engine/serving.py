"""Serves every area: a page each in turn, as the log grows, for as long as the process lives."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Iterable
from contextlib import ExitStack

import psycopg

from occupancy.engine.area_engine import AreaEngine
from occupancy.engine.config import ENGINE_VERSION, EngineConfig
from occupancy.engine.learning import learner
from occupancy.engine.metrics import LAG, LOST_RACES, OUTAGES, OVERDUE, SUSPECTS
from occupancy.engine.rebuilding import RebuildRunningError, rebuild
from occupancy.engine.retaining import retainer
from occupancy.model import AreaId
from store import car_parks, generation
from store.derived import LostRace
from store.faults import Fault, classify
from store.postgres import Connection, connect

_log = logging.getLogger("baycast.engine")


def run(config: EngineConfig, stop: threading.Event) -> None:
    """Serve every area until `stop`. An outage of the database is waited out with jittered back-off."""
    delay = 0.1
    while not stop.is_set():
        try:
            with connect(config.database_url, role="baycast engine") as conn:
                _serve(conn, config, stop)
                delay = 0.1
        except psycopg.Error as error:
            if classify(error) not in (Fault.OUTAGE, Fault.BUSY):
                raise
            OUTAGES.inc()
            _log.warning("database not reachable, trying again", extra={"error": str(error).strip()})
            stop.wait(delay * random.uniform(0.5, 1.5))  # noqa: S311
            delay = min(delay * 2, 5.0)


def _serve(conn: Connection, config: EngineConfig, stop: threading.Event) -> None:
    engines: dict[AreaId, AreaEngine] = {}
    forgotten_at: float | None = None
    with ExitStack() as during:
        listener = during.enter_context(
            connect(config.database_url, autocommit=True, role="baycast engine listener")
        )
        listener.execute("LISTEN baycast_log")
        while not stop.is_set() and not generation.try_engine_lock(conn):
            stop.wait(config.poll_s)
        during.enter_context(learner(config))
        during.enter_context(retainer(config))
        while not stop.is_set():
            with conn.transaction(), conn.cursor() as cur:
                heads = generation.heads(cur)
            if forgotten_at is None or time.monotonic() - forgotten_at >= config.forget_every_s:
                forgotten_at = time.monotonic()
                _forget_tokens(conn, heads)
            # A page each in turn: an area with a backlog (a replay) must not hold up the others.
            behind = [area for area in heads if _advance(conn, area, engines, config)]
            for area, head in heads.items():
                LAG.labels(area).set(max(0, head - engines[area].at.position) if area in engines else head)
            if not behind:
                for _ in listener.notifies(timeout=config.poll_s, stop_after=1):
                    pass


def _forget_tokens(conn: Connection, areas: Iterable[AreaId]) -> None:
    """Vehicle tokens past the longest stay go from the log (L10). By the time of day: it changes no derived row."""
    for area in areas:
        with conn.transaction(), conn.cursor() as cur:
            car_parks.forget_tokens(cur, area)


def _advance(conn: Connection, area: AreaId, engines: dict[AreaId, AreaEngine], config: EngineConfig) -> bool:
    """Fold one page of an area; whether there may be more."""
    try:
        if area not in engines:
            if not _brought_up(conn, area, config):
                return False
            with conn.transaction(), conn.cursor() as cur:
                at = generation.live_generation(cur, area, ENGINE_VERSION)
            engines[area] = AreaEngine(conn, at, config)
            _log.info(
                "serving area", extra={"area": area, "generation": at.generation, "position": at.position}
            )
        advanced = engines[area].advance()
        if advanced:
            OVERDUE.labels(area).set(engines[area].fold.sensed.overdue())
            for kind, suspects in engines[area].fold.suspects.counts().items():
                SUSPECTS.labels(area, kind.value).set(suspects)
    except LostRace as lost:
        LOST_RACES.inc()
        _log.info(
            "another engine was first or the generation changed, loading again", extra={"why": str(lost)}
        )
        engines.pop(area, None)
        return True
    return advanced > 0


def _brought_up(conn: Connection, area: AreaId, config: EngineConfig) -> bool:
    """Rows of another version of the engine are rebuilt first, and answer until then. False: another process does."""
    with conn.transaction(), conn.cursor() as cur:
        version = generation.live_version(cur, area)
    if version in (None, ENGINE_VERSION):
        return True
    _log.info("rows of another version of the engine, rebuilding", extra={"area": area, "version": version})
    try:
        rebuild(conn, area, config.in_bulk())
    except RebuildRunningError:
        return False
    return True

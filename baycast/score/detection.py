"""How long the engine takes to see that a sensor is stuck or that a part of the network is away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from baycast.score.decoding import instant
from simulator.field_run import FieldRun

_HOUR_S = 3600.0


def stuck_figures(run: FieldRun, suspected: Mapping[int, Sequence[datetime]]) -> dict[str, float | None]:
    """`suspected` holds, by bay, when the engine began to suspect its sensor."""
    delays: list[float] = []
    stuck = 0
    rightly: set[int] = set()
    for sensor in run.sensors:
        for episode in sensor.watched.stuck:
            stuck += 1
            began, ended = instant(episode.start_ms), instant(episode.end_ms)
            seen = next((at for at in suspected.get(sensor.bay, ()) if began <= at < ended), None)
            if seen is not None:
                delays.append((seen - began).total_seconds() / _HOUR_S)
                rightly.add(sensor.bay)
    return {
        "stuck_sensors": stuck,
        "stuck_detected_share": len(delays) / stuck if stuck and suspected else None,
        "stuck_delay_h": sum(delays) / len(delays) if delays else None,
        "suspects": len(suspected) if suspected else None,
        "suspects_not_stuck": len(suspected) - len(rightly) if suspected else None,
    }


def outage_figures(run: FieldRun, noticed: Sequence[datetime] | None) -> dict[str, float | None]:
    """`noticed` holds when the engine first spoke of each outage; None: it never speaks of any."""
    delays: list[float] = []
    for outage in run.outages:
        began, ended = instant(outage.start_ms), instant(outage.end_ms)
        seen = next((at for at in noticed or () if began <= at < ended), None)
        if seen is not None:
            delays.append((seen - began).total_seconds() / _HOUR_S)
    known = noticed is not None and bool(run.outages)
    return {
        "outages": len(run.outages),
        "outage_detected_share": len(delays) / len(run.outages) if known else None,
        "outage_delay_h": sum(delays) / len(delays) if delays else None,
    }

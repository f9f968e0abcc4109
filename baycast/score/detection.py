"""How long the engine takes to see that a part of the network is away."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from baycast.score.decoding import instant
from simulator.field_run import FieldRun

_HOUR_S = 3600.0


def outage_figures(
    run: FieldRun, noticed: Mapping[tuple[str, datetime], datetime]
) -> dict[str, float | None]:
    """`noticed` holds, by group and beginning, when the engine first spoke of each outage. One counts for a gateway
    when it is of that gateway, or of the whole area."""
    delays: list[float] = []
    for outage in run.outages:
        began, ended = instant(outage.start_ms), instant(outage.end_ms)
        group = f"gateway/gw-{outage.gateway}"
        times = [at for (whose, _), at in noticed.items() if whose == group or whose.startswith("area/")]
        if outage.gateway is None:
            times = [at for (whose, _), at in noticed.items() if whose.startswith("area/")]
        seen = min((at for at in times if began <= at < ended), default=None)
        if seen is not None:
            delays.append((seen - began).total_seconds() / _HOUR_S)
    return {
        "outages": len(run.outages),
        "outage_detected_share": len(delays) / len(run.outages) if run.outages else None,
        "outage_delay_h": sum(delays) / len(delays) if delays else None,
    }

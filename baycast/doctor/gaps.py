"""`baycast doctor --gaps`: which sequence numbers never came, by device.

A number that is missing was lost before the broker had it, in the broker, or is still on its way.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime

from baycast.settings import Settings, UsageError

MOST_LINES = 10_000


def gaps_report(settings: Settings, device: str | None, limit: int, *, as_json: bool) -> Iterator[str]:
    """The lines, or one JSON object; at most `limit` of each kind. UsageError as the other commands."""
    from baycast.reachability import open_database, refusals_in_words
    from baycast.wiring import database_url
    from store import doctor

    if not 1 <= limit <= MOST_LINES:
        raise UsageError(f"doctor: --limit is from 1 to {MOST_LINES}")
    with open_database(database_url(settings), "baycast doctor") as conn, refusals_in_words("doctor"):
        lives = doctor.gaps(conn, device, limit)
        holes = [] if device is None else doctor.holes_of(conn, device, limit)
    if as_json:
        answer = {"lives": [asdict(life) for life in lives], "holes": [asdict(hole) for hole in holes]}
        yield json.dumps(answer, default=datetime.isoformat)
        return
    if not lives:
        yield "no gaps"
    for life in lives:
        yield (
            f"{life.device_id}  incarnation {life.incarnation} boot {life.boot}: {life.missing} missing in"
            f" {life.holes} {'hole' if life.holes == 1 else 'holes'}, the last"
            f" {_numbers(life.last_from, life.last_to)}, noticed {_when(life.noticed_at)}"
        )
    for hole in holes:
        yield (
            f"  incarnation {hole.incarnation} boot {hole.boot}: {_numbers(hole.first, hole.last)},"
            f" noticed {_when(hole.noticed_at)}"
        )
    if limit in {len(lives), len(holes)}:
        yield f"the first {limit}: there may be more, see --limit"


def _when(noticed_at: datetime | None) -> str:
    return "long ago" if noticed_at is None else f"{noticed_at:%Y-%m-%d %H:%M:%S} UTC"


def _numbers(first: int, last: int) -> str:
    return str(first) if first == last else f"{first} to {last}"

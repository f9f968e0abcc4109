"""`baycast doctor --gaps`: which sequence numbers never came, by device.

A number that is missing was lost before the broker had it, in the broker, or is still on its way.
"""

import json
from dataclasses import asdict

from baycast.settings import Settings, UsageError

MOST_LINES = 10_000


def show_gaps(settings: Settings, device: str | None, limit: int, *, as_json: bool) -> int:
    """Print them; the exit status is 0 whether there are any or not. UsageError as the other commands."""
    from baycast.reachability import open_database
    from baycast.wiring import database_url
    from store import doctor

    if not 1 <= limit <= MOST_LINES:
        raise UsageError(f"doctor: --limit is from 1 to {MOST_LINES}")
    with open_database(database_url(settings), "baycast doctor") as conn:
        lives = doctor.gaps(conn, device, limit)
        holes = [] if device is None else doctor.holes_of(conn, device, limit)
    if as_json:
        answer = {"lives": [asdict(life) for life in lives]}
        if device is not None:
            answer["holes"] = [asdict(hole) for hole in holes]
        print(json.dumps(answer, default=str))
        return 0
    if not lives:
        print("no gaps")
    for life in lives:
        last = _numbers(life.last_from, life.last_to)
        print(
            f"{life.device_id}  incarnation {life.incarnation} boot {life.boot}: {life.missing} missing in"
            f" {life.holes} {'hole' if life.holes == 1 else 'holes'}, the last {last}, noticed {life.noticed_at or 'long ago'}"
        )
    for hole in holes:
        print(
            f"  incarnation {hole.incarnation} boot {hole.boot}: {_numbers(hole.first, hole.last)},"
            f" noticed {hole.noticed_at or 'long ago'}"
        )
    if limit in {len(lives), len(holes)}:
        print(f"the first {limit}: there may be more, see --limit")
    return 0


def _numbers(first: int, last: int) -> str:
    return str(first) if first == last else f"{first} to {last}"

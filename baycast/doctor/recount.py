"""`baycast doctor --recount`: are the hours of history those that the log gives?"""

from collections.abc import Iterator

from baycast.doctor.findings import Finding
from baycast.settings import Settings, UsageError


def recount_findings(settings: Settings, area: str | None) -> Iterator[Finding]:
    """One finding an area, after its log has been folded once more beside the live rows. Raises `UsageError`."""
    from baycast.garbage import collect_seldom
    from baycast.reachability import open_database
    from baycast.wiring import database_url, engine_config_at
    from occupancy.engine import RebuildRunningError, recount
    from occupancy.model import AreaId
    from store.registry import load_registries

    collect_seldom()
    url = database_url(settings)
    with open_database(url, "baycast doctor", statement_timeout_ms=0) as conn:
        with conn.transaction():
            areas = sorted(load_registries(conn))
        if area is not None and area not in areas:
            raise UsageError(f"there is no area {area!r}; known: {', '.join(areas) or 'none'}")
        for one in areas if area is None else [AreaId(area)]:
            try:
                found = recount(conn, one, engine_config_at(url).in_bulk())
            except RebuildRunningError as refused:
                raise UsageError(str(refused)) from None
            told = "; ".join(
                f"{series.scope.value} {series.scope_id} {series.value} {hour_at:%Y-%m-%dT%H:%MZ}".replace(
                    "  ", " "
                )
                for series, hour_at in found.told
            )
            counted = f"{found.hours} hours counted anew from the log, {found.days} days from their hours"
            says = f"{counted}, {found.differing} differ"
            yield Finding(
                f"history of {one}",
                "WRONG" if found.differing else "ok",
                f"{says}: {told}" if told else says,
            )

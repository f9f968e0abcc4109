"""Whether a zone has what depends on the hour and on single bays. Pure."""

from __future__ import annotations

from api.selection import Selection
from occupancy.drivers import usable_by
from occupancy.model import Zone, ZoneAvailability
from occupancy.whole_stay import Visit


def offers(zone: Zone, shown: ZoneAvailability, selection: Selection, visit: Visit | None) -> bool:
    """Say whether a zone that the selection takes has what is asked for, for the whole of the visit."""
    if not _has_connector(zone, shown, selection.view.ev_connector):
        return False
    if selection.min_free is None and not selection.open_now:
        return True
    bays = shown.counts
    own = usable_by(zone, shown, selection.view.asker, visit)
    if selection.open_now and (
        bays.closed == bays.capacity or (visit is not None and own.shut == bays.capacity)
    ):
        return False
    return selection.min_free is None or own.counts.free >= selection.min_free


def _has_connector(zone: Zone, shown: ZoneAvailability, connector: str | None) -> bool:
    return (
        connector is None
        or connector in zone.ev_connectors
        or any(connector in group.terms.ev_connectors for group in shown.groups if group.terms is not None)
    )

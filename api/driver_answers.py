"""What is answered to drivers who ask for some zones: a filtered snapshot, what changed in it, a page of places.

No I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from api.board import Board
from api.errors import Problem
from api.forecasts import Arrivals
from api.params import Availability, ZonePage
from api.selection import Selection, View, distance_m
from api.snapshot import encode, envelope, geometry, kerb_document, place_document, zone_document
from api.within_radius import within_radius
from occupancy.model import Zone, ZoneId

Document = dict[str, object]


def filtered(board: Board, query: Availability, arrivals: Arrivals | None) -> bytes:
    """Render the zones that the query is for, or those of them that changed `since` a version. Raises `Problem`."""
    if query.since is not None and query.arriving:
        told = "since: goes without arrive_in and arrive_at, whose answers differ at any time"
        raise Problem(422, "invalid-parameter", told, parameter="since")
    selection = query.selection
    zones = board.select(selection, None if arrivals is None else arrivals.visit)
    whole, zones = _since(board, query, zones)
    head = {**board.head(selection, zones), **whole}
    if query.format == "json" and selection.around is None and arrivals is None:
        return envelope(head, (board.zone_bytes(zone.zone_id, selection.view) for zone in zones))
    documents = [_told(board, zone, selection, arrivals) for zone in zones]
    if selection.around is not None and arrivals is not None:
        head["within_radius"] = within_radius(documents)
    if query.format == "geojson":
        features = [_feature(zone, properties) for zone, properties in zip(zones, documents, strict=True)]
        return encode({"type": "FeatureCollection", **head, "features": features})
    return encode({**head, "zones": documents})


def zone_page(board: Board, query: ZonePage) -> Document:
    """Return a page of zones with their places. Raises `Problem` for a page after a zone that there is not."""
    selection = query.selection
    order = _order(selection)
    found = sorted(board.select(selection), key=order)
    if query.after is not None:
        last = _place_of(board, selection, ZoneId(query.after))
        found = [zone for zone in found if order(zone) > last]
    page = found[: query.limit]
    zones = [{**_placed(board, zone, query.view), **_distance(selection, zone)} for zone in page]
    return {
        **board.head(selection, page),
        "zones": zones,
        "next": page[-1].zone_id if len(found) > len(page) else None,
    }


def one_zone(board: Board, zone_id: ZoneId, view: View) -> Document:
    """Return one zone, and the rules that it names. Raises `KeyError`."""
    zone = board.zones[zone_id].zone
    head = board.head(Selection(areas=frozenset([zone.area_id]), view=view), [zone])
    return {**head, **_placed(board, zone, view)}


def _placed(board: Board, zone: Zone, view: View) -> Document:
    """Return one zone with where it is, when it is open and what holds at its kerb."""
    live = board.zones[zone.zone_id]
    visit = board.visits.now(zone.area_id, view)
    return {
        **zone_document(live, board.levels[zone.area_id], view, visit),
        **place_document(zone),
        "kerb": kerb_document(live.availability.groups),
    }


def _order(selection: Selection) -> Callable[[Zone], tuple[float, str]]:
    around = selection.around
    if around is None:
        return lambda zone: (0.0, zone.zone_id)
    return lambda zone: (distance_m(around, zone.lat, zone.lon), zone.zone_id)


def _place_of(board: Board, selection: Selection, zone_id: ZoneId) -> tuple[float, str]:
    """Return where a page ended. By distance only a zone that there still is has a place. Raises `Problem`."""
    if selection.around is None:
        return 0.0, zone_id
    live = board.zones.get(zone_id)
    if live is None:
        told = "after: is no zone, or no longer one: begin again without it"
        raise Problem(422, "invalid-parameter", told, parameter="after")
    return _order(selection)(live.zone)


def _since(board: Board, query: Availability, zones: Sequence[Zone]) -> tuple[Document, list[Zone]]:
    """Return what an answer says of its being whole, and which of the zones it gives."""
    selection, since = query.selection, query.since
    changed = None if since is None else board.changed_since(since, selection.areas, selection.view)
    if changed is None:
        return {"complete": True}, list(zones)
    given = [zone for zone in zones if zone.zone_id in changed]
    gone = changed & {zone.zone_id for zone in board.taken(selection)} - {zone.zone_id for zone in zones}
    return {"complete": False, "prev": since, "gone": sorted(gone)}, given


def _told(board: Board, zone: Zone, selection: Selection, arrivals: Arrivals | None) -> Document:
    """Return the zone's live answer; what is forecast stands apart, so that nobody takes it for live (L5)."""
    view = selection.view
    visit = board.visits.now(zone.area_id, view) if arrivals is None else arrivals.visit(zone.area_id)
    document = zone_document(board.zones[zone.zone_id], board.levels[zone.area_id], view, visit)
    if arrivals is not None:
        document["forecast"] = arrivals.forecast(zone)
    return {**document, **_distance(selection, zone)}


def _distance(selection: Selection, zone: Zone) -> Document:
    around = selection.around
    return {} if around is None else {"distance_m": round(distance_m(around, zone.lat, zone.lon), 1)}


def _feature(zone: Zone, properties: Document) -> Document:
    return {"type": "Feature", "id": zone.zone_id, "geometry": geometry(zone), "properties": properties}

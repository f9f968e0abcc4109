"""What admins ask for. Every answer is held to the areas of the key (L9)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import FastAPI, Query, Request
from starlette.responses import Response

from api import admin_schemas as shapes
from api.access import Access
from api.answers import JSON
from api.guard import areas_for, caller_of
from api.live import Live
from api.params import AuditPage, KeyPage, SensorList
from api.personal import is_personal, note_personal_read
from api.routes.described import KEYED_PROBLEMS, described
from api.snapshot import encode
from occupancy.maintenance import SensorRecord, by_urgency, sensor_document
from occupancy.privacy import told_bays
from occupancy.registry import Registry
from store import audit, keys
from store.postgres import Connection
from store.sensors import list_sensors


def install(app: FastAPI, live: Live, access: Access) -> None:
    """Add the routes."""

    async def listed_keys(request: Request, query: Annotated[KeyPage, Query()]) -> Response:
        """API keys that are for no area but those of the key that asks; never their secrets."""
        within = areas_for(caller_of(request), query.area)
        found = await access.desk.ask(
            lambda conn: keys.page(conn, within=within, after=query.after, limit=query.limit)
        )
        full = len(found) == query.limit
        return _answer(
            {"keys": [key.document() for key in found], "next": found[-1].key_id if full else None}
        )

    async def audited(request: Request, query: Annotated[AuditPage, Query()]) -> Response:
        """The audit log, the newest first: what concerns no area but those of the key."""
        within = areas_for(caller_of(request), query.area)
        found = await access.desk.ask(
            lambda conn: audit.page(
                conn, within=within, before=query.before, action=query.action, limit=query.limit
            )
        )
        full = len(found) == query.limit
        return _answer(
            {"entries": [entry.document() for entry in found], "next": found[-1].seq if full else None}
        )

    async def sensors(request: Request, query: Annotated[SensorList, Query()]) -> Response:
        """The maintenance list: what to fix first at the top.

        What surveyors say of sensors of Blue Badge and residents' bays is for a key of scope `personal`, and audited.
        """
        caller = caller_of(request)
        within, personal = areas_for(caller, query.area), is_personal(caller)
        registries = [
            registry for area, registry in live.feed.registries.items() if within is None or area in within
        ]
        found = await access.desk.ask(lambda conn: _sensors(conn, registries, personal))
        urgent = by_urgency(found)[: query.limit]
        if personal:
            areas = [registry.area_id for registry in registries if registry.area_id is not None]
            told = frozenset[str]().union(*map(told_bays, registries))
            rows = sum(one.agreement is not None and one.bay_id not in told for one in urgent)
            asked = query.model_dump()
            await note_personal_read(access, caller, "GET /v1/admin/sensors", asked, areas, rows)
        return _answer({"sensors": [_without_state(record) for record in urgent], "of": len(found)})

    for path, route, shape in (
        ("/v1/admin/keys", listed_keys, shapes.KeyPage),
        ("/v1/admin/audit", audited, shapes.AuditPage),
        ("/v1/admin/sensors", sensors, shapes.SensorList),
    ):
        app.add_api_route(path, route, tags=["admin"], **described(shape, KEYED_PROBLEMS, tagged=False))


def _answer(document: dict[str, object]) -> Response:
    return Response(encode(document), media_type=JSON)


def _sensors(conn: Connection, registries: Sequence[Registry], personal: bool) -> list[SensorRecord]:
    return [record for registry in registries for record in list_sensors(conn, registry, personal=personal)]


def _without_state(record: SensorRecord) -> dict[str, object]:
    """Mending a sensor needs no word of what it sees, which may be a resident's bay."""
    return {name: value for name, value in sensor_document(record).items() if name != "state"}

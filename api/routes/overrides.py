"""Suspensions, closures and events, as admins put them over rules and sensors."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Query, Request
from starlette.responses import Response

from api import admin_schemas as shapes
from api.access import Access
from api.admin_schemas import NewOverride
from api.answers import JSON
from api.errors import Problem, not_found
from api.guard import areas_for, caller_of
from api.live import Live
from api.params import Nothing, OverridePage, Withdrawal
from api.refusals import refused_as
from api.routes.described import KEYED_PROBLEMS, described
from api.snapshot import encode
from occupancy.answers import instant
from occupancy.overrides import override_document, override_of
from occupancy.registry import RegistryError, RegistryRefused
from store import overrides
from store.overrides import NoOverrideError, OverrideEndedError


def install(app: FastAPI, live: Live, access: Access) -> None:
    """Add the routes."""

    async def listed(request: Request, query: Annotated[OverridePage, Query()]) -> Response:
        """Overrides by id, also those that have ended."""
        within = areas_for(caller_of(request), query.area)
        found = await access.desk.ask(
            lambda conn: overrides.page(conn, within=within, after=query.after or "", limit=query.limit)
        )
        full = len(found) == query.limit
        document = {
            "overrides": [
                {
                    "id": one.override.override_id,
                    **override_document(one.override),
                    "entered_by": one.entered_by,
                    "entered_at": instant(one.entered_at),
                }
                for one in found
            ],
            "next": found[-1].override.override_id if full else None,
        }
        return Response(encode(document), media_type=JSON)

    async def put(request: Request, body: NewOverride, _query: Annotated[Nothing, Query()]) -> Response:
        """Enter an override, in place of the one with its id; the same one again changes nothing."""
        caller = caller_of(request)
        areas_for(caller, body.area_id)
        registries = {area: found for area, found in live.feed.registries.items() if caller.is_for(area)}
        try:
            override = override_of(body.id, body.registry_document())
            changed = await access.desk.ask(
                lambda conn: overrides.put(
                    conn,
                    override,
                    registries,
                    entered_by=caller.name,
                    entered_at=live.clock(),
                    within=caller.areas,
                )
            )
        except RegistryError as error:
            raise refused_as("invalid-override", [error]) from None
        except RegistryRefused as refused:
            raise refused_as("invalid-override", refused.errors) from None
        document = {"changed": changed, "override": {"id": body.id, **override_document(override)}}
        return Response(encode(document), media_type=JSON)

    async def withdraw(request: Request, override_id: str, query: Annotated[Withdrawal, Query()]) -> Response:
        """End an override now, to the minute; take it out where it has not begun, or with `void`."""
        caller = caller_of(request)
        try:
            left = await access.desk.ask(
                lambda conn: overrides.withdraw(
                    conn,
                    override_id,
                    entered_by=caller.name,
                    entered_at=live.clock(),
                    void=query.void,
                    within=caller.areas,
                )
            )
        except NoOverrideError:
            raise not_found("override", override_id) from None
        except OverrideEndedError as ended:
            told = f"{ended}; if it was a mistake, void=true takes it out, also from history."
            raise Problem(409, "ended", told) from None
        rest = None if left is None else {"id": override_id, **override_document(left)}
        return Response(encode({"override": rest}), media_type=JSON)

    add = app.add_api_route
    problems = {**KEYED_PROBLEMS, 422: "What cannot be entered, with each thing that is wrong"}
    one = "/v1/admin/overrides/{override_id}"
    ended = {
        **KEYED_PROBLEMS,
        404: "No such override",
        409: "It has ended already; void=true takes it out as a mistake",
    }
    add(
        "/v1/admin/overrides",
        listed,
        tags=["admin"],
        **described(shapes.OverridePage, KEYED_PROBLEMS, tagged=False),
    )
    add(
        "/v1/admin/overrides",
        put,
        tags=["admin"],
        **described(shapes.OverrideSet, problems, tagged=False, method="POST"),
    )
    add(
        one,
        withdraw,
        tags=["admin"],
        **described(shapes.OverrideWithdrawn, ended, tagged=False, method="DELETE"),
    )

"""The registry, changed by admins: one document at a time, or a GeoJSON file; always checked as a whole."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import FastAPI, Query, Request
from starlette.responses import Response

from api import registry_schemas as shapes
from api.access import Access
from api.answers import GEOJSON, JSON
from api.errors import Problem, not_found
from api.guard import areas_for, caller_of
from api.keyring import Caller
from api.live import Live
from api.params import Nothing
from api.refusals import refused_as
from api.registry_schemas import KINDS, RegistryImport
from api.routes.described import KEYED_PROBLEMS, PROBLEMS, described
from api.routes.registry import ONE, PATH, document_answer
from api.snapshot import encode
from occupancy.registry import RegistryError, RegistryRefused, document, entity, identity
from occupancy.registry_geojson import read_geojson, strict_json
from occupancy.registry_reach import recomputed
from occupancy.registry_reading import placed
from store.postgres import Connection
from store.registry import Applied, Change, RegistryChangedError, apply
from store.registry_documents import Standing, find

_PRECONDITIONS: Final = [
    {
        "name": "If-Match",
        "in": "header",
        "schema": {"type": "string"},
        "description": "Only if the document is of this version, or, with *, is there",
    },
    {
        "name": "If-None-Match",
        "in": "header",
        "schema": {"type": "string", "enum": ["*"]},
        "description": "Only if there is no such document",
    },
]
_RULE: Final = {"area_id": "cardiff", "use": "pay", "days": "mon-sat"}


def _body(media_type: str, example: dict[str, Any]) -> dict[str, Any]:
    """How a document, of which docs/registry.md tells more than a schema could, stands in the OpenAPI document."""
    return {"required": True, "content": {media_type: {"schema": {"type": "object"}, "example": example}}}


_DOCUMENT: Final = _body(JSON, _RULE)
_FILE: Final = _body(
    GEOJSON,
    {"type": "FeatureCollection", "features": [], "baycast": {"rules": {"pay-and-display": _RULE}}},
)
_TAG = re.compile(r'(?<!W/)"(\d{1,18})"')


def install(app: FastAPI, live: Live, access: Access) -> None:
    """Add the routes."""

    async def put(
        request: Request, kind: str, document_id: str, _query: Annotated[Nothing, Query()]
    ) -> Response:
        """Enter a document, in place of the one with its id; the same one again changes nothing."""
        caller = caller_of(request)
        _require_kind(kind)
        try:
            wanted = entity(kind, document_id, await _json(request))
        except RegistryError as error:
            raise refused_as("invalid-document", [error]) from None
        areas_for(caller, wanted.area_id)
        change = Change(kind, document_id, document(wanted))
        only_if = _precondition(request)

        def work(conn: Connection) -> tuple[Applied, Standing | None]:
            applied = _apply(conn, [change], caller, live, only_if)
            return applied, find(conn, kind, document_id)

        try:
            applied, found = await access.desk.ask(work)
        except RegistryRefused as refused:
            raise refused_as("invalid-document", refused.errors) from None
        if found is None:
            raise not_found(f"{kind} in the registry", document_id)  # removed again by somebody
        return document_answer(found, {"changed": applied.changed > 0, "history": recomputed(applied.since)})

    async def remove(
        request: Request, kind: str, document_id: str, _query: Annotated[Nothing, Query()]
    ) -> Response:
        """Take a document out, where nothing else names it."""
        caller, only_if = caller_of(request), _precondition(request)
        _require_kind(kind)
        change = Change(kind, document_id, None)
        try:
            applied = await access.desk.ask(lambda conn: _apply(conn, [change], caller, live, only_if))
        except RegistryRefused as refused:
            raise refused_as("still-needed", refused.errors) from None
        if not applied.changed:
            raise not_found(f"{kind} in the registry", document_id)
        return Response(
            encode({"kind": kind, "id": document_id, "history": recomputed(applied.since)}), media_type=JSON
        )

    async def put_file(request: Request, query: Annotated[RegistryImport, Query()]) -> Response:
        """Enter a GeoJSON file as `baycast registry import` does, all of it or nothing."""
        caller = caller_of(request)
        try:
            found = read_geojson(await _text(request), "the file")
        except RegistryRefused as refused:
            raise refused_as("invalid-registry", refused.errors) from None
        for area in sorted({item.entity.area_id for item in found}):
            areas_for(caller, area)
        changes = [Change(*identity(item.entity), document(item.entity)) for item in found]

        def work(conn: Connection) -> Applied:
            with conn.transaction(force_rollback=query.dry_run):
                return _apply(conn, changes, caller, live, lambda _version: True)

        try:
            applied = await access.desk.ask(work)
        except RegistryRefused as refused:
            raise refused_as("invalid-registry", placed(refused.errors, found)) from None
        areas = [
            {
                "area": area,
                "changed": what.changed,
                "unchanged": what.unchanged,
                "documents": list(what.documents),
                "history": recomputed(what.since),
            }
            for area, what in applied.areas.items()
        ]
        return Response(encode({"dry_run": query.dry_run, "areas": areas}), media_type=JSON)

    problems = {
        **KEYED_PROBLEMS,
        404: PROBLEMS[404],
        412: "It is not as whoever changes it has seen it (If-Match, If-None-Match)",
        422: "What cannot be entered, with each thing that is wrong",
    }
    for path, route, shape, method, extra in (
        (PATH, put_file, shapes.RegistryImported, "POST", {"requestBody": _FILE}),
        (ONE, put, shapes.RegistryChanged, "PUT", {"parameters": _PRECONDITIONS, "requestBody": _DOCUMENT}),
        (ONE, remove, shapes.RegistryRemoved, "DELETE", {"parameters": _PRECONDITIONS}),
    ):
        app.add_api_route(
            path,
            route,
            tags=["admin"],
            openapi_extra=extra,
            **described(shape, problems, tagged=False, method=method),
        )


def _apply(
    conn: Connection,
    changes: list[Change],
    caller: Caller,
    live: Live,
    only_if: Callable[[int | None], bool],
) -> Applied:
    """Raises `RegistryRefused`, `Problem`, `psycopg.Error`."""
    try:
        return apply(
            conn,
            changes,
            entered_by=caller.name,
            entered_at=live.clock(),
            within=caller.areas,
            only_if=lambda _key, version: only_if(version),
        )
    except RegistryChangedError as changed:
        raise Problem(412, "changed", f"{changed}; ask for it again.") from None


def _require_kind(kind: str) -> None:
    """Raises `Problem`."""
    if kind not in KINDS:
        raise not_found("kind of document", kind)


def _precondition(request: Request) -> Callable[[int | None], bool]:
    """What If-Match and If-None-Match say of the version that is there, None: nothing is. Raises `Problem`."""
    match, none_match = request.headers.get("if-match"), request.headers.get("if-none-match")
    if none_match is not None:
        if none_match.strip() != "*" or match is not None:
            told = "If-None-Match takes * alone here: only if there is no such document."
            raise Problem(422, "invalid-parameter", told, parameter="If-None-Match")
        return lambda version: version is None
    if match is None:
        return lambda _version: True
    if match.strip() == "*":
        return lambda version: version is not None
    wanted = {int(tag) for tag in _TAG.findall(match)}
    return lambda version: version in wanted


async def _text(request: Request) -> str:
    """The body. Raises `Problem`."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in (JSON, GEOJSON):
        raise Problem(415, "media-type", f"Send {JSON} or {GEOJSON}.")
    try:
        return (await request.body()).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Problem(422, "invalid-body", "The body is not UTF-8.", field="the body") from None


async def _json(request: Request) -> object:
    """Raises `Problem`."""
    try:
        return strict_json(await _text(request))
    except (ValueError, RecursionError) as error:
        raise Problem(422, "invalid-body", f"the body: is not JSON: {error}", field="the body") from None

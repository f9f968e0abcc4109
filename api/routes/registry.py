"""The registry as it stands, document by document, and what its rules said when."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Query, Request
from starlette.responses import Response

from api import registry_schemas as shapes
from api.access import Access
from api.answers import JSON
from api.errors import not_found
from api.guard import areas_for, caller_of
from api.live import Live
from api.params import Nothing
from api.registry_schemas import RegistryPage
from api.routes.described import KEYED_PROBLEMS, PROBLEMS, described
from api.snapshot import encode
from store.registry_documents import Standing, find, list_entered, page
from store.rule_history import MOST, as_document

PATH = "/v1/admin/registry"
ONE = f"{PATH}/{{kind}}/{{document_id}}"


def install(app: FastAPI, _live: Live, access: Access) -> None:
    """Add the routes."""

    async def listed(request: Request, query: Annotated[RegistryPage, Query()]) -> Response:
        """Documents of the registry as they stand, by kind and id."""
        within = areas_for(caller_of(request), query.area)
        kind, _, id = (query.after or "").partition("/")
        found = await access.desk.ask(
            lambda conn: page(conn, within=within, kind=query.kind, after=(kind, id), limit=query.limit)
        )
        last = found[-1] if len(found) == query.limit else None
        told = {
            "documents": [_told(one) for one in found],
            "next": None if last is None else f"{last.kind}/{last.id}",
        }
        return Response(encode(told), media_type=JSON)

    async def one(
        request: Request, kind: str, document_id: str, _query: Annotated[Nothing, Query()]
    ) -> Response:
        """One document, with its version as ETag."""
        within = caller_of(request).areas
        found = await access.desk.ask(lambda conn: find(conn, kind, document_id, within=within))
        if found is None:
            raise not_found(f"{kind} in the registry", document_id)
        return document_answer(found, {})

    async def versions(request: Request, rule_id: str, _query: Annotated[Nothing, Query()]) -> Response:
        """What a rule said and when, by the versions that overstays name, the newest first."""
        within = caller_of(request).areas
        entered = await access.desk.ask(lambda conn: list_entered(conn, "rule", rule_id, MOST))
        told = [as_document(rule_id, one) for one in entered if within is None or one.area in within]
        if not told:
            raise not_found("rule", rule_id)
        return Response(encode({"versions": told}), media_type=JSON)

    missing = {**KEYED_PROBLEMS, 404: PROBLEMS[404]}
    for path, route, shape, problems in (
        (PATH, listed, shapes.RegistryDocuments, KEYED_PROBLEMS),
        (f"{PATH}/rule/{{rule_id}}/versions", versions, shapes.RuleVersions, missing),
        (ONE, one, shapes.RegistryDocument, missing),
    ):
        app.add_api_route(path, route, tags=["admin"], **described(shape, problems, tagged=False))


def _told(one: Standing) -> dict[str, object]:
    return {"kind": one.kind, "id": one.id, "area": one.area, "version": one.version, "document": one.doc}


def document_answer(one: Standing, more: dict[str, object]) -> Response:
    """One document, with its version as ETag."""
    headers = {"ETag": f'"{one.version}"'}
    return Response(encode({**_told(one), **more}), headers=headers, media_type=JSON)

"""Beat surveys: what people saw on the street, entered by admins, and how far history agrees with it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

from fastapi import FastAPI, Query, Request
from pydantic import ValidationError
from starlette.responses import Response

from api import survey_schemas as shapes
from api.access import Access
from api.answers import JSON
from api.errors import Problem, not_found, parameter_problem
from api.guard import areas_for, caller_of
from api.live import Live
from api.personal import is_personal, note_personal_read
from api.refusals import refused_as, told
from api.routes.described import KEYED_PROBLEMS, PROBLEMS, described
from api.snapshot import encode
from api.survey_schemas import AgreementQuery, SurveyQuery
from occupancy.history.periods import instant_of
from occupancy.model import AreaId
from occupancy.privacy import told_bays
from occupancy.registry import Registry, RegistryRefused
from occupancy.survey_sheets import Sheet, read_csv, read_rows
from occupancy.surveys import Agreement, agreements, key_of, worst_first
from store import surveys
from store.postgres import Connection

CSV = "text/csv"
_PATH = "/v1/admin/surveys"
_BODY = {
    "required": True,
    "content": {
        JSON: {"schema": {"$ref": f"#/components/schemas/{shapes.NewSurvey.__name__}"}},
        CSV: {"schema": {"type": "string"}},
    },
}
_ALWAYS = datetime(2000, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


def install(app: FastAPI, live: Live, access: Access) -> None:
    """Add the routes."""

    async def listed(request: Request, query: Annotated[AgreementQuery, Query()]) -> Response:
        """How far history agrees with surveyors, by sensor, zone or area; the worst at the top.

        Looks at Blue Badge and residents' bays count for a key of scope `personal` alone, and that is audited.
        """
        caller = caller_of(request)
        within, personal = areas_for(caller, query.area), is_personal(caller)
        asked = [
            (registry, *_stretch(registry, query))
            for area, registry in live.feed.registries.items()
            if within is None or area in within
        ]
        found, withheld = await access.desk.ask(lambda conn: _agreements(conn, asked, query.by, personal))
        if personal:
            parameters = query.model_dump(by_alias=True)
            areas = [registry.area_id for registry, *_ in asked if registry.area_id is not None]
            await note_personal_read(access, caller, f"GET {_PATH}", parameters, areas, withheld)
        rows = [
            {"area": area, query.by: of, **one.whole_document()}
            for (area, of), one in worst_first(found)[: query.limit]
        ]
        return Response(encode({"agreement": rows, "of": len(found)}), media_type=JSON)

    async def enter(request: Request, query: Annotated[SurveyQuery, Query()]) -> Response:
        """Enter what a surveyor saw, as JSON or CSV; all of it or nothing. The same again changes nothing."""
        caller = caller_of(request)
        areas_for(caller, query.area)
        area = AreaId(query.area)
        registry = live.feed.registries.get(area)
        if registry is None:
            raise not_found("area", query.area)
        try:
            sheet = await _sheet(request, registry, live.clock())
            done = await access.desk.ask(
                lambda conn: surveys.enter(
                    conn,
                    area,
                    sheet,
                    surveyor=query.surveyor,
                    skip_bad=query.skip_bad,
                    entered_by=caller.name,
                    entered_at=live.clock(),
                )
            )
        except RegistryRefused as refused:
            raise refused_as("invalid-survey", refused.errors) from None
        document = {
            "entered": done.entered,
            "known": done.known,
            "skipped": len(done.skipped),
            "problems": told(done.skipped),
        }
        return Response(encode(document), media_type=JSON)

    problems = {**KEYED_PROBLEMS, 404: PROBLEMS[404], 422: "Rows that are wrong, each with what and where"}
    app.add_api_route(
        _PATH, listed, tags=["admin"], **described(shapes.AgreementList, KEYED_PROBLEMS, tagged=False)
    )
    app.add_api_route(
        _PATH,
        enter,
        tags=["admin"],
        openapi_extra={"requestBody": _BODY},
        **described(shapes.SurveyEntered, problems, tagged=False, method="POST"),
    )


async def _sheet(request: Request, registry: Registry, now: datetime) -> Sheet:
    """What was sent, read in a thread: nobody else waits for it. Raises `Problem`, `RegistryRefused`."""
    body = await request.body()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in (CSV, JSON):
        raise Problem(415, "media-type", f"Send {JSON} or {CSV}.")
    return await asyncio.to_thread(_read, body, kind, registry, now)


def _read(body: bytes, kind: str, registry: Registry, now: datetime) -> Sheet:
    """Raises `Problem`, `RegistryRefused`."""
    if kind == CSV:
        try:
            text = body.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise Problem(422, "invalid-body", "The file is not UTF-8; save it as UTF-8.") from None
        return read_csv(text, "the file", registry, now)
    try:
        sent = shapes.NewSurvey.model_validate_json(body)
    except ValidationError as error:
        complaint = error.errors(include_url=False, include_context=False)[0]
        complaint["loc"] = ("body", *complaint["loc"])
        raise parameter_problem([complaint], _PATH) from None
    return read_rows([look.model_dump() for look in sent.looks], registry, now)


def _stretch(registry: Registry, query: AgreementQuery) -> tuple[datetime, datetime]:
    """Of what is asked for, by the clock of the area. Raises `Problem`."""
    zone = "UTC" if registry.area is None else registry.area.time_zone
    found = list(_ALWAYS)
    for place, name, text in ((0, "from", query.from_), (1, "to", query.to)):
        if text is not None:
            try:
                found[place] = instant_of(text, zone)
            except (ValueError, OverflowError) as error:
                raise Problem(422, "invalid-parameter", f"{name}: {error}", parameter=name) from None
    return found[0], found[1]


def _agreements(
    conn: Connection, asked: Sequence[tuple[Registry, datetime, datetime]], by: str, personal: bool
) -> tuple[dict[tuple[str, str], Agreement], int]:
    """By area, and what is asked for in it; and at how many looks it is told of bays that the public is not told of."""
    found: dict[tuple[str, str], Agreement] = {}
    withheld = 0
    for registry, start, end in asked:
        told = told_bays(registry)
        looks = surveys.judged(conn, registry, start, end, bays=None if personal else told)
        withheld += sum(one.looks for one in looks if one.bay_id not in told)
        for of, one in agreements(looks, key_of(by, registry), personal=personal).items():
            found[str(registry.area_id), of] = one
    return found, withheld

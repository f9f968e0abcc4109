"""What a parking manager asks for: how the kerb was used, with the coverage of every figure."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from starlette.responses import Response

from api import history_schemas as shapes
from api.access import Access
from api.answers import JSON, has, tagged
from api.errors import Problem, not_found
from api.guard import areas_for, caller_of
from api.history_comparison import held_against
from api.history_definitions import definitions_document
from api.history_files import CSV, PARQUET, csv_file, has_parquet, parquet_file
from api.history_params import ROWS_MAX, History
from api.history_question import after_of, compared, question_of, token_of
from api.history_rows import Rows, document_head
from api.history_sending import FileResponse, Files
from api.history_tags import VARY, cache_control, tag_of
from api.keyring import Caller
from api.live import Live
from api.params import Nothing
from api.routes.described import KEYED_PROBLEMS, PROBLEMS, described
from api.snapshot import encode
from api.surveyed import Agreements, Surveyed
from occupancy.history.definitions import Report
from occupancy.history.hour import Scope
from occupancy.history.periods import Question
from occupancy.model import Area
from occupancy.registry import Registry
from store import keys
from store.audit import Deed
from store.history import Extent, HistoryReader, Period

_PROBLEMS = {**KEYED_PROBLEMS, 404: PROBLEMS[404], 406: "A format that is not installed here"}
_FILES = {"csv": CSV, "parquet": PARQUET}


def install(app: FastAPI, live: Live, access: Access) -> None:
    """Add the routes."""
    surveyed, files = Surveyed(access.desk), Files()

    async def definitions(request: Request, _query: Annotated[Nothing, Query()]) -> Response:
        """What each figure is: unit, formula, what it needs, and its name in the Curb Data Specification."""
        return tagged(
            request,
            encode(definitions_document(live.config.history_least_coverage)),
            cache="public, max-age=3600",
        )

    def reporting(report: Report) -> Callable[..., Coroutine[Any, Any, Response]]:
        async def answer(request: Request, query: Annotated[History, Query()]) -> Response:
            return await _answer(request, live, access, surveyed, files, query, report)

        answer.__name__ = report.value
        answer.__doc__ = _SAID[report]
        return answer

    for report in Report:
        as_documented = described(shapes.HistoryReport, _PROBLEMS)
        as_documented["responses"][200]["headers"] = {
            "ETag": {"schema": {"type": "string"}, "description": "Where all that is asked for is final"}
        }
        as_documented["responses"][200]["content"] = {
            CSV: {"schema": {"type": "string"}},
            PARQUET: {"schema": {"type": "string", "contentEncoding": "binary"}},
        }
        app.add_api_route(
            f"/v1/history/{report.value}", reporting(report), tags=["managers"], **as_documented
        )
    app.add_api_route(
        "/v1/history/definitions",
        definitions,
        tags=["managers"],
        **described(shapes.HistoryDefinitions, PROBLEMS),
    )


_SAID = {
    Report.OCCUPANCY: "How full the kerb was, of the bay time that was observed.",
    Report.TURNOVER: "How many vehicles came and went.",
    Report.STAYS: "How long vehicles stayed.",
    Report.OVERSTAYS: "Stays longer than the limit in force. Not evidence of a contravention.",
    Report.COVERAGE: "Bay time by state, and what share of it was observed.",
}


async def _answer(
    request: Request,
    live: Live,
    access: Access,
    surveyed: Surveyed,
    files: Files,
    query: History,
    report: Report,
) -> Response:
    history, caller = live.history, caller_of(request)
    areas_for(caller, query.area)
    area, asked, registry = _asked(live, query, report)
    registry_mark = live.board.areas[asked.area].registry_mark
    personal = keys.Scope.PERSONAL in caller.scopes
    if personal:
        await access.record(_deed(caller, asked, report, request.url.query))
    extent = await history.extent(asked.area)
    before = compared(query, asked, area, registry.calendar)
    agreed = await surveyed.agreements(registry, asked.end, personal=personal)
    least_coverage = live.config.history_least_coverage
    tag = await tag_of(
        request,
        history,
        asked,
        before,
        extent,
        agreed,
        registry_mark=registry_mark,
        least_coverage=least_coverage,
        personal=personal,
    )
    headers = {"Cache-Control": cache_control(personal=personal), "Vary": VARY}
    if tag is not None:
        headers["ETag"] = tag
        if has(request, tag):
            return Response(status_code=304, headers=headers)
    rows = Rows(
        asked,
        report,
        least_coverage=least_coverage,
        personal=personal,
        names=_names(registry),
        agreements=agreed[asked.scope],
        final_to=extent.final_to,
    )
    wanted = _format(request, query)
    more = {"lengths": report is Report.STAYS}
    if wanted is None:
        body = encode(await _document(history, rows, before, query.limit, extent, more, agreed))
        answer = tagged(request, body, tag=tag)
        answer.headers.update(headers)
        return answer
    if before is not None or query.after is not None:
        raise Problem(
            422, "invalid-parameter", "format: files have all rows, without comparison", parameter="format"
        )
    headers["Content-Disposition"] = f'attachment; filename="{asked.area}-{report.value}.{wanted}"'
    write = csv_file if wanted == "csv" else parquet_file
    async with contextlib.AsyncExitStack() as held:
        held.enter_context(files.place())
        periods = await held.enter_async_context(contextlib.aclosing(history.periods(asked, **more)))
        first = await anext(periods, None)  # what goes wrong at the beginning is still an answer
        return FileResponse(
            write(rows, _every(first, periods)),
            held.pop_all(),
            stall_s=live.config.file_stall_s,
            headers=headers,
            media_type=_FILES[wanted],
        )


async def _every(first: Period | None, others: AsyncIterator[Period]) -> AsyncGenerator[Period]:
    if first is not None:
        yield first
        async for period in others:
            yield period


async def _document(
    history: HistoryReader,
    rows: Rows,
    before: Question | None,
    limit: int,
    extent: Extent,
    more: dict[str, bool],
    agreed: Agreements,
) -> dict[str, Any]:
    found, is_whole = await _first(history, rows.asked, limit, more)
    document = document_head(rows.asked, rows.report, extent.final_to, extent.watermark)
    agreement = agreed[Scope.AREA].get(rows.asked.area)
    document["agreement"] = None if agreement is None else agreement.document()
    document["next"] = None if is_whole else token_of(after_of(found[-1]))
    if before is None:
        document["rows"] = [rows.json(period) for period in found]
        return document
    earlier, none_left_out = await _first(history, before, ROWS_MAX, more)
    document["rows"] = held_against(rows, found, before, earlier)
    if not (is_whole and none_left_out) or len(document["rows"]) > limit:
        told = f"compare_from: more rows than {limit}; ask for fewer, or raise limit (at most {ROWS_MAX})"
        raise Problem(422, "invalid-parameter", told, parameter="compare_from")
    return document


async def _first(
    history: HistoryReader, asked: Question, limit: int, more: dict[str, bool]
) -> tuple[list[Period], bool]:
    """So many periods at most, and whether these are all."""
    found: list[Period] = []
    async with contextlib.aclosing(history.periods(asked, **more)) as periods:
        async for period in periods:
            if len(found) == limit:
                return found, False
            found.append(period)
    return found, True


def _deed(caller: Caller, asked: Question, report: Report, parameters: str) -> Deed:
    """What the audit log keeps of a question by a key that is told small counts."""
    doc = {"route": f"GET /v1/history/{report.value}", "parameters": parameters}
    return Deed(who=caller.name, action="personal.read", areas=[asked.area], subject=report.value, doc=doc)


def _asked(live: Live, query: History, report: Report) -> tuple[Area, Question, Registry]:
    found = live.board.areas.get(query.area)  # type: ignore[call-overload]
    if found is None:
        raise not_found("area", query.area)
    registry = live.feed.registries.get(found.area.area_id)
    if registry is None:
        raise not_found("area", query.area)
    asked = question_of(query, report, found.area, registry.calendar)
    for zone_id in asked.scope_ids or () if asked.scope.value == "zone" else ():
        if zone_id not in registry.zones:
            raise not_found("zone", zone_id)
    return found.area, asked, registry


def _names(registry: Registry) -> dict[str, dict[str, str]]:
    return {
        zone.zone_id: {"en": zone.name.en, "cy": zone.name.cy or zone.name.en}
        for zone in registry.zones.values()
    }


def _format(request: Request, query: History) -> str | None:
    """The file that is wanted; None: JSON. Raises `Problem`."""
    wanted = query.format
    if wanted is None:
        accepted = request.headers.get("accept", "")
        wanted = "csv" if "text/csv" in accepted else "parquet" if PARQUET in accepted else "json"
        if JSON in accepted:
            wanted = "json"
    if wanted == "parquet" and not has_parquet():
        told = "Parquet is not installed here; ask for CSV, or install baycast[parquet]."
        raise Problem(406, "not-acceptable", told)
    return None if wanted == "json" else wanted

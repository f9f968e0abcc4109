"""The one table from what went wrong to the answer: RFC 9457 problem documents, without internals (L9)."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import asyncpg
import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.parameters import known_parameters
from api.policy import methods_of
from api.snapshot import encode

_log = logging.getLogger("baycast.api")
MEDIA_TYPE = "application/problem+json"
TYPE = "urn:baycast:problem:"


class Problem(Exception):
    """An answer that is not the one asked for. `more` are members of the problem document."""

    def __init__(
        self, status: int, kind: str, detail: str, headers: Mapping[str, str] | None = None, **more: object
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.headers = headers
        self.more = more


def not_found(what: str, name: str) -> Problem:
    return Problem(404, "not-found", f"There is no {what} {name!r}.")


def document(
    status: int, kind: str | None, detail: str | None, more: Mapping[str, object]
) -> dict[str, object]:
    """Return the problem document. Without a kind, the HTTP status says it all ("about:blank")."""
    return {
        "type": "about:blank" if kind is None else TYPE + kind,
        "title": HTTPStatus(status).phrase,
        "status": status,
        **({} if detail is None else {"detail": detail}),
        **more,
    }


def body_of(problem: Problem) -> bytes:
    """Return the problem document."""
    return encode(document(problem.status, problem.kind, problem.detail, problem.more))


def response(problem: Problem) -> Response:
    body = body_of(problem)
    headers = {"Cache-Control": "no-store", **(problem.headers or {})}
    return Response(body, problem.status, headers, MEDIA_TYPE)


def _plain(status: int, headers: Mapping[str, str] | None = None) -> Response:
    body = encode(document(status, None, None, {}))
    return Response(body, status, {"Cache-Control": "no-store", **(headers or {})}, MEDIA_TYPE)


def parameter_problem(complaints: Sequence[Any], path: str, method: str = "GET") -> Problem:
    """Turn the first complaint about the parameters into a problem: 400 for a name, 422 for a value."""
    first: dict[str, Any] = dict(complaints[0])
    place = [str(part) for part in first.get("loc", ())]
    name = place[-1] if place else "?"
    said = str(first.get("msg", "is not valid")).removeprefix("Value error, ")
    if place[:1] == ["body"]:
        named = ".".join(place[1:]) or "the body"
        return Problem(422, "invalid-body", f"{named}: {said}", field=named)
    if first.get("type") == "extra_forbidden":
        known = known_parameters(path, method)
        told = f"There is no parameter {name!r} here; there are: {', '.join(known) or 'none'}."
        return Problem(400, "unknown-parameter", told, parameter=name, known=known)
    return Problem(422, "invalid-parameter", f"{name}: {said}", parameter=name)


async def _on_problem(_request: Request, problem: Exception) -> Response:
    assert isinstance(problem, Problem)  # noqa: S101 - registered for it
    return response(problem)


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        # The framework knows the methods of one route only, and a path may have several.
        methods = methods_of(getattr(request.scope.get("route"), "path", ""))
        if methods:
            headers["Allow"] = ", ".join(methods)
    return _plain(error.status_code, headers)


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it
    path = getattr(request.scope.get("route"), "path", "")
    return response(parameter_problem(error.errors(), path, request.method))


async def _on_data(request: Request, error: Exception) -> Response:
    """The database answered: it cannot take a value that somebody of ours let through."""
    _log.error("a value that the database refused: %s", request.scope.get("path"), exc_info=error)
    return response(Problem(500, "internal", "This is our fault, and it has been noted."))


async def _on_database(request: Request, error: Exception) -> Response:
    if isinstance(error, ValueError):  # asyncpg's own word for a value that it cannot send
        return await _on_data(request, error)
    _log.warning("the database did not answer %s: %s", request.scope.get("path"), error)
    return response(
        Problem(503, "database", "The database does not answer now.", headers={"Retry-After": "5"})
    )


def install(app: FastAPI) -> None:
    """Put the table into the application."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    for data in (psycopg.DataError, asyncpg.DataError):
        app.add_exception_handler(data, _on_data)
    for database in (
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        psycopg.Error,
        ConnectionError,
        TimeoutError,
    ):
        app.add_exception_handler(database, _on_database)

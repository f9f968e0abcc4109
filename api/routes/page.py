"""The page for people, and the description for developers. Everything comes from here, nothing from another
host.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from starlette.responses import Response

from api.answers import JSON, tagged
from api.edge import PAGE_POLICY
from api.errors import not_found
from api.params import Nothing
from api.snapshot import encode

_TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
}
_CACHE = "public, max-age=60"


def files() -> dict[str, bytes]:
    """Return the page's files by name: a fixed table, so that no path from outside ever reaches the disk."""
    folder = resources.files("api").joinpath("static")
    return {
        entry.name: entry.read_bytes()
        for entry in folder.iterdir()
        if entry.name.rpartition(".")[2] in _TYPES
    }


def install(app: FastAPI, describe: Callable[[], dict[str, Any]]) -> None:
    """Add the routes. `describe` gives the OpenAPI document, once."""
    held = files()
    described: list[bytes] = []

    def page(request: Request, name: str) -> Response:
        answer = tagged(request, held[name], _TYPES[name.rpartition(".")[2]], cache=_CACHE)
        answer.headers["Content-Security-Policy"] = PAGE_POLICY
        return answer

    async def index(request: Request) -> Response:
        return page(request, "index.html")

    async def docs(request: Request) -> Response:
        return page(request, "docs.html")

    async def static(request: Request, name: str) -> Response:
        if name not in held:
            raise not_found("file", name)
        return page(request, name)

    async def openapi(request: Request, _query: Annotated[Nothing, Query()]) -> Response:
        if not described:
            described.append(encode(describe()))
        return tagged(request, described[0], JSON, cache=_CACHE)

    for path, route in (
        ("/", index),
        ("/docs", docs),
        ("/static/{name}", static),
        ("/openapi.json", openapi),
    ):
        app.add_api_route(path, route, methods=["GET"], include_in_schema=False, response_model=None)

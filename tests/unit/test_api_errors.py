"""What is added to the framework's own refusals."""

from __future__ import annotations

import asyncio

import httpx
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api import errors


def test_a_path_that_is_in_no_table_keeps_the_methods_that_the_framework_knows() -> None:
    async def page(_request: Request) -> Response:
        return Response()

    app = FastAPI(routes=[Route("/page", page)])
    errors.install(app)

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as client:
            return await client.post("/page")

    answer = asyncio.run(ask())

    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD"}

"""How a route's answers stand in the OpenAPI document; the answers themselves are bytes."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel
from starlette.responses import Response

from api import schemas
from api.errors import MEDIA_TYPE

PROBLEMS: Final = {
    400: "A parameter that is not there, or one given twice",
    404: "No such thing",
    422: "A value that cannot be read",
}
KEY_PROBLEMS: Final = {401: "No key, or one that does not hold", 429: "Too many keys that are none"}
KEYED_PROBLEMS: Final = {
    400: PROBLEMS[400],
    **KEY_PROBLEMS,
    403: "A key without the scope, or for other areas",
    422: PROBLEMS[422],
    503: "The database does not answer now",
}


_TAG: Final = {"ETag": {"schema": {"type": "string"}, "required": True}}


def described(
    model: str | type[BaseModel],
    problems: dict[int, str],
    *,
    geojson: bool = False,
    tagged: bool = True,
    method: str = "GET",
) -> dict[str, Any]:
    """Return the keyword arguments of `add_api_route` for one answering `model`, or `schemas.<model>`."""
    shape: type[BaseModel] = getattr(schemas, model) if isinstance(model, str) else model
    responses: dict[int | str, dict[str, Any]] = {200: {"model": shape}}
    if geojson:
        reference = {"$ref": "#/components/schemas/FeatureCollection"}
        responses[200]["content"] = {"application/geo+json": {"schema": reference}}
    if tagged:
        responses[200]["headers"] = _TAG
        responses[304] = {"description": "You have it already (If-None-Match)"}
    for status, words in problems.items():
        schema = {"$ref": "#/components/schemas/Problem"}
        responses[status] = {"description": words, "content": {MEDIA_TYPE: {"schema": schema}}}
    return {"methods": [method], "response_class": Response, "response_model": None, "responses": responses}

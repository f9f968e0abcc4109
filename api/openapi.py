"""The OpenAPI document: what the routes say of themselves, and what is true of all of them."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.errors import MEDIA_TYPE
from api.links import LINKS
from api.policy import POLICIES
from api.schemas import FeatureCollection, Problem
from api.sign_schemas import Shown
from api.survey_schemas import NewSurvey
from api.texts import PRINTABLE

DESCRIPTION = (
    "Parking availability as it is known now. Every number says how old it is (`as_of`), where it comes from "
    "(`source`) and how sure it is; `unknown` is an answer. What drivers and signs ask for is open "
    "data: read only, no key."
)
_OF_ALL: Final = {
    400: "A parameter that is not there or given twice, or a control character",
    414: "A query longer than 4096 bytes",
    431: "Headers longer than 32 KiB",
    500: "Our fault",
}
_OF_BODIES: Final = {
    411: "A body that does not say how long it is",
    413: "A body that is too long",
    415: "A body that is neither of what the route takes",
}
_TEXT: Final = {"schema": {"type": "string"}}
_KNOWN: Final = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "The ETag of the answer that is there already: 304 if it still holds",
}
_HEADERS: Final[dict[str, dict[str, Any]]] = {
    "304": {"ETag": {**_TEXT, "required": True}},
    "401": {"WWW-Authenticate": {**_TEXT, "required": True}},
    "429": {"Retry-After": {"schema": {"type": "integer", "minimum": 1}, "required": True}},
}
"""By status: what an answer has for sure."""


def openapi(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document of the application."""
    document: dict[str, Any] = get_openapi(
        title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes
    )
    schemas: dict[str, Any] = document["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for model in (FeatureCollection, Problem, NewSurvey, Shown):
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        for name, nested in schema.pop("$defs", {}).items():
            schemas.setdefault(name, nested)
        schemas[model.__name__] = schema
    document["components"]["schemas"] = dict(sorted(schemas.items()))
    document["components"]["securitySchemes"] = {
        "key": {
            "type": "http",
            "scheme": "bearer",
            "description": "An API key, made by `baycast keys create`",
        }
    }
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _say_who_may(method.upper(), path, operation)
            _say_what_the_edge_does(operation)
            for status, links in LINKS.get((method.upper(), path), {}).items():
                operation["responses"][status]["links"] = links
    return document


def _say_who_may(method: str, path: str, operation: dict[str, Any]) -> None:
    """Whether a route looks at a key, and for which scope."""
    policy = POLICIES[method, path]
    if policy.scope is not None:
        operation["security"] = [{"key": [policy.scope.value]}]
    elif policy.more is not None:
        operation["security"] = [{}, {"key": [policy.more.value]}]


def _say_what_the_edge_does(operation: dict[str, Any]) -> None:
    """What every request and response passes (`api.edge`), whatever the route says of itself."""
    responses = operation["responses"]
    for status, words in {**_OF_ALL, **(_OF_BODIES if "requestBody" in operation else {})}.items():
        schema = {"$ref": "#/components/schemas/Problem"}
        problem = {"description": words, "content": {MEDIA_TYPE: {"schema": schema}}}
        responses.setdefault(str(status), problem)
    for answer, headers in _HEADERS.items():
        if answer in responses:
            responses[answer]["headers"] = headers
    operation["responses"] = dict(sorted(responses.items()))
    if "304" in responses:
        operation.setdefault("parameters", []).append(_KNOWN)
    for parameter in operation.get("parameters", ()):
        for schema in (parameter["schema"], *parameter["schema"].get("anyOf", ())):
            if (
                parameter["in"] != "header"
                and schema.get("type") == "string"
                and not {"pattern", "enum"} & schema.keys()
            ):
                schema["pattern"] = PRINTABLE

"""What `schemathesis` cannot know of our API, because OpenAPI has no words for it; loaded by schemathesis.toml.

No check is off. What is let by is one kind of judgement, that data of the schema's form should have been accepted, and
only where the answer is one that `openapi_excuses` has for that operation.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

import schemathesis
from schemathesis.core.failures import Failure
from schemathesis.core.transport import Response
from schemathesis.generation.case import Case
from schemathesis.hooks import HookContext
from schemathesis.openapi.checks import RejectedPositiveData

from tests.support.openapi_excuses import is_excused

QUERY_MAX_BYTES: Final = 4096

_THERE: Final[dict[str, object]] = {
    "zone_id": "cardiff-st",
    "sign_id": "cardiff-vms",
    "rule_id": "cardiff-pay",
    "kind": "rule",
    "document_id": "cardiff-spare",
    "quarantine_id": 2,
}
_HISTORY: Final = "/v1/history/"


@schemathesis.hook
def before_load_schema(context: HookContext, raw_schema: dict[str, Any]) -> None:
    """Put what there is into paths, also at the bounds of bodies and queries: else all of it is not found."""
    for operations in raw_schema["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "path" and parameter["name"] in _THERE:
                    parameter["example"] = _THERE[parameter["name"]]


@schemathesis.hook
def before_add_examples(context: HookContext, examples: list[Case]) -> None:
    """Ask each report for what is needed alone: what may be given besides, at random, seldom goes together."""
    operation = context.operation
    if operation is not None and operation.path.startswith(_HISTORY):
        for case in examples:
            case.query = {name: case.query[name] for name in ("area", "from", "to")}


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: Case, response: Response) -> bool:
    """Whether it is one."""
    if not isinstance(failure, RejectedPositiveData):
        return True
    if response.status_code == 414:
        # The bound is for the query as a whole, and comes before everything else (L8).
        return len(urlsplit(str(response.request.url)).query) <= QUERY_MAX_BYTES
    return response.status_code not in (409, 412, 422) or not is_excused(
        case.operation.label, response.json()
    )

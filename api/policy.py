"""Who may call what. A route that is not in the table keeps the application from starting (L9)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from fastapi import FastAPI
from starlette.routing import BaseRoute, Route, WebSocketRoute

from occupancy.history.definitions import Report
from store.keys import Scope


class Audience(StrEnum):
    PUBLIC = "public"
    """Anybody, from any site's page: open data, read only, without credentials."""
    OPS = "ops"
    """Operators and their probes: no cross-origin access; not to be passed on by a public proxy."""
    KEY = "key"
    """An API key with `scope`."""


@dataclass(frozen=True, slots=True)
class Policy:
    audience: Audience
    scope: Scope | None = None
    """Without this scope there is no answer."""
    body_max_bytes: int = 64 * 1024
    """A longer body is refused unread (L8)."""
    more: Scope | None = None
    """A key with this scope, too, is told more; of the public routes, only those that tell more look at a key."""

    @property
    def looks_at_keys(self) -> bool:
        return self.audience is Audience.KEY or self.more is not None


PUBLIC = Policy(Audience.PUBLIC)
SIGNS = Policy(Audience.KEY, Scope.SIGNS)
OPS = Policy(Audience.OPS)
ADMIN = Policy(Audience.KEY, Scope.ADMIN)
ADMIN_FILES = Policy(Audience.KEY, Scope.ADMIN, body_max_bytes=1024 * 1024)
"""Takes what people have in files; the guard stands before the reading of it."""
SURVEYED = Policy(Audience.KEY, Scope.ADMIN, more=Scope.PERSONAL)
HISTORY = Policy(Audience.KEY, Scope.HISTORY, more=Scope.PERSONAL)

POLICIES: Mapping[tuple[str, str], Policy] = {
    ("GET", "/"): PUBLIC,
    ("GET", "/static/{name}"): PUBLIC,
    ("GET", "/docs"): PUBLIC,
    ("GET", "/openapi.json"): PUBLIC,
    ("GET", "/v1/availability"): PUBLIC,
    ("GET", "/v1/zones"): PUBLIC,
    ("GET", "/v1/zones/{zone_id}"): PUBLIC,
    ("GET", "/v1/zones/{zone_id}/bays"): Policy(Audience.PUBLIC, more=Scope.PERSONAL),
    ("GET", "/v1/zones/{zone_id}/forecast"): PUBLIC,
    ("GET", "/v1/forecast/skill"): PUBLIC,
    ("WS", "/v1/live"): PUBLIC,
    ("GET", "/v1/live/events"): PUBLIC,
    ("GET", "/v1/signs"): PUBLIC,
    ("GET", "/v1/signs/{sign_id}"): PUBLIC,
    ("GET", "/v1/signs/{sign_id}/frame"): PUBLIC,
    ("GET", "/v1/signs/{sign_id}/preview"): SIGNS,
    ("POST", "/v1/signs/preview"): SIGNS,
    ("GET", "/v1/signs/{sign_id}/mode"): SIGNS,
    ("PUT", "/v1/signs/{sign_id}/mode"): SIGNS,
    ("WS", "/v1/signs/{sign_id}/live"): PUBLIC,
    ("POST", "/v1/signs/{sign_id}/shown"): SIGNS,
    ("GET", "/interop/utmc/carpark/static"): PUBLIC,
    ("GET", "/interop/utmc/carpark/dynamic"): PUBLIC,
    ("GET", "/v1/history/definitions"): PUBLIC,
    **{("GET", f"/v1/history/{report.value}"): HISTORY for report in Report},
    ("GET", "/v1/admin/keys"): ADMIN,
    ("GET", "/v1/admin/audit"): ADMIN,
    ("GET", "/v1/admin/sensors"): SURVEYED,
    ("GET", "/v1/admin/quarantine"): ADMIN,
    ("POST", "/v1/admin/quarantine"): ADMIN,
    ("GET", "/v1/admin/quarantine/{quarantine_id}"): ADMIN,
    ("GET", "/v1/admin/overrides"): ADMIN,
    ("POST", "/v1/admin/overrides"): ADMIN,
    ("DELETE", "/v1/admin/overrides/{override_id}"): ADMIN,
    ("GET", "/v1/admin/registry"): ADMIN,
    ("POST", "/v1/admin/registry"): ADMIN_FILES,
    ("GET", "/v1/admin/registry/{kind}/{document_id}"): ADMIN,
    ("PUT", "/v1/admin/registry/{kind}/{document_id}"): ADMIN,
    ("DELETE", "/v1/admin/registry/{kind}/{document_id}"): ADMIN,
    ("GET", "/v1/admin/registry/rule/{rule_id}/versions"): ADMIN,
    ("GET", "/v1/admin/surveys"): SURVEYED,
    ("POST", "/v1/admin/surveys"): ADMIN_FILES,
    ("GET", "/healthz"): OPS,
    ("GET", "/readyz"): OPS,
    ("GET", "/metrics"): OPS,
}


class UndeclaredRouteError(RuntimeError):
    """A route without a policy."""


def methods_of(path: str) -> list[str]:
    """Return what the edge and the routes answer at a path."""
    found = {method for method, of in POLICIES if of == path and method != "WS"}
    if "GET" in found:
        found.add("HEAD")
        if POLICIES["GET", path].audience is Audience.PUBLIC:
            found.add("OPTIONS")
    return sorted(found)


def routes_of(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Yield (method, path) of everything the application answers; WebSockets have the method WS."""
    for route in app.routes:
        yield from _entries(route)
    yield from (("WS", path) for path in app.state.sockets)


def _entries(route: BaseRoute) -> Iterator[tuple[str, str]]:
    if isinstance(route, WebSocketRoute):
        yield "WS", route.path
    elif isinstance(route, Route):
        # HEAD is GET without the body, and is answered by the same code.
        yield from ((method, route.path) for method in sorted(route.methods or ()) if method != "HEAD")
    else:
        # A mount answers paths that nobody listed; it has no policy, so it is refused by its own name.
        yield "MOUNT", getattr(route, "path", repr(route))


def enforce(app: FastAPI) -> None:
    """Refuse an application with a route that no policy covers. Raises `UndeclaredRouteError`."""
    missing = sorted({entry for entry in routes_of(app) if entry not in POLICIES})
    if missing:
        names = ", ".join(f"{method} {path}" for method, path in missing)
        raise UndeclaredRouteError(f"no policy is declared in api/policy.py for: {names}")

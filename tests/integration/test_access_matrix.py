"""L9: every route x method x kind of key x area, asked; what should come follows from the policy table alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

import httpx
import pytest
from fastapi import FastAPI
from starlette.routing import compile_path
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect as open_socket

from api.app import create_app
from api.config import ApiConfig
from api.policy import POLICIES, Audience, Policy, routes_of
from store import keys
from store.key_secret import new_secret
from store.keys import Scope
from tests.support.api_server import ApiServer, running_api
from tests.support.derived_rows import NOW
from tests.support.two_areas import (
    AREAS,
    MINE,
    OTHER,
    REFUSED,
    STARTS,
    WITHHELD_BAYS,
    TwoAreas,
    two_areas,
)

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
PLACES = {
    "{name}": "style.css",
    "{zone_id}": "{area}-st",
    "{sign_id}": "{area}-vms",
    "{override_id}": "{area}-works",
    "{kind}": "rule",
    "{document_id}": "{area}-spare",
    "{rule_id}": "{area}-spare",
    "{quarantine_id}": "{refused}",
}
ENDLESS = "/v1/live/events"
FIRST_WORDS = {"/v1/live": '"type":"snapshot"', "/v1/signs/{sign_id}/live": '"type":"dark"'}


class Holder(NamedTuple):
    """One kind of key. `scopes` None: it is no key, or no longer; `areas` None: all."""

    header: str | None
    scopes: frozenset[Scope] | None
    areas: frozenset[str] | None = frozenset()


@pytest.fixture
def world(database_url: str) -> Iterator[TwoAreas]:
    with two_areas(database_url) as world:
        yield world


@pytest.fixture
def holders(world: TwoAreas) -> dict[str, Holder]:
    def bearer(*scopes: Scope, areas: list[str] | None, **more: Any) -> Holder:
        _, secret = world.key(*scopes, areas=areas, **more)
        return Holder(f"Bearer {secret}", frozenset(scopes), None if areas is None else frozenset(areas))

    expired = bearer(*Scope, areas=None, expires_at=NOW - timedelta(minutes=1))
    revoked_id, revoked = world.key(*Scope, areas=None)
    keys.revoke(world.conn, revoked_id, by="user test", at=NOW)
    turned_id, turned = world.key(*Scope, areas=None)
    keys.rotate(
        world.conn, turned_id, until=NOW - timedelta(minutes=1), by="user test", at=NOW - timedelta(hours=1)
    )
    unknown = new_secret()
    swapped = unknown[:-1] + ("A" if unknown[-1] != "A" else "B")
    return {
        "none": Holder(None, None),
        "garbage": Holder("Bearer letmein", None),
        "another scheme": Holder("Basic YWRtaW46YWRtaW4=", None),
        "wrong checksum": Holder(f"Bearer {swapped}", None),
        "unknown": Holder(f"Bearer {unknown}", None),
        "expired": Holder(expired.header, None),
        "revoked": Holder(f"Bearer {revoked}", None),
        "rotated away": Holder(f"Bearer {turned}", None),
        **{f"only {scope}": bearer(scope, areas=[MINE]) for scope in Scope},
        "all scopes of another area": bearer(*Scope, areas=[OTHER]),
        "all scopes of this area": bearer(*Scope, areas=[MINE]),
        "all scopes of all areas": bearer(*Scope, areas=None),
    }


@pytest.fixture
def api(database_url: str, world: TwoAreas, holders: dict[str, Holder]) -> Iterator[ApiServer]:
    """Started when every key is made: nothing is waited for."""
    with running_api(ApiConfig(database_url=database_url), lambda: NOW) as running:
        yield running


def expected(method: str, path: str, holder: Holder, area: str | None) -> set[int]:
    """What may come, by the policy table."""
    policy = POLICIES.get(("GET" if method == "HEAD" else method, path))
    if policy is None:
        # A path of its own may also be a public one with something in braces, as of a sign that is called so.
        public = any(
            found.audience is Audience.PUBLIC and compile_path(template)[0].fullmatch(path)
            for (of, template), found in POLICIES.items()
            if of == "GET"
        )
        return {204} if method == "OPTIONS" and public else {404, 405}
    refused = {401, 429}
    if policy.audience is not Audience.KEY:
        return refused if policy.more and holder.header and holder.scopes is None else {200}
    if holder.scopes is None:
        return refused
    if policy.scope not in holder.scopes:
        return {403}
    return {200} if area is None or holder.areas is None or area in holder.areas else {403, 404}


def asked(method: str, path: str, area: str | None) -> tuple[str, dict[str, Any]]:
    """How a route is asked for something of an area; None: for all that there is to get."""
    of = area or MINE
    url = path
    for place, name in PLACES.items():
        url = url.replace(place, name.format(area=of, refused=1 + REFUSED.index((of, "invalid_type"))))
    assert "{" not in url, f"{path}: give this test a value for what is in braces"
    if (method, path) == ("POST", "/v1/admin/overrides"):
        of_area = {"area_id": of, "zone_ids": [f"{of}-st"], "kind": "event", "reason": "match"}
        return url, {"json": {"id": f"{of}-match", **of_area, "starts_at": STARTS}}
    if (method, path) == ("POST", "/v1/admin/registry"):
        rules = {f"{of}-file": {"area_id": of, "use": "pay", "days": "daily"}}
        return url, {"json": {"type": "FeatureCollection", "features": [], "baycast": {"rules": rules}}}
    if (method, path) == ("PUT", "/v1/admin/registry/{kind}/{document_id}"):
        return url, {"json": {"area_id": of, "use": "pay", "days": "mon"}}
    if (method, path) == ("POST", "/v1/admin/quarantine"):
        return url, {"json": {"do": "replay", "reason": "conflicting", "area": of}}
    if (method, path) == ("POST", "/v1/admin/surveys"):
        look = {"bay_id": f"{of}-pay", "seen_at": "2026-11-18T10:15:00Z", "occupied": True}
        return url, {"params": {"area": of, "surveyor": "Anna"}, "json": {"looks": [look]}}
    if (method, path) == ("PUT", "/v1/signs/{sign_id}/mode"):
        return url, {"json": {"mode": "blank", "reason": "test", "expires_at": "2026-11-19T00:00:00Z"}}
    if (method, path) == ("POST", "/v1/signs/preview"):
        sign = {"area_id": of, "name": {"en": "new"}, "zone_ids": [f"{of}-st"], "lat": 51.48, "lon": -3.18}
        return url, {"json": {"document": sign}}
    if (method, path) == ("POST", "/v1/signs/{sign_id}/shown"):
        return url, {"json": {"dark": True}}
    if path.startswith("/v1/history/") and (policy := policy_of(method, path)) and policy.looks_at_keys:
        return url, {"params": {"area": of, "from": "2026-11-01", "to": "2026-11-02"}}
    if path == "/v1/forecast/skill" and policy_of(method, path):
        return url, {"params": {"area": of}}
    listing = method in ("GET", "HEAD") and "{" not in path and path.startswith("/v1/admin")
    return url, {"params": {"area": area}} if listing and area else {}


def policy_of(method: str, path: str) -> Policy | None:
    return POLICIES.get(("GET" if method == "HEAD" else method, path))


def areas_of(method: str, path: str) -> tuple[str | None, ...]:
    policy = policy_of(method, path)
    if policy is None or not policy.looks_at_keys:
        return (MINE,)
    of_one_area = "{" in path or path.startswith("/v1/history/") or method == "POST"
    return AREAS if of_one_area else (None, *AREAS)


def send(
    client: httpx.Client, method: str, url: str, holder: Holder, more: dict[str, Any]
) -> tuple[int, str]:
    headers = {} if holder.header is None else {"Authorization": holder.header}
    with client.stream(method, url, headers=headers, **more) as answer:
        endless = url == ENDLESS and answer.status_code == 200
        return answer.status_code, "" if endless else answer.read().decode()


@pytest.mark.parametrize("method", METHODS)
def test_l9_the_matrix(method: str, api: ApiServer, world: TwoAreas, holders: dict[str, Holder]) -> None:
    entries = routes_of(create_app(ApiConfig(database_url="")))
    paths = sorted({path for of, path in entries if of != "WS"})
    for area in AREAS:
        world.set_rule(area)
    unexpected, let_in, times = [], Counter[str](), 0
    with httpx.Client(base_url=api.url, timeout=20) as client:
        for path in paths:
            for area in areas_of(method, path):
                for kind, holder in holders.items():
                    if method == "DELETE" and area:
                        world.set_override(area)
                        world.set_rule(area)
                    url, more = asked(method, path, area)
                    status, body = send(client, method, url, holder, more)
                    times += 1
                    if status not in expected(method, path, holder, area):
                        unexpected.append(f"{method} {url} of {area} with {kind}: {status} {body[:200]}")
                    unexpected += leaks(method, path, holder, status, body)
                    let_in[path] += 200 <= status < 300
    assert unexpected == []
    assert times >= len(paths) * len(holders)
    for (of, path), policy in POLICIES.items():  # a matrix that lets nobody in proves nothing
        if of == method:
            assert let_in[path] >= 2, (policy, path)


def leaks(method: str, path: str, holder: Holder, status: int, body: str) -> list[str]:
    """What a right answer to this key must not hold."""
    policy = POLICIES.get((method, path))
    if policy is None or status != 200:
        return []
    if policy.audience is Audience.KEY and holder.areas is not None:
        foreign = [area for area in AREAS if area not in holder.areas and area in body]
        return [f"{method} {path}: tells of {area} to a key for {set(holder.areas)}" for area in foreign]
    if path.endswith("/bays"):
        area = next(area for area in AREAS if f'"{area}-st"' in body)
        personal = holder.scopes is not None and Scope.PERSONAL in holder.scopes
        told = personal and (holder.areas is None or area in holder.areas)
        if body.count('"withheld":true') != (0 if told else len(WITHHELD_BAYS)):
            return [f"{method} {path}: withholds the wrong bays of {area} from {holder}"]
    return []


def test_l9_a_key_makes_no_difference_to_a_public_socket(api: ApiServer, holders: dict[str, Holder]) -> None:
    policies = {path: policy for (method, path), policy in POLICIES.items() if method == "WS"}
    for path, policy in policies.items():
        assert policy.audience is Audience.PUBLIC, "the matrix does not know yet how to ask a keyed socket"
        for kind, holder in holders.items():
            headers = {} if holder.header is None else {"Authorization": holder.header}
            try:
                url = f"ws://127.0.0.1:{api.port}{path.format(sign_id=f'{MINE}-vms')}"
                with open_socket(url, additional_headers=headers) as socket:
                    assert FIRST_WORDS[path] in str(socket.recv(timeout=10)), kind
            except InvalidStatus as refused:
                pytest.fail(f"{kind}: {refused}")


def test_l9_every_route_that_looks_at_keys_stands_behind_its_guard() -> None:
    app: FastAPI = create_app(ApiConfig(database_url="postgresql://nowhere/none"))
    guarded = {
        (method, route.path)
        for route in app.routes
        for method in getattr(route, "methods", None) or ()
        if type(getattr(route, "app", None)).__name__ == "_Guard"
    }
    assert guarded - {("HEAD", path) for _, path in guarded} == {
        entry for entry, policy in POLICIES.items() if policy.looks_at_keys
    }

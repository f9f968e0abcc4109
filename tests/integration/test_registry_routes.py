"""The registry by HTTP: documents and files, refusals, concurrency, areas, the audit log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from api import registry_schemas as shapes
from api.config import ApiConfig
from store import audit
from store.keys import Scope
from store.registry import load
from tests.support.api_server import ApiServer, running_api
from tests.support.derived_rows import NOW
from tests.support.keyed import bearer, status_is, when
from tests.support.two_areas import MINE, OTHER, TwoAreas, two_areas

REGISTRY = "/v1/admin/registry"
PAY = f"{REGISTRY}/rule/{MINE}-pay"
BAY = f"{REGISTRY}/bay/{MINE}-pay"
RULE = {"area_id": MINE, "use": "pay", "days": "daily"}


@pytest.fixture
def world(database_url: str) -> Iterator[TwoAreas]:
    with two_areas(database_url) as world:
        yield world


@pytest.fixture
def api(database_url: str, world: TwoAreas) -> Iterator[ApiServer]:
    with running_api(ApiConfig(database_url=database_url), lambda: NOW) as api:
        yield api


class Admin:
    def __init__(self, api: ApiServer, world: TwoAreas, areas: list[str] | None) -> None:
        _, secret = world.key(Scope.ADMIN, areas=areas)
        when(api, secret, status_is(200))
        self._client = httpx.Client(base_url=api.url, headers=bearer(secret), timeout=20)

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self._client.request(method, path, **more)

    def get(self, path: str) -> Any:
        answer = self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def file(self, features: list[Any], *, dry_run: bool = False, **ours: Any) -> httpx.Response:
        collection = {"type": "FeatureCollection", "features": features, "baycast": ours}
        return self.ask(
            "POST", REGISTRY, params={"dry_run": dry_run}, content=json.dumps(collection), headers=GEOJSON
        )

    def close(self) -> None:
        self._client.close()


GEOJSON = {"Content-Type": "application/geo+json"}


@pytest.fixture
def admin(api: ApiServer, world: TwoAreas) -> Iterator[Admin]:
    admin = Admin(api, world, [MINE])
    yield admin
    admin.close()


@pytest.fixture
def root(api: ApiServer, world: TwoAreas) -> Iterator[Admin]:
    root = Admin(api, world, None)
    yield root
    root.close()


def changes(world: TwoAreas) -> list[audit.Entry]:
    return [entry for entry in audit.page(world.conn, limit=50) if entry.who.startswith("key ")]


def bay_feature(id: str, **more: Any) -> dict[str, Any]:
    properties = {"kind": "bay", "area_id": MINE, "zone_id": f"{MINE}-st", "bay_type": "standard", **more}
    geometry = {"type": "Point", "coordinates": [-3.18, 51.48]}
    return {"type": "Feature", "id": id, "geometry": geometry, "properties": properties}


def test_documents_are_listed_page_by_page_by_kind_and_area(
    admin: Admin, root: Admin, world: TwoAreas
) -> None:
    found: list[str] = []
    path = f"{REGISTRY}?limit=4"
    while True:
        page = admin.get(path)
        shapes.RegistryDocuments.model_validate(page)
        found += [f"{one['kind']}/{one['id']}" for one in page["documents"]]
        if page["next"] is None:
            break
        path = f"{REGISTRY}?limit=4&after={page['next']}"
    mine = {f"{kind}/{id}" for kind, id, area, _ in load(world.conn) if area == MINE}
    assert (set(found), len(found), found) == (mine, len(mine), sorted(found))
    assert len(root.get(f"{REGISTRY}?kind=bay")["documents"]) == 8
    assert len(root.get(f"{REGISTRY}?kind=bay&area={OTHER}")["documents"]) == 4
    assert admin.ask("GET", f"{REGISTRY}?kind=house").status_code == 422
    assert admin.ask("GET", f"{REGISTRY}/rule/{OTHER}-pay").status_code == 404


def test_a_document_is_put_once_and_audited(admin: Admin, world: TwoAreas) -> None:
    before = admin.ask("GET", PAY)
    shapes.RegistryDocument.model_validate(before.json())
    assert before.headers["etag"] == f'"{before.json()["version"]}"'
    put = admin.ask("PUT", PAY, json={**RULE, "days": "mon-sat", "max_stay_min": 60})
    shapes.RegistryChanged.model_validate(put.json())
    assert (put.status_code, put.json()["changed"]) == (200, True)
    assert put.json()["document"]["max_stay_min"] == 60
    assert put.headers["etag"] != before.headers["etag"]
    assert admin.ask("GET", PAY).headers["etag"] == put.headers["etag"]
    again = admin.ask("PUT", PAY, json={**RULE, "days": "mon-sat", "max_stay_min": 60})
    assert (again.json()["changed"], again.headers["etag"]) == (False, put.headers["etag"])
    (entry,) = changes(world)
    assert (entry.action, entry.areas, entry.doc["documents"]) == (
        "registry.change",
        [MINE],
        [f"rule/{MINE}-pay"],
    )


def test_who_was_overtaken_is_told_so(admin: Admin) -> None:
    seen = admin.ask("GET", PAY).headers["etag"]
    first = admin.ask("PUT", PAY, json={**RULE, "days": "mon"}, headers={"If-Match": seen})
    assert first.status_code == 200
    late = admin.ask("PUT", PAY, json={**RULE, "days": "tue"}, headers={"If-Match": seen})
    assert (late.status_code, late.json()["type"]) == (412, "urn:baycast:problem:changed")
    assert admin.get(PAY)["document"]["days"] == "mon"
    assert admin.ask("DELETE", PAY, headers={"If-Match": seen}).status_code == 412
    both = {"If-Match": f'"1", {first.headers["etag"]}'}
    assert admin.ask("PUT", PAY, json={**RULE, "days": "wed"}, headers=both).status_code == 200
    new = f"{REGISTRY}/rule/{MINE}-new"
    assert admin.ask("PUT", new, json=RULE, headers={"If-Match": "*"}).status_code == 412
    assert admin.ask("PUT", new, json=RULE, headers={"If-None-Match": "*"}).status_code == 200
    assert admin.ask("PUT", new, json=RULE, headers={"If-None-Match": "*"}).status_code == 412
    assert admin.ask("PUT", new, json=RULE, headers={"If-None-Match": '"1"'}).status_code == 422


def test_what_is_needed_cannot_be_taken_out(admin: Admin, world: TwoAreas) -> None:
    refused = admin.ask("DELETE", PAY)
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:baycast:problem:still-needed")
    assert refused.json()["problems"][0]["field"] == "rule_ids"
    world.set_rule(MINE)
    gone = admin.ask("DELETE", f"{REGISTRY}/rule/{MINE}-spare")
    assert (gone.status_code, gone.json()) == (
        200,
        {"kind": "rule", "id": f"{MINE}-spare", "history": None},  # no bay names it
    )
    assert admin.ask("DELETE", f"{REGISTRY}/rule/{MINE}-spare").status_code == 404
    assert changes(world)[0].doc["removed"] == 1


def test_what_a_change_does_to_the_past_is_said_beforehand_and_with_it(admin: Admin) -> None:
    def put(path: str, **more: Any) -> Any:
        answer = admin.ask("PUT", path, json={**RULE, "days": "mon-sat", **more})
        shapes.RegistryChanged.model_validate(answer.json())
        return answer.json()["history"]

    assert put(PAY) == "recomputed from the beginning"
    assert put(PAY) is None  # as it was
    assert put(PAY, valid_to="2026-04-01T00:00:00Z") == "recomputed from 2026-04-01T00:00:00Z"
    assert put(PAY) == "recomputed from 2026-04-01T00:00:00Z"
    assert put(PAY, valid_to="2036-04-01T00:00:00Z") is None  # that is still to come
    told = admin.file([bay_feature(f"{MINE}-new")], dry_run=True).json()
    shapes.RegistryImported.model_validate(told)
    assert [area["history"] for area in told["areas"]] == ["recomputed from the beginning"]
    binding = f"{REGISTRY}/binding/{MINE}-s-pay@{MINE}-pay@always"
    gone = admin.ask("DELETE", binding)
    shapes.RegistryRemoved.model_validate(gone.json())
    assert gone.json()["history"] == "recomputed from the beginning"


@pytest.mark.parametrize(
    ("path", "body", "field", "told"),
    [
        (PAY, {**RULE, "days": "someday"}, "days", "someday"),
        (PAY, {**RULE, "max_stay": 60}, "max_stay", "is not known"),
        (f"{REGISTRY}/rule/Town 2h", RULE, "id", "is not of the form"),
        (
            BAY,
            {"area_id": MINE, "zone_id": "nowhere", "bay_type": "standard", "lat": 51, "lon": -3},
            "zone_id",
            "no",
        ),
        (f"{REGISTRY}/rule/{OTHER}-pay", RULE, "id", "is taken"),
    ],
)
def test_a_refusal_names_field_and_fix(
    path: str, body: dict[str, Any], field: str, told: str, admin: Admin, world: TwoAreas
) -> None:
    answer = admin.ask("PUT", path, json=body)
    assert answer.status_code == 422, answer.text
    (problem,) = answer.json()["problems"]
    assert (problem["field"], bool(problem["fix"])) == (field, True)
    assert told in problem["problem"]
    assert OTHER not in json.dumps(answer.json()).replace(f"{OTHER}-pay", "")
    assert changes(world) == []


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"{", "is not JSON"),
        (b'{"use": NaN}', "NaN is no number"),
        (b'{"use": "pay", "use": "ev"}', "is there twice"),
        (b"[" * 50_000, "is not JSON"),
        (b"\xff", "not UTF-8"),
    ],
)
def test_a_body_is_read_strictly(content: bytes, told: str, admin: Admin) -> None:
    answer = admin.ask("PUT", PAY, content=content, headers={"Content-Type": "application/json"})
    assert (answer.status_code, told in answer.json()["detail"]) == (422, True), answer.text
    assert (
        admin.ask("PUT", PAY, content=b"use: pay", headers={"Content-Type": "text/yaml"}).status_code == 415
    )
    assert admin.ask("PUT", f"{REGISTRY}/house/x", json=RULE).status_code == 404


def test_l9_a_key_of_one_area_reaches_no_other(admin: Admin, root: Admin, world: TwoAreas) -> None:
    theirs = {**RULE, "area_id": OTHER}
    assert admin.ask("PUT", f"{REGISTRY}/rule/{OTHER}-pay", json=theirs).status_code == 403
    assert admin.ask("PUT", PAY, json=theirs).status_code == 403  # nor moves one there
    moved = root.ask("PUT", PAY, json=theirs)
    assert (moved.status_code, moved.json()["problems"][0]["field"]) == (422, "id")
    world.set_rule(OTHER)
    assert admin.ask("DELETE", f"{REGISTRY}/rule/{OTHER}-spare").status_code == 404
    assert root.ask("DELETE", f"{REGISTRY}/rule/{OTHER}-spare").status_code == 200
    nobodys = f"{REGISTRY}/rule/nobodys"
    for theirs_or_nobodys in (f"{REGISTRY}/rule/{OTHER}-pay", nobodys):  # which of both it is is not told
        deleted = admin.ask("DELETE", theirs_or_nobodys, headers={"If-Match": "*"})
        assert deleted.status_code == 412
    mixed = {f"{MINE}-a": RULE, f"{OTHER}-a": theirs}
    assert admin.file([], rules=mixed).status_code == 403
    assert root.file([], rules=mixed).status_code == 200
    assert admin.ask("GET", f"{REGISTRY}/rule/{OTHER}-pay/versions").status_code == 404


def test_a_file_is_tried_and_then_entered(admin: Admin, world: TwoAreas) -> None:
    known = bay_feature(f"{MINE}-pay", rule_ids=[f"{MINE}-pay"])
    features = [
        known,
        bay_feature(f"{MINE}-n1", sensor={"device_id": "n1", "model": "ir", "expected_heartbeat_s": 60}),
    ]
    tried = admin.file(features, dry_run=True)
    shapes.RegistryImported.model_validate(tried.json())
    assert tried.json() == {
        "dry_run": True,
        "areas": [
            {
                "area": MINE,
                "changed": 3,
                "unchanged": 1,
                "documents": [f"bay/{MINE}-n1", "sensor/n1", f"binding/n1@{MINE}-n1@always"],
                "history": "recomputed from the beginning",
            }
        ],
    }
    assert admin.ask("GET", f"{REGISTRY}/bay/{MINE}-n1").status_code == 404
    assert changes(world) == []
    assert admin.file(features).json() == {**tried.json(), "dry_run": False}
    assert admin.get(f"{REGISTRY}/binding/n1@{MINE}-n1@always")["document"]["bay_id"] == f"{MINE}-n1"
    again = admin.file(features).json()["areas"]
    assert [(one["changed"], one["unchanged"]) for one in again] == [(0, 4)]
    assert len(changes(world)) == 1


def test_what_is_wrong_in_a_file_is_told_by_its_place(admin: Admin, world: TwoAreas) -> None:
    answer = admin.file([bay_feature("b-1", zone_id="nowhere"), bay_feature("b-2", lenght=3)])
    assert [one["where"] for one in answer.json()["problems"]] == ["the file feature 2: bay b-2"]
    answer = admin.file([bay_feature("b-1", zone_id="nowhere")])
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:baycast:problem:invalid-registry")
    assert answer.json()["problems"][0]["where"] == "the file feature 1: bay b-1"
    assert admin.ask("POST", REGISTRY, content=b"[]", headers=GEOJSON).status_code == 422
    assert changes(world) == []


def test_what_a_rule_said_and_when(admin: Admin) -> None:
    admin.ask("PUT", PAY, json={**RULE, "max_stay_min": 60})
    told = admin.get(f"{PAY}/versions")
    shapes.RuleVersions.model_validate_json(json.dumps(told))
    new, old = told["versions"]
    assert (new["document"]["max_stay_min"], "max_stay_min" in old["document"]) == (60, False)
    assert new["entered_by"].startswith("key ")
    assert new["rule_version"] != old["rule_version"]
    assert admin.ask("GET", f"{REGISTRY}/rule/nothing/versions").status_code == 404

"""Keys on the way in: how soon they end, and what is told to those whose key does not hold."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest

from api.attempts import MOST
from api.config import ApiConfig
from store import audit, keys
from store.key_secret import new_secret
from store.keys import Scope
from tests.support.api_server import ApiServer, Clock, running_api
from tests.support.derived_rows import NOW
from tests.support.keyed import KEYS, bearer, status_is, when
from tests.support.two_areas import MINE, OTHER, TwoAreas, two_areas

BAYS = f"/v1/zones/{MINE}-st/bays"


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
def world(database_url: str) -> Iterator[TwoAreas]:
    with two_areas(database_url) as world:
        yield world


@pytest.fixture
def api(database_url: str, world: TwoAreas, clock: Clock) -> Iterator[ApiServer]:
    with running_api(ApiConfig(database_url=database_url), clock) as running:
        yield running


def test_a_key_that_is_made_opens_and_one_that_is_revoked_no_longer(api: ApiServer, world: TwoAreas) -> None:
    key_id, secret = world.key(Scope.ADMIN, areas=[MINE])
    when(api, secret, status_is(200))
    keys.revoke(world.conn, key_id, by="user test", at=NOW)
    assert when(api, secret, status_is(401)) < 5


def test_a_revocation_that_nobody_announces_is_in_force_within_five_seconds(
    api: ApiServer, world: TwoAreas
) -> None:
    key_id, secret = world.key(Scope.ADMIN, areas=[MINE])
    when(api, secret, status_is(200))
    world.conn.execute("UPDATE api_key SET revoked_at = now() WHERE id = $1", (key_id,))
    assert when(api, secret, status_is(401)) < 5


def test_without_the_database_keys_open_nothing_after_five_seconds_and_the_public_is_served(
    api: ApiServer, world: TwoAreas
) -> None:
    _, secret = world.key(Scope.ADMIN, areas=[MINE])
    when(api, secret, status_is(200))
    keyring = api.access.keyring
    keyring._url = "postgresql://127.0.0.1:1/nothing"
    began = time.monotonic()
    world.conn.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'baycast keys'"
    )
    lost = {"urn:baycast:problem:database"}
    when(api, secret, lambda answer: answer.status_code == 503 and answer.json()["type"] in lost)
    assert time.monotonic() - began < 5
    assert api.get("/v1/availability").status_code == 200
    assert api.get(BAYS).status_code == 200
    assert api.get(BAYS, headers=bearer(secret)).status_code == 503
    keyring._url = world.url
    when(api, secret, status_is(200))


def test_l11_a_fault_of_ours_closes_the_doors_until_it_is_over(api: ApiServer, world: TwoAreas) -> None:
    _, secret = world.key(Scope.ADMIN, areas=[MINE])
    when(api, secret, status_is(200))

    async def fault() -> None:
        raise ValueError("a fault of ours")

    api.access.keyring.read = fault  # type: ignore[method-assign]
    when(api, secret, status_is(503))
    del api.access.keyring.read  # type: ignore[method-assign]
    when(api, secret, status_is(200))


def test_a_rotated_key_has_two_secrets_until_the_old_one_ends(
    api: ApiServer, world: TwoAreas, clock: Clock
) -> None:
    key_id, old = world.key(Scope.ADMIN, areas=[MINE])
    _, new = keys.rotate(world.conn, key_id, until=NOW + timedelta(hours=1), by="user test", at=NOW)
    when(api, new, status_is(200))
    when(api, old, status_is(200))
    clock.now = NOW + timedelta(hours=1)
    assert api.get(KEYS, headers=bearer(old)).status_code == 401
    assert api.get(KEYS, headers=bearer(new)).status_code == 200


def test_an_expired_key_opens_nothing_from_that_instant_on(
    api: ApiServer, world: TwoAreas, clock: Clock
) -> None:
    _, secret = world.key(Scope.ADMIN, areas=[MINE], expires_at=NOW + timedelta(seconds=10))
    when(api, secret, status_is(200))
    clock.now = NOW + timedelta(seconds=10)
    assert api.get(KEYS, headers=bearer(secret)).status_code == 401


def test_last_use_is_kept_to_the_minute_and_not_by_the_request(
    database_url: str, world: TwoAreas, clock: Clock
) -> None:
    clock.now = NOW + timedelta(minutes=3, seconds=33)
    key_id, secret = world.key(Scope.ADMIN, areas=[MINE])
    with running_api(ApiConfig(database_url=database_url), clock) as api:
        assert api.get(KEYS, headers=bearer(secret)).status_code == 200
        assert keys.page(world.conn, after=key_id - 1, limit=1)[0].last_used_at is None
    assert keys.page(world.conn, after=key_id - 1, limit=1)[0].last_used_at == NOW + timedelta(minutes=3)


def test_a_key_is_judged_from_memory(api: ApiServer, world: TwoAreas) -> None:
    _, secret = world.key(Scope.LIVE, areas=[MINE])
    when(api, secret, status_is(403))
    api.access.desk._url = "postgresql://127.0.0.1:1/nothing"
    api.access.keyring._url = "postgresql://127.0.0.1:1/nothing"
    assert [api.get(KEYS, headers=bearer(secret)).status_code for _ in range(10)] == [403] * 10


def test_what_is_wrong_is_told_alike_for_all_keys_that_do_not_hold(api: ApiServer, world: TwoAreas) -> None:
    revoked_id, revoked = world.key(Scope.ADMIN, areas=[MINE])
    keys.revoke(world.conn, revoked_id, by="user test", at=NOW)
    _, expired = world.key(Scope.ADMIN, areas=[MINE], expires_at=NOW - timedelta(minutes=1))
    answers = [api.get(KEYS, headers=bearer(secret)) for secret in (new_secret(), revoked, expired)]
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].status_code == 401
    assert answers[0].json()["type"] == "urn:baycast:problem:key-refused"
    assert {answer.headers["www-authenticate"] for answer in answers} == {
        'Bearer realm="baycast", error="invalid_token"'
    }
    without = api.get(KEYS)
    assert (without.status_code, without.headers["www-authenticate"]) == (401, 'Bearer realm="baycast"')
    typo = api.get(KEYS, headers=bearer(new_secret()[:-1] + "!"))
    assert typo.json()["type"] == "urn:baycast:problem:malformed-key"


def test_a_key_in_the_url_is_no_key(api: ApiServer, world: TwoAreas) -> None:
    _, secret = world.key(Scope.ADMIN, areas=[MINE])
    when(api, secret, status_is(200))
    for query in (f"?key={secret}", f"?access_token={secret}", f"?area={secret}"):
        assert api.get(KEYS + query).status_code == 401
    assert httpx.get(api.url.replace("//", f"//{secret}:x@") + KEYS).status_code == 401


def test_an_answer_to_a_key_is_for_its_holder_alone(api: ApiServer, world: TwoAreas) -> None:
    _, secret = world.key(Scope.ADMIN, Scope.PERSONAL, areas=[MINE])
    when(api, secret, status_is(200))
    page = {"Origin": "https://evil.example"}
    for path in (KEYS, BAYS):
        answer = api.get(path, headers={**bearer(secret), **page})
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "private, no-store"
        assert answer.headers["vary"] == "Authorization"
        assert not [name for name in answer.headers if name.startswith("access-control")]
    public = api.get(BAYS, headers=page)
    assert (public.headers["vary"], public.headers["cache-control"]) == (
        "Authorization",
        "public, max-age=1, stale-while-revalidate=4",
    )
    assert public.headers["access-control-allow-origin"] == "*"
    asked = {**page, "Access-Control-Request-Headers": "authorization"}
    assert (
        "authorization"
        not in httpx.options(api.url + BAYS, headers=asked).headers["access-control-allow-headers"].lower()
    )
    assert httpx.options(api.url + KEYS, headers=asked).status_code == 405


def test_l8_an_address_that_fails_again_and_again_waits_but_a_right_key_does_not(
    api: ApiServer, world: TwoAreas
) -> None:
    _, secret = world.key(Scope.ADMIN, areas=[MINE])
    when(api, secret, status_is(200))
    failing = [api.get(KEYS, headers=bearer("x")) for _ in range(MOST + 1)]
    assert failing[-1].status_code == 429
    assert 1 <= int(failing[-1].headers["retry-after"]) <= 61
    assert failing[-1].json()["type"] == "urn:baycast:problem:too-many-failures"
    assert api.get(KEYS, headers=bearer(secret)).status_code == 200
    assert api.get(KEYS).status_code == 401


def test_refused_attempts_at_admin_routes_are_audited_in_few_entries(
    database_url: str, world: TwoAreas, clock: Clock
) -> None:
    key_id, mine = world.key(Scope.ADMIN, areas=[MINE])
    _, live = world.key(Scope.LIVE, areas=[MINE])
    with running_api(ApiConfig(database_url=database_url), clock) as api:
        for _ in range(50):
            api.get(KEYS, headers=bearer("x"))
        api.get(KEYS, headers=bearer(live))
        api.get(KEYS + f"?area={OTHER}", headers=bearer(mine))
        assert api.get(BAYS, headers=bearer("x")).status_code == 429
    entries = audit.page(world.conn, action="admin.denied", limit=100)
    told = {(e.who, e.subject, e.doc["status"], e.doc["times"], tuple(e.areas or ())) for e in entries}
    assert told == {
        ("nobody", "GET /v1/admin/keys", 401, MOST, ()),
        ("nobody", "GET /v1/admin/keys", 429, 50 - MOST, ()),
        (f"key {key_id + 1} (cardiff test)", "GET /v1/admin/keys", 403, 1, (MINE,)),
        (f"key {key_id} (cardiff test)", "GET /v1/admin/keys", 403, 1, (MINE,)),
    }
    assert {e.doc["address"] for e in entries} == {"127.0.0.1"}
    assert audit.verify(world.conn).breaks == []

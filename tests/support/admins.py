"""Admins who ask the API of two areas: one with a key for one of them, one with a key for all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import httpx
from pydantic import BaseModel

from api.config import ApiConfig
from store.keys import Scope
from tests.support.api_server import ApiServer, running_api
from tests.support.derived_rows import NOW
from tests.support.two_areas import MINE, TwoAreas

OVERRIDES = "/v1/admin/overrides"
QUARANTINE = "/v1/admin/quarantine"


class Admin:
    """Asks with a key."""

    def __init__(self, api: ApiServer, secret: str) -> None:
        self.api = api
        self._client = httpx.Client(
            base_url=api.url, timeout=20, headers={"Authorization": f"Bearer {secret}"}
        )

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self._client.request(method, path, **more)

    def get(self, path: str, shape: type[BaseModel]) -> Any:
        answer = self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        shape.model_validate_json(answer.content)
        return answer.json()

    def close(self) -> None:
        self._client.close()


@contextmanager
def admin_of_one_area(world: TwoAreas) -> Iterator[Admin]:
    """The API at `NOW`, and a key for `MINE`."""
    _, secret = world.key(Scope.ADMIN, areas=[MINE])
    with (
        running_api(ApiConfig(database_url=world.url), lambda: NOW) as api,
        closing(Admin(api, secret)) as admin,
    ):
        yield admin


@contextmanager
def admin_of_all_areas(world: TwoAreas, api: ApiServer) -> Iterator[Admin]:
    """One more key, for all areas, once the API knows it."""
    _, secret = world.key(Scope.ADMIN, areas=None)
    with closing(Admin(api, secret)) as root:
        api.until("/healthz", lambda _: root.ask("GET", "/v1/admin/keys").status_code == 200)
        yield root


def override(**more: Any) -> dict[str, Any]:
    """A suspension that can be entered, or what is made of it."""
    return {
        "id": "ttro-7",
        "area_id": MINE,
        "kind": "suspension",
        "reason": "water main",
        "starts_at": "2036-07-01T08:00:00Z",
        "bay_ids": [f"{MINE}-pay"],
        **more,
    }

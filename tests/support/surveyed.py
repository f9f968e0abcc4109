"""Beat surveys of a town in which a day was lived, and who sends and asks for them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import httpx

from api import survey_schemas as shapes
from occupancy.registry import format_instant
from tests.support.api_server import ApiServer
from tests.support.keyed import bearer, when
from tests.support.small_town import AREA, START

SURVEYS = "/v1/admin/surveys"
HEADER = "bay_id,seen_at,occupied\n"
DAY = {"area": AREA, "from": "2026-11-02", "to": "2026-11-03"}


def look(bay: int, minute: float, seen: str) -> str:
    return f"high-st-{bay},{format_instant(START + timedelta(minutes=minute))},{seen}\n"


BEAT = (
    HEADER
    + look(0, 20, "yes")  # said taken from 10 to 40
    + look(0, 50, "no")
    + look(0, 100, "free")  # said taken from 60 to 120
    + look(0, 40.5, "yes")  # half a minute after it left: a close call
    + look(0, 130, "unknown")
    + look(1, 20, "no")
    + look(1, 90, "taken")  # said free all the time
    + look(2, 20, "taken")  # nobody ever heard its sensor
)


class Admin:
    """Asks with a key for admins and managers."""

    def __init__(self, api: ApiServer, secret: str) -> None:
        self._api, self._secret = api, secret

    def get(self, path: str, **asked: Any) -> Any:
        answer = self._api.get(path, params=asked, headers=bearer(self._secret))
        assert answer.status_code == 200, answer.text
        return answer.json()

    def file(self, path: str, **asked: Any) -> httpx.Response:
        return self._api.get(path, params=asked, headers=bearer(self._secret))

    def until(self, path: str, true_of: Callable[[httpx.Response], bool], **asked: Any) -> httpx.Response:
        when(self._api, self._secret, true_of, f"{path}?{urlencode(asked)}")
        return self.file(path, **asked)

    def send(self, body: str | dict[str, Any], **asked: Any) -> httpx.Response:
        text = body if isinstance(body, str) else json.dumps(body)
        kind = "text/csv; charset=utf-8" if isinstance(body, str) else "application/json"
        return httpx.post(
            f"{self._api.url}{SURVEYS}",
            params={"area": AREA, "surveyor": "Anna Rees", **asked},
            content=text.encode(),
            headers={**bearer(self._secret), "Content-Type": kind},
            timeout=20,
        )


def rows_of(admin: Admin, by: str, **asked: Any) -> dict[str, dict[str, Any]]:
    answer = admin.get(SURVEYS, area=AREA, by=by, **asked)
    shapes.AgreementList.model_validate_json(json.dumps(answer))
    return {row[by]: row for row in answer["agreement"]}

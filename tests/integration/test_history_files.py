"""Files of history whose readers do not read: they hold up nobody else (L8)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from urllib.parse import urlencode

import httpx
import pytest

from api.config import ApiConfig
from store.keys import Scope
from store.postgres import connect
from store.registry import Change, apply
from tests.integration.test_history_memory import months
from tests.integration.test_history_routes import key
from tests.support.api_server import ApiServer, running_api
from tests.support.keyed import bearer, status_is, when
from tests.support.small_town import AREA, START, documents
from tests.support.stalled import Stalled
from tests.support.waiting import eventually

_ASKED = {"area": AREA, "from": "2026-06-01", "to": "2026-09-29", "by": "zone"}
_JSON = f"/v1/history/occupancy?{urlencode({**_ASKED, 'grain': '1mo'})}"
_FILE = f"/v1/history/occupancy?{urlencode({**_ASKED, 'grain': '5m', 'format': 'csv'})}"
"""Four megabytes, from one in the morning of the first day on: the clock of the town is that of summer."""


@pytest.fixture
def secret(database_url: str) -> Iterator[str]:
    with connect(database_url) as conn:
        apply(
            conn,
            [Change(kind, id, doc) for kind, id, doc in documents()],
            entered_by="test",
            entered_at=START,
        )
        months(conn)
        yield key(conn, Scope.HISTORY)


def serving(database_url: str, *, file_stall_s: float) -> AbstractContextManager[ApiServer]:
    return running_api(
        ApiConfig(database_url=database_url, file_stall_s=file_stall_s), lambda: START + timedelta(hours=4)
    )


def stalled(api: ApiServer, secret: str) -> Stalled:
    return Stalled(api, f"GET {_FILE} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {secret}\r\n\r\n".encode())


def asked(api: ApiServer, secret: str, path: str) -> httpx.Response:
    return api.get(path, headers=bearer(secret))


def test_l8_files_leave_connections_to_answers_and_one_more_is_refused_at_once(
    database_url: str, secret: str
) -> None:
    with serving(database_url, file_stall_s=600.0) as api:
        when(api, secret, status_is(200), _JSON)
        with stalled(api, secret), stalled(api, secret):
            when(api, secret, status_is(503), _FILE)
            refused = asked(api, secret, _FILE)
            assert (refused.status_code, refused.json()["type"]) == (503, "urn:baycast:problem:busy")
            assert int(refused.headers["retry-after"]) > 0
            for _ in range(5):
                assert asked(api, secret, _JSON).status_code == 200
        when(api, secret, status_is(200), _FILE)


def test_l8_who_takes_nothing_of_a_file_is_cut_off(database_url: str, secret: str) -> None:
    with serving(database_url, file_stall_s=0.3) as api:
        when(api, secret, status_is(200), _JSON)
        before = cut_off(api.get("/metrics"))
        with stalled(api, secret) as one, stalled(api, secret) as other:
            api.until("/metrics", lambda answer: cut_off(answer) >= before + 2, within_s=60)
            eventually(lambda: not api.connections, what="nobody is connected any more")
            for stuck in (one, other):
                stuck.read_to_the_end()
            whole = asked(api, secret, _FILE)
        assert (whole.status_code, whole.content.count(b"\r\n")) == (200, 1 + 120 * 288 - 12)


def cut_off(metrics: httpx.Response) -> float:
    lines = metrics.text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("baycast_api_files_cut_total "))

"""What an answer on history may be kept for: its tag is another whenever the answer would be."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from api.config import ApiConfig
from store.keys import Scope
from store.registry import Change, apply
from tests.integration.test_engine_rows import log, serve
from tests.integration.test_history_routes import Desk, desk, key
from tests.support.api_server import running_api
from tests.support.keyed import bearer, status_is, when
from tests.support.small_town import AREA, START, documents, state

__all__ = ["desk"]
HOUR = 3600
PATH = f"/v1/history/occupancy?area={AREA}&from=2026-11-02&to=2026-11-03&by=zone&zones=high-st"


@pytest.fixture
def final(desk: Desk) -> Desk:
    log(desk.conn, [], 80 * HOUR)
    serve(desk.conn)
    return desk


def asked(desk: Desk, tag: str = "", **headers: str) -> httpx.Response:
    return desk.api.get(PATH, headers={**bearer(desk.secret), "If-None-Match": tag, **headers})


def renamed(desk: Desk) -> None:
    street = next(doc for kind, id, doc in documents() if (kind, id) == ("zone", "high-st"))
    named = {**street, "name": {"en": "Queen Street", "cy": "Heol y Frenhines"}}
    apply(desk.conn, [Change("zone", "high-st", named)], entered_by="test", entered_at=START)
    desk.conn.commit()
    when(desk.api, desk.secret, lambda answer: "Queen Street" in answer.text, PATH)


def revised(desk: Desk) -> None:
    log(desk.conn, [state("s0", 5, 120, True)], 80 * HOUR + 1)
    serve(desk.conn)


def dropped(desk: Desk) -> None:
    desk.conn.execute(
        "INSERT INTO retention (area, hours_from) VALUES ($1, $2)", (AREA, START + timedelta(hours=16))
    )
    desk.conn.commit()


def of_another_engine(desk: Desk) -> None:
    desk.conn.execute("UPDATE generation SET engine_version = 'another'")
    desk.conn.commit()


@pytest.mark.parametrize("change", [renamed, revised, dropped, of_another_engine])
def test_the_tag_of_final_figures_is_of_all_that_they_depend_on(
    final: Desk, change: Callable[[Desk], None]
) -> None:
    first = asked(final)
    tag = first.headers["etag"]
    assert first.json()["rows"][0]["status"] == "final"
    kept = asked(final, f'"other", {tag}')
    assert (kept.status_code, kept.content) == (304, b"")
    log(final.conn, [], 81 * HOUR)  # time goes on, which makes no figure another
    serve(final.conn)
    assert asked(final, tag).status_code == 304
    change(final)
    again = asked(final, tag)
    assert (again.status_code, again.headers["etag"] != tag) == (200, True)


def test_the_tag_is_of_the_least_coverage_too(final: Desk, database_url: str) -> None:
    tag = asked(final).headers["etag"]
    config = ApiConfig(database_url=database_url, history_least_coverage=0.9)
    with running_api(config, lambda: START + timedelta(hours=4)) as other:
        when(other, final.secret, status_is(200), PATH)
        stricter = other.get(PATH, headers={**bearer(final.secret), "If-None-Match": tag})
    assert stricter.status_code == 200
    assert stricter.json()["rows"][0]["missing"]["occupancy_pct"] == "coverage"


def test_what_is_kept_is_held_against_the_server_each_time_and_small_counts_are_not_kept(final: Desk) -> None:
    tag = asked(final).headers["etag"]
    later = "area=town&from=2026-11-02&to=2026-11-09"
    for answer in (
        asked(final),
        asked(final, tag),
        asked(final, Accept="text/csv"),
        final.api.get(f"/v1/history/turnover?{later}", headers=bearer(final.secret)),
    ):
        assert answer.headers["cache-control"] == "private, no-cache"
        assert {part.strip() for part in answer.headers["vary"].split(",")} == {"Accept", "Authorization"}
    assert asked(final, tag, Accept="text/csv").status_code == 200, "another answer has another tag"
    final.secret = key(final.conn, Scope.HISTORY, Scope.PERSONAL)
    when(final.api, final.secret, status_is(200), PATH)
    told = asked(final, tag)
    assert (told.status_code, told.headers["cache-control"]) == (200, "private, no-store")
    assert asked(final, Accept="text/csv").headers["cache-control"] == "private, no-store"

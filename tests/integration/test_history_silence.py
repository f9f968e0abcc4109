"""Streets and car parks of which nothing was heard: in history they are in service and unknown (L4), alike however
they came to be folded (L3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from api.config import ApiConfig
from occupancy import engine
from occupancy.engine import EngineConfig
from occupancy.history.hour import HOUR
from store import history_hours, keys
from store.log import LogEntry
from store.postgres import Connection, connect
from store.registry import Change, apply
from tests.integration.test_engine_rows import TOWN, log, register, serve
from tests.integration.test_history_routes import key
from tests.integration.test_history_rows import holds
from tests.support.api_server import running_api
from tests.support.eventful_days import enter, z
from tests.support.keyed import bearer
from tests.support.small_town import AREA, START, documents, state
from tests.support.waiting import eventually

H = 3600
FIRST_WATERMARK_S = 2 * H
_US = 10**6 * H
Hours = list[tuple[datetime, float, float]]
"""When each begins, and bay-hours in service and known."""


@pytest.fixture
def conn(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    monkeypatch.setattr(
        "store.log.PIPELINE_DOWN_AFTER", timedelta(days=1)
    )  # the watermarks of a test are few
    with connect(database_url) as connection:
        register(connection)
        yield connection


def put(conn: Connection, docs: Mapping[str, dict[str, Any] | None]) -> None:
    enter(conn, [LogEntry("registry", key, doc, START, "test") for key, doc in docs.items()])


def street(zone_id: str, bays: int, **more: Any) -> dict[str, dict[str, Any] | None]:
    named = {doc_id: doc for kind, doc_id, doc in documents() if kind == "zone"}
    bay = {"area_id": AREA, "zone_id": zone_id, "bay_type": "standard", "lat": 51.5, "lon": -3.2, **more}
    zone: dict[str, Any] = {**named["high-st"], "controlled_zone": "A"}
    return {f"zone/{zone_id}": zone, **{f"bay/{zone_id}-{n}": bay for n in range(bays)}}


def hours(conn: Connection, scope_id: str) -> Hours:
    """Of all bays, whether they are final or not."""
    rows = conn.execute(
        "SELECT hour_at, in_service_us / $2::float8, (free_us + occupied_us) / $2 FROM history_series "
        "JOIN history_known k USING (series_id) WHERE dim = 'all' AND scope_id = $1 "
        "AND k.generation IN (0, (SELECT generation FROM generation WHERE status = 'live')) ORDER BY 1",
        (scope_id, _US),
    ).fetchall()
    conn.commit()
    return rows


def revisions(conn: Connection) -> list[tuple[str]]:
    found = conn.execute("SELECT DISTINCT cause FROM history_revision ORDER BY 1").fetchall()
    conn.commit()
    return found


def talk(conn: Connection, from_h: int, to_h: int, sensors: tuple[str, ...] = ("s0", "s1", "s2")) -> None:
    """Sensors that stay free say so every ten minutes; the watermark is up to `to_h` hours after the start."""
    words = [
        state(name, minute, minute * 60, False, cause="heartbeat")
        for minute in range(from_h * 60, to_h * 60, 10)
        for name in sensors
    ]
    log(conn, words, to_h * H)


def rebuilds_alike(conn: Connection, *instants: datetime | None) -> None:
    """From the beginning, or from an instant: what was final is not revised, either."""
    before = revisions(conn)
    for from_at in instants:
        done = engine.rebuild(conn, TOWN, EngineConfig(database_url=""), from_at=from_at, compare=True)
        assert done.differing == (), from_at
    assert revisions(conn) == before
    assert engine.recount(conn, TOWN, EngineConfig(database_url="")).differing == 0


def is_as_rebuilt(conn: Connection, *instants: datetime | None) -> None:
    """And nothing else is stored than what the rows come to."""
    rebuilds_alike(conn, *instants)
    holds(conn, serve(conn))


def test_l4_who_never_spoke_counts_as_unknown_in_its_zones_and_in_the_area(conn: Connection) -> None:
    put(conn, street("quiet-st", 4))
    put(conn, street("no-bays", 0))
    log(conn, [], FIRST_WATERMARK_S)
    serve(conn, positions_per_page=1)
    talk(conn, 3, 5)
    served = serve(conn)
    at = [START + n * HOUR for n in range(6)]
    assert hours(conn, "quiet-st") == [(at[n], 4, 0) for n in (2, 3, 4)]
    assert hours(conn, "castle") == [(at[n], 5, 0) for n in (2, 3, 4)]
    assert hours(conn, "high-st") == [(at[2], 3, 0), (at[3], 3, 3), (at[4], 3, 3)], "silent before it spoke"
    assert hours(conn, "A") == [(at[n], 4, 0) for n in (2, 3, 4)]
    assert hours(conn, AREA) == [(at[2], 12, 0), (at[3], 12, 3), (at[4], 12, 3)]
    assert hours(conn, "no-bays") == [(at[n], 0, 0) for n in (2, 3, 4)]
    holds(conn, served)
    is_as_rebuilt(conn, None, START + 4 * HOUR)


def test_l5_who_never_spoke_lowers_the_coverage_of_the_area_and_has_no_figures(
    conn: Connection, database_url: str
) -> None:
    """In two hours, the street's three bays are known, and the five of the car park are not."""
    changes = [Change(kind, id, doc) for kind, id, doc in documents()]
    apply(conn, changes, entered_by="test", entered_at=START)
    conn.commit()
    log(conn, [], FIRST_WATERMARK_S)
    talk(conn, 2, 4)
    serve(conn)
    headers = bearer(key(conn, keys.Scope.HISTORY))
    asked = {"area": AREA, "from": "2026-11-02", "to": "2026-11-03", "grain": "1d"}
    with running_api(ApiConfig(database_url=database_url)) as api:

        def answered() -> dict[str, Any]:
            answer = api.get("/v1/history/occupancy", params={**asked, "by": "zone"}, headers=headers)
            return {row["zone"]: row for row in answer.json()["rows"]} if answer.status_code == 200 else {}

        zones = eventually(answered, what="a key that is known")
        castle = zones["castle"]
        assert (castle["coverage"], castle["occupancy_pct"]) == (0, None)
        assert castle["missing"]["occupancy_pct"] == "coverage"
        assert zones["high-st"]["coverage"] == 1
        answer = api.get("/v1/history/coverage", params={**asked, "by": "area"}, headers=headers)
        (area,) = answer.json()["rows"]
    assert area["in_service_min"] == 2 * 8 * 60
    assert area["coverage"] == 3 / 8


def test_l3_a_street_that_speaks_after_days_has_the_hours_of_one_that_never_spoke_until_then(
    conn: Connection,
) -> None:
    """What was final stays as it was. A word from before the first watermark gives its street hours before that."""
    put(conn, street("quiet-st", 3))
    log(conn, [], FIRST_WATERMARK_S)
    for hour in range(3, 55, 7):
        talk(conn, hour, hour + 7, ("s1",))
        serve(conn)
    put(
        conn,
        {
            "sensor/q": {"area_id": AREA, "model": "ir-flush", "expected_heartbeat_s": 600},
            "binding/q@quiet-st-0@always": {"area_id": AREA, "device_id": "q", "bay_id": "quiet-st-0"},
        },
    )
    talk(conn, 60, 64, ("s1", "q"))
    serve(conn)
    assert [known for _, _, known in hours(conn, "quiet-st")] == [0] * 58 + [1] * 4
    assert revisions(conn) == []
    assert [at for at, *_ in hours(conn, "quiet-st")] == [START + n * HOUR for n in range(2, 64)]
    log(conn, [state("q", 0, 1, False)], 65 * H)
    serve(conn)
    assert [at for at, *_ in hours(conn, "quiet-st")] == [START + n * HOUR for n in range(65)]
    assert [at for at, *_ in hours(conn, "castle")] == [START + n * HOUR for n in range(2, 65)]
    is_as_rebuilt(conn, None, START + 40 * HOUR)


def test_a_street_that_is_registered_later_counts_for_all_the_past_but_for_bays_that_say_since_when(
    conn: Connection,
) -> None:
    log(conn, [], FIRST_WATERMARK_S)
    talk(conn, 2, 60)
    serve(conn)
    put(conn, street("new-st", 2, in_service_from="2026-11-04T08:00:00Z"))  # 48 hours after the start
    log(conn, [], 61 * H)
    serve(conn)
    found = hours(conn, "new-st")
    assert [at for at, *_ in found] == [START + n * HOUR for n in range(2, 61)]
    assert [in_service for _, in_service, _ in found] == [0] * 46 + [2] * 13
    changed = (
        "SELECT count(*) FROM history_revision r JOIN history_series USING (series_id) WHERE scope_id = $1"
    )
    assert conn.execute(changed, (AREA,)).fetchone() == (0,), "sums of what was final stay"
    conn.commit()

    put(conn, street("old-st", 2))
    log(conn, [], 62 * H)
    serve(conn)
    assert hours(conn, "old-st") == [(START + n * HOUR, 2, 0) for n in range(2, 62)]
    assert hours(conn, AREA)[0] == (START + 2 * HOUR, 10, 3)
    assert revisions(conn) == [("registry",)]
    is_as_rebuilt(conn, None, START + 50 * HOUR)

    put(conn, dict.fromkeys(["bay/old-st-0", "bay/old-st-1"]))
    log(conn, [], 63 * H)
    serve(conn)
    assert hours(conn, "old-st") == [(START + n * HOUR, 0, 0) for n in range(2, 63)]
    assert hours(conn, AREA)[0] == (START + 2 * HOUR, 8, 3)
    is_as_rebuilt(conn, None, START + 50 * HOUR)


def test_a_car_park_that_is_registered_later_is_closed_until_it_opens_or_has_no_bays_at_all(
    conn: Connection,
) -> None:
    log(conn, [], FIRST_WATERMARK_S)
    talk(conn, 2, 60)
    castle = {f"{kind}/{id}": doc for kind, id, doc in documents()}["zone/castle"]
    put(conn, {"zone/deck": {**castle, "capacity": 7}})
    not_yet = {
        "area_id": AREA,
        "kind": "closure",
        "reason": "not open yet",
        "zone_ids": ["deck"],
        "starts_at": z(0),
        "ends_at": z(58),
    }
    enter(conn, [LogEntry("override", "deck-opens", not_yet, START, "test")])
    log(conn, [], 61 * H)
    serve(conn)
    deck = (
        "SELECT hour_at, in_service_us - closed_us FROM history_known JOIN history_series USING (series_id) "
    )
    rows = conn.execute(deck + "WHERE scope_id = 'deck' ORDER BY 1").fetchall()
    conn.commit()
    assert rows == [(START + n * HOUR, 0 if n < 58 else 7 * _US) for n in range(2, 61)]

    put(conn, {"zone/deck": {key: value for key, value in castle.items() if key != "capacity"}})
    log(conn, [], 62 * H)
    serve(conn)
    assert hours(conn, "deck") == [(START + n * HOUR, 0, 0) for n in range(2, 62)]
    assert hours(conn, AREA)[0] == (START + 2 * HOUR, 8, 3)
    is_as_rebuilt(conn, None, START + 50 * HOUR)


def test_l3_a_log_that_was_cut_still_knows_since_when_history_tells_of_silence(
    conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("occupancy.sensed.CHECKPOINT_EVERY", 15)
    monkeypatch.setattr("occupancy.heard._KEPT", 0)
    put(conn, street("quiet-st", 4))
    log(conn, [], FIRST_WATERMARK_S)
    for hour in range(2, 72):
        talk(conn, hour, hour + 1)
    serve(conn)
    before = hours(conn, "quiet-st")
    assert before == [(START + n * HOUR, 4, 0) for n in range(2, 72)]
    assert engine.drop_log_before(conn, TOWN, START + 30 * HOUR).readings > 0
    gone = conn.execute("SELECT count(*) FROM log_batch WHERE watermark < $1", (START + 15 * HOUR,))
    assert gone.fetchone() == (1,), "the batch of the first watermark stays, and it alone"
    conn.commit()
    is_as_rebuilt(conn, None, START + 40 * HOUR)
    put(conn, {**street("quiet-st", 5), **street("late-st", 1)})
    log(conn, [], 73 * H)
    serve(conn)
    assert hours(conn, "quiet-st") == [(START + n * HOUR, 5, 0) for n in range(2, 73)]
    assert hours(conn, "late-st") == [(START + n * HOUR, 1, 0) for n in range(2, 73)]
    is_as_rebuilt(conn, None, START + 40 * HOUR)


def test_a_page_asks_nothing_about_bays_of_which_nothing_was_heard(
    conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    pasts_in = history_hours.pasts_in

    def noted(cur: Any, at: Any, wanted: Any) -> Any:
        asked.extend(piece.zone_id for piece, _ in wanted)
        return pasts_in(cur, at, wanted)

    monkeypatch.setattr(history_hours, "pasts_in", noted)
    put(conn, street("quiet-st", 4))
    log(conn, [], FIRST_WATERMARK_S)
    talk(conn, 3, 5)
    serve(conn)
    assert len(hours(conn, "quiet-st")) == 3
    assert set(asked) == {"high-st"}


def test_hours_of_an_engine_that_left_silence_out_are_revised_by_the_rebuild_of_this_one(
    conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    log(conn, [], FIRST_WATERMARK_S)
    talk(conn, 2, 60)
    with monkeypatch.context() as before:
        before.setattr("store.tail.first_watermark", lambda *_: None)
        serve(conn)
    assert hours(conn, AREA)[0] == (START + 2 * HOUR, 3, 3)
    engine.rebuild(conn, TOWN, EngineConfig(database_url=""))
    assert hours(conn, AREA) == [(START + n * HOUR, 8, 3) for n in range(2, 60)]
    assert revisions(conn) == [("rebuilt",)]
    is_as_rebuilt(conn, None, START + 50 * HOUR)

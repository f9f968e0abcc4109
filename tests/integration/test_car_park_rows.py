"""Car parks on the real database: tokens forgotten without a row changing (L10, L3), and recounts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from baycast.cli import main
from occupancy import engine
from occupancy.engine import AreaEngine, EngineConfig
from occupancy.model import AreaId
from store import generation
from store.car_parks import forget_tokens, recount
from store.log import ReadingRow, append
from store.postgres import Connection, connect
from store.registry import Change, apply
from tests.support.small_town import AREA, documents

NOW = datetime.now(UTC).replace(microsecond=0)
LONG_AGO = NOW - timedelta(days=5)
TOWN = AreaId(AREA)


def _row(device: str, seq: int, at: datetime, **said: Any) -> ReadingRow:
    return ReadingRow(
        area=AREA,
        device_id=device,
        incarnation=0,
        boot=1,
        seq=seq,
        at=at,
        age_ms=None,
        received_at=at,
        meaning=seq,
        **said,
    )


def _passage(device: str, seq: int, at: datetime, token: str) -> ReadingRow:
    way = device.removeprefix("g-")
    return _row(device, seq, at, kind="passage", direction=way, vehicle_token=token)


def _register(conn: Connection) -> None:
    changes = [Change(kind, id, doc) for kind, id, doc in documents()]
    apply(conn, changes, entered_by="test", entered_at=LONG_AGO)


def _append(conn: Connection, rows: list[ReadingRow], watermark: datetime) -> None:
    with conn.transaction(), conn.cursor() as cur:
        append(cur, rows, {AREA: watermark})


def _advance(conn: Connection) -> AreaEngine:
    with conn.transaction(), conn.cursor() as cur:
        at = generation.live_generation(cur, TOWN, engine.ENGINE_VERSION)
    served = AreaEngine(conn, at, EngineConfig(database_url=""))
    while served.advance():
        pass
    return served


def test_l10_tokens_go_after_the_longest_stay_and_a_rebuild_gives_the_same_rows(database_url: str) -> None:
    with connect(database_url) as conn:
        _register(conn)
        count = _row("g-count", 1, LONG_AGO, kind="count", count=2)
        told = [count]
        for n in range(60):
            at = LONG_AGO + timedelta(minutes=5 * n)
            told.append(_passage("g-in", n, at + timedelta(seconds=1), f"token-{n}"))
            if n % 3:
                told.append(_passage("g-out", n, at + timedelta(minutes=20), f"token-{n}"))
        young = [_passage("g-in", 900, NOW, "token-young")]
        _append(conn, told, LONG_AGO + timedelta(hours=6))
        _advance(conn)
        docs = conn.execute(
            "SELECT f::text FROM count_fold f UNION ALL SELECT c::text FROM count_checkpoint c"
        )
        assert not any("token-" in text for (text,) in docs.fetchall()), (
            "tokens stand with their readings only"
        )
        _append(conn, young, NOW)
        with conn.transaction(), conn.cursor() as cur:
            assert forget_tokens(cur, TOWN) == len(told) - 1
            assert forget_tokens(cur, TOWN) == 0
        left = conn.execute("SELECT vehicle_token FROM reading WHERE vehicle_token IS NOT NULL").fetchall()
        assert left == [("token-young",)]
        visits = conn.execute(
            "SELECT count(*) FROM reading WHERE visit IS NOT NULL GROUP BY visit ORDER BY 1"
        ).fetchall()
        assert visits == [(1,)] * 20 + [(2,)] * 40
        _advance(conn)
        conn.commit()
        assert engine.rebuild(conn, TOWN, EngineConfig(database_url=""), compare=True).differing == ()


def test_a_recount_finds_its_place_in_time_and_survives_a_rebuild(
    database_url: str, monkeypatch: Any, capsys: Any
) -> None:
    start = NOW - timedelta(hours=1)
    with connect(database_url) as conn:
        _register(conn)
        passages = [_passage("g-in", n, start + timedelta(minutes=n), f"token-{n}") for n in range(1, 4)]
        alive = [
            _row(gate, 100 + n, start + timedelta(minutes=10 * n), kind="health")
            for gate in ("g-in", "g-out")
            for n in range(6)
        ]
        _append(conn, [*passages, *alive], NOW - timedelta(minutes=5))
        served = _advance(conn)
        assert served.fold.zones["castle"].counts.unknown == 5  # type: ignore[index]
        with conn.transaction(), conn.cursor() as cur:
            recount(
                cur,
                TOWN,
                "castle",  # type: ignore[arg-type]
                occupied=1,
                at=start + timedelta(seconds=90),
                entered_at=NOW,
                entered_by="J. Rees",
                reason="walked the decks",
            )
        served = _advance(conn)
        assert served.fold.zones["castle"].counts.occupied == 3, "two came after it"  # type: ignore[index]
        conn.commit()
        monkeypatch.setenv("BAYCAST_DATABASE_URL", database_url)
        assert main(["recount", "castle", "5", "--by", "J. Rees", "--reason", "again"]) == 0
        assert "5 vehicles" in capsys.readouterr().out
        assert main(["recount", "high-st", "5", "--by", "J. Rees", "--reason", "no"]) == 2
        assert main(["recount", "nowhere", "5", "--by", "J. Rees", "--reason", "no"]) == 2
        served = _advance(conn)
        assert served.fold.zones["castle"].counts.occupied == 5  # type: ignore[index]
        conn.commit()
        assert engine.rebuild(conn, TOWN, EngineConfig(database_url=""), compare=True).differing == ()
        who = conn.execute(
            "SELECT entered_by, doc ->> 'reason' FROM log_entry WHERE kind = 'recount'"
        ).fetchall()
        assert who == [("J. Rees", "walked the decks"), ("J. Rees", "again")]

"""A small town in a database of its own, whose clock its readings tell: between two of them nothing changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from baycast.bench.system import AREA, Plan, documents
from baycast.embedded.postgres import EmbeddedPostgres
from baycast.score.city import START
from occupancy.engine import EngineConfig, rebuild
from occupancy.model import AreaId
from store.log import ReadingRow, append
from store.migrate import migrate
from store.postgres import connect
from store.registry import Change, apply

BAYS = 10
_STEP = timedelta(seconds=1)


class Town:
    """Streets of ten sensed bays each, known to the last."""

    def __init__(self, url: str, streets: int) -> None:
        self.url = url
        self._plan = Plan(1.0, 1.0, streets, BAYS, 1)
        self._said = 0

    def build(self) -> None:
        """Registry, a word of every sensor, and what follows from it."""
        migrate(self.url)
        with connect(self.url) as conn:
            apply(conn, list(self._changes()), entered_by="baycast bench", entered_at=START)
            self._say([(street, bay) for street in range(self._plan.zones) for bay in range(BAYS)])
            rebuild(conn, AreaId(AREA), EngineConfig(database_url=self.url))

    def change(self) -> None:
        """A vehicle leaves the first street, or comes back to it: the log has it, the engine must follow."""
        self._say([(0, 0)])

    def _say(self, bays: list[tuple[int, int]]) -> None:
        """Every bay at an even number of the town's words so far is taken."""
        at = START + self._said * _STEP
        rows = [self._row(self._plan.device_id(street, bay), bay) for street, bay in bays]
        with connect(self.url) as conn, conn.transaction(), conn.cursor() as cur:
            append(cur, rows, {AREA: at + _STEP})
        self._said += 1

    def _row(self, device_id: str, bay: int) -> ReadingRow:
        at = START + self._said * _STEP
        return ReadingRow(
            area=AREA,
            device_id=device_id,
            incarnation=0,
            boot=1,
            seq=self._said,
            kind="state",
            at=at,
            age_ms=None,
            received_at=at,
            occupied=(self._said + bay) % 2 == 0,
            cause="boot" if self._said == 0 else "change",
            meaning=1,
            raw=b"{}",
        )

    def _changes(self) -> Iterator[Change]:
        for kind, id, document in documents(self._plan):
            told: Mapping[str, object] = {**document, "clock": "event"} if kind == "area" else document
            yield Change(kind, id, told)


@contextmanager
def own_town(folder: Path, streets: int, settings: dict[str, str] | None = None) -> Iterator[Town]:
    """A town on a server in a folder, which is stopped afterwards; `settings` are PostgreSQL's."""
    postgres = EmbeddedPostgres(folder / "postgres", settings=settings)
    with (folder / "postgres.log").open("wb") as log:
        postgres.start(log)
    try:
        postgres.create_database()
        town = Town(postgres.url(), streets)
        town.build()
        yield town
    finally:
        postgres.stop()

"""What fails in the process that issues forecasts holds up nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from occupancy.engine.forecasts import ForecastConfig
from occupancy.forecast.issue import Place
from occupancy.model import AreaId, ZoneId
from store.forecast_records import Recorder
from store.postgres import connect
from tests.support.derived_rows import DerivedRows
from tests.support.forecast_town import BEGAN, MINUTE, Town
from tests.support.forecasting_process import EndlessTraining, running
from tests.support.issues import issue_of
from tests.support.waiting import eventually


@pytest.fixture
def config(database_url: str, tmp_path: Path) -> ForecastConfig:
    return ForecastConfig(database_url=database_url, data_dir=tmp_path, poll_s=0.01)


@pytest.fixture
def town(database_url: str) -> Iterator[Town]:
    with DerivedRows(database_url) as rows, connect(database_url, autocommit=True) as conn:
        yield Town(rows, conn)


REFUSES = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE 'not this one' USING ERRCODE = '{state}'; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION refuse();
"""


def failures(what: str) -> float:
    return REGISTRY.get_sample_value("baycast_forecast_failures_total", {"what": what}) or 0.0


@pytest.mark.parametrize(
    ("table", "state", "fails"),
    [
        ("forecast_issue", "P0001", "issuing"),
        ("forecast_scoring", "57014", "scoring"),  # as a statement that was too slow
        (None, "", "training"),
    ],
)
def test_a_phase_that_fails_holds_up_no_other(
    town: Town,
    config: ForecastConfig,
    caplog: pytest.LogCaptureFixture,
    table: str | None,
    state: str,
    fails: str,
) -> None:
    trained: list[AreaId] = []

    def start_training(area: AreaId) -> EndlessTraining:
        trained.append(area)
        if fails == "training":
            raise OSError("no process can be started")
        return EndlessTraining()

    town.has_evidence(timedelta(days=2))
    for number in range(3):  # what the process before has issued
        record = issue_of([Place(ZoneId("s0"))], [4], [0.5], issued_at=BEGAN + number * MINUTE)
        with town.conn.cursor() as cur:
            Recorder().record(cur, record)
    if table is not None:
        town.conn.execute(REFUSES.format(table=table, state=state))
    before = {what: failures(what) for what in ("issuing", "scoring", "training", "area")}
    later = BEGAN + 30 * MINUTE
    town.is_at(later)
    with running(config, start_training=start_training):
        eventually(lambda: failures(fails) > before[fails] and trained != [])
        if fails != "issuing":
            town.issued(later)
        if fails != "scoring":
            eventually(lambda: town.rows("SELECT sum(forecasts) FROM forecast_score")[0][0] == 6)
    counted = {what: failures(what) - before[what] for what in before}
    assert counted == {**dict.fromkeys(before, 0.0), fails: 1.0}
    assert [record.__dict__["phase"] for record in caplog.records if record.exc_info] == [fails]


def test_a_record_that_cannot_be_read_does_not_stop_scoring(town: Town, config: ForecastConfig) -> None:
    town.has_evidence()
    with running(config):
        for number in range(3):
            town.is_at(BEGAN + number * MINUTE)
            town.issued(BEGAN + number * MINUTE)
    statement = "UPDATE forecast_issue SET shares = 'bits that rot' WHERE issued_at = $1"
    town.conn.execute(statement, (BEGAN + MINUTE,))
    before = failures("issue")
    with running(config):
        town.is_at(BEGAN + 20 * MINUTE)
        eventually(lambda: town.rows("SELECT scored_to FROM forecast_scoring") != [])
    assert town.rows("SELECT sum(forecasts) FROM forecast_score WHERE horizon_min = 5") == [(4,)]
    assert failures("issue") == before + 1

"""The year of `bench history` is made in stages, each once: one that was kept goes on where it was cut off."""

from __future__ import annotations

from dataclasses import replace

import pytest

from baycast.bench.history_city import AREA, BenchCity, Year
from baycast.settings import UsageError
from occupancy.engine import EngineConfig, recount
from store.postgres import connect

YEAR = Year(4, 30, 3, car_parks=False)


class Cut(Exception):
    """The measurement is ended from outside."""


def test_a_kept_year_goes_on_where_it_was_cut_off(database_url: str) -> None:
    told: list[str] = []

    def cut_after_folding(text: str) -> None:
        told.append(text)
        if text.startswith("rebuilding"):
            raise Cut

    with connect(database_url) as conn:
        with pytest.raises(Cut):
            BenchCity(conn, database_url, YEAR, cut_after_folding).prepare()
        assert any("are in the log" in text for text in told)
        city = BenchCity(conn, database_url, YEAR, told.append)
        assert city.prepare() == {"write_readings_per_s": None, "fold_readings_per_s": None}
        standing = city.standing()
        assert told[-1].endswith("came late")
        assert standing["revisions"] == standing["revisions_late"]
        assert standing["revisions"]
        said = len(told)
        assert city.prepare() == {"write_readings_per_s": None, "fold_readings_per_s": None}
        assert told[said:] == []
        found = recount(conn, AREA, EngineConfig(database_url=database_url).in_bulk())
        assert (found.differing, standing["hours"]) == (0, found.hours)
        with pytest.raises(UsageError, match="is of another run"):
            BenchCity(conn, database_url, replace(YEAR, seed=4), told.append).prepare()

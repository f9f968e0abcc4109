"""The public recordings, read as they are. Skipped where the files are not at hand."""

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from simulator.recordings import Recording, place_ids, read_recording

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
BIRMINGHAM = DATA / "birmingham_2016.csv.gz"
MUENSTER = DATA / "muenster_2023-01_2025-06.parquet"


def require(path: Path) -> Path:
    if not path.exists():
        pytest.skip(f"{path.name} is not at hand: see the README for where to get it")
    return path


@pytest.fixture(scope="module")
def muenster() -> Recording:
    pytest.importorskip("pyarrow")
    return read_recording(require(MUENSTER))


def test_birmingham_every_row_is_replayed() -> None:
    recording = read_recording(require(BIRMINGHAM))
    rows = list(recording.rows())
    assert recording.read == len(rows) == 35_717
    assert not recording.skipped
    assert len(recording.places) == 30
    assert all(one.at <= other.at for one, other in pairwise(rows))
    # Ten of the weeks are in summer time: 07:59:42 in Birmingham is 06:59:42 UTC.
    assert rows[0].at.date() == datetime(2016, 10, 4, tzinfo=UTC).date()
    assert rows[0].at.hour == 6
    assert rows[-1].at == datetime(2016, 12, 19, 16, 30, 35, tzinfo=UTC)


def test_l2_birmingham_keys_are_unique_but_for_exact_duplicates() -> None:
    recording = read_recording(require(BIRMINGHAM))
    rows = list(recording.rows())
    assert len(rows) - len(set(rows)) == 216
    assert len({(row.place, row.at) for row in rows}) == len(set(rows))
    assert sum(row.occupied < 0 for row in rows) == 12
    assert sum(row.occupied > (row.capacity or 0) for row in rows) > 0


def test_birmingham_places_get_ids_of_their_own() -> None:
    recording = read_recording(require(BIRMINGHAM))
    ids = place_ids("birmingham", recording.places)
    assert len(set(ids.values())) == 30
    assert ids["NIA North"] == "birmingham-nia-north"


def test_muenster_rows_add_up(muenster: Recording) -> None:
    assert muenster.read == 2_311_744
    assert muenster.skipped == {"no_data": 614_324, "closed": 14_730}
    assert muenster.rows_kept == muenster.read - sum(muenster.skipped.values())
    assert len(muenster.places) == 17, "three car parks never sent a number"
    assert muenster.capacity_of("PH Theater") == 743


def test_l7_muenster_keeps_its_order_through_the_clock_changes(muenster: Recording) -> None:
    count = 0
    last: dict[str, datetime] = {}
    equal = 0
    before: datetime | None = None
    for row in muenster.rows():
        count += 1
        assert before is None or row.at >= before
        before = row.at
        equal += row.at == last.get(row.place)
        last[row.place] = row.at
    assert count == muenster.rows_kept
    # The hours of October that happen twice are apart again; one car park says two things in one second, twice.
    assert equal == 2
    assert before == datetime(2025, 5, 15, 7, 15, tzinfo=UTC)

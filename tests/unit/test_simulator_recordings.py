"""Reading recorded counts: order, local times, and what is skipped."""

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest

from simulator.recordings import Recording, RecordingError, Row, place_ids, read_recording
from simulator.replay import CannotReplayError, count_message

HEADER = "SystemCodeNumber,Capacity,Occupancy,LastUpdated\n"


def written(tmp_path: Path, text: str, name: str = "park.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_birmingham_rows_come_in_order_of_time_and_pass_through_raw(tmp_path: Path) -> None:
    text = HEADER + (
        "B,100,120,2016-10-05 08:00:00\r\nB,100,5,2016-10-04 08:00:00\r\nNIA,480,-3,2016-10-04 09:00:01\r\n"
    )
    recording = read_recording(written(tmp_path, text, "b.csv.gz"))
    assert (recording.name, recording.time_zone, recording.read) == ("birmingham", "Europe/London", 3)
    assert list(recording.rows()) == [
        Row("B", at("2016-10-04 07:00:00"), 5, 100),
        Row("NIA", at("2016-10-04 08:00:01"), -3, 480),
        Row("B", at("2016-10-05 07:00:00"), 120, 100),
    ]


def test_l2_exact_duplicates_are_replayed_twice_with_one_key(tmp_path: Path) -> None:
    recording = read_recording(written(tmp_path, HEADER + "B,100,5,2016-10-04 08:00:00\n" * 2))
    first, second = [count_message(row) for row in recording.rows()]
    assert first == second
    assert first.seq == int(at("2016-10-04 07:00:00").timestamp())
    assert first.boot == first.seq // 86_400


def test_l7_the_hour_that_happens_twice_is_told_apart_by_file_order(tmp_path: Path) -> None:
    local = ["00:30", "01:00", "01:30", "01:00", "01:30", "02:00"]
    text = "time,place,capacity,free\n" + "".join(f"2023-10-29 {t}:00,P,10,4\n" for t in local)
    recording = read_recording(written(tmp_path, text), time_zone="Europe/London")
    assert [f"{row.at:%d %H:%M}" for row in recording.rows()] == [
        "28 23:30",
        "29 00:00",
        "29 00:30",
        "29 01:00",
        "29 01:30",
        "29 02:00",
    ]


def test_l7_an_equal_time_begins_the_second_pass_and_places_do_not_mix(tmp_path: Path) -> None:
    text = "time,place,capacity,free\n" + "".join(
        f"2023-10-29 02:00:00,{place},10,4\n" for place in ("P", "Q", "P")
    )
    recording = read_recording(written(tmp_path, text), time_zone="Europe/Berlin")
    assert [(row.place, row.at.hour) for row in recording.rows()] == [("P", 0), ("Q", 0), ("P", 1)]


def test_l7_a_time_that_the_clocks_skip_is_read_as_if_they_had_not(tmp_path: Path) -> None:
    text = "time,place,capacity,free\n2024-03-31 02:30:00,P,10,4\n"
    [row] = read_recording(written(tmp_path, text), time_zone="Europe/Berlin").rows()
    assert row.at == at("2024-03-31 01:30:00")


def test_a_generic_file_with_offsets_needs_no_time_zone(tmp_path: Path) -> None:
    rows = [
        "time,place,capacity,occupied,more",
        "2024-01-01T10:00:00+02:00,Ä,10,4,x",
        "2024-01-01T09:00:00Z,Ä,,,x",
    ]
    text = "\ufeff" + "\n".join(rows)
    recording = read_recording(written(tmp_path, text))
    assert list(recording.rows()) == [Row("Ä", at("2024-01-01 08:00"), 4, 10)]
    assert recording.skipped == {"no_data": 1}
    assert recording.capacity_of("Ä") == 10


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "columns none"),
        ("a,b\n1,2\n", "columns a, b"),
        ("time,place,free\n", "columns"),
        ("time,place,capacity,occupied,free\n", "columns"),
        ("time,place,occupied\n2024-01-01 10:00,P,4\n", "row 2: time .* has no offset; give --time-zone"),
        ("time,place,occupied\n2024-01-01T10:00Z,P,four\n", "row 2"),
        ("time,place,occupied\n2024-01-01T10:00Z,P,99999999999\n", "row 2: .*32 bits"),
        ("time,place,occupied\n2024-01-01T10:00Z,P\n", "row 2"),
        (HEADER + "P,1,2,yesterday\n", "row 2"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_row(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(RecordingError, match=problem):
        read_recording(written(tmp_path, text))


def test_files_that_are_not_there_or_not_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="no such file"):
        read_recording(tmp_path / "none.csv")
    broken = tmp_path / "x.csv.gz"
    broken.write_bytes(b"not gzip")
    with pytest.raises(RecordingError):
        read_recording(broken)
    with pytest.raises(RecordingError, match="time zone"):
        read_recording(written(tmp_path, HEADER), time_zone="Europe/Atlantis")


def test_place_ids_are_plain_unique_and_short() -> None:
    ids = place_ids("ms", ["PH Bahnhofstraße", "Schlossplatz Süd", "x" * 200])
    assert list(ids.values())[:2] == ["ms-ph-bahnhofstrasse", "ms-schlossplatz-sued"]
    assert max(map(len, ids.values())) <= 56
    with pytest.raises(RecordingError, match="id of its own"):
        place_ids("ms", ["NIA North", "nia-north"])
    with pytest.raises(RecordingError, match="id of its own"):
        place_ids("ms", ["停车场"])


def test_a_row_before_1970_has_no_key() -> None:
    with pytest.raises(CannotReplayError):
        count_message(Row("P", at("1969-12-31 23:59:59"), 1, 2))


def test_the_capacity_is_the_latest_one() -> None:
    recording = Recording("x", "UTC")
    recording.add("P", 200, 1, 70)
    recording.add("P", 100, 1, 50)
    recording.add("P", 300, 1, None)
    assert recording.capacity_of("P") == 70

"""Late words of any boots are taken in any order of arrival; a device that counts anew is not (L2, L3)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count, islice

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from occupancy.boots import CLOCK_OFF, DOUBTED, told, went_back
from store.log import LogEntry, ReadingRow, append, append_entries
from store.postgres import connect

START = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
UNSET = [datetime(1970, 1, 1, tzinfo=UTC), datetime(2000, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC)]
HOUR = 3600
_devices = count()


@st.composite
def lives(draw: st.DrawFn, *, live: bool) -> list[ReadingRow]:
    """Words of one device over several boots, in their order; each boot has a clock of its own, or none."""
    said_s, found = 0, []
    for boot in range(1, draw(st.integers(2, 5)) + 1):
        clock = draw(st.sampled_from(["right", "off", "unset", "none"] if live else ["right"]))
        off = timedelta(seconds=draw(st.integers(-20 * HOUR, 900))) if clock == "off" else timedelta()
        unset = draw(st.sampled_from(UNSET))
        for seq in range(draw(st.integers(1, 4))):
            said_s += draw(st.sampled_from([1, 60, HOUR, 30 * HOUR]))
            said = START + timedelta(seconds=said_s)
            longest_h = 20 * 24 if clock == "right" else 23
            late = timedelta(seconds=draw(st.sampled_from([1, 400, 5 * HOUR, longest_h * HOUR])))
            at = {"right": said, "off": said + off, "unset": unset, "none": None}[clock]
            found.append(_row(boot, seq, at, said + late, live=live))
    return found


def _row(boot: int, seq: int, at: datetime | None, received_at: datetime, *, live: bool) -> ReadingRow:
    return ReadingRow(
        area="a" if live else "e",
        device_id="",
        incarnation=0,
        boot=boot,
        seq=seq,
        kind="state",
        at=at,
        age_ms=None if at else 0,
        received_at=received_at,
        occupied=True,
        cause="change",
        meaning=1,
        raw=b"",
    )


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), live=st.booleans())
def test_l2_l3_late_words_of_any_boots_are_stored_in_any_order(
    database_url: str, data: st.DataObject, live: bool
) -> None:
    said = data.draw(lives(live=live))
    with connect(database_url) as conn:
        logs = []
        for arrival in (said, data.draw(st.permutations(said))):
            device = f"d{next(_devices)}"
            pages = iter(arrival)
            with conn.transaction(), conn.cursor() as cur:
                for area, clock in (("a", "live"), ("e", "event")):
                    append_entries(cur, area, [LogEntry("registry", "area/x", {}, START, "t")], clock=clock)
                taken = 0
                while page := list(islice(pages, data.draw(st.integers(1, 4)))):
                    batch = [replace(one, device_id=device) for one in page]
                    done = append(cur, batch, {})
                    assert done.unfit == ((), ())
                    taken += done.stored
            assert taken == len(said)
            found = conn.execute(
                "SELECT to_jsonb(r) - 'batch_id' - 'ordinal' - 'device_id' FROM reading r WHERE device_id = $1"
                " ORDER BY incarnation, boot, seq",
                (device,),
            ).fetchall()
            logs.append(found)
        assert logs[0] == logs[1]


@given(
    began_h=st.integers(0, 1000),
    held_up_s=st.integers(0, 20 * 24 * HOUR),
    later_s=st.integers(1, 1000 * HOUR),
    delay_s=st.integers(0, 25 * 24 * HOUR),
    clock=st.sampled_from(["right", "none", "unset"]),
    live=st.booleans(),
)
def test_l3_what_a_reset_device_says_once_its_last_boot_was_heard_is_refused(
    began_h: int, held_up_s: int, later_s: int, delay_s: int, clock: str, live: bool
) -> None:
    """Later than a word of the later boot had come (in an event area: was said), by more than what may be in doubt."""
    began = START + timedelta(hours=began_h)
    later = told(began, timedelta(), began + timedelta(seconds=held_up_s), live=live)
    sure = clock == "right"
    said = later.heard_at + (CLOCK_OFF if sure else DOUBTED) + timedelta(seconds=later_s)
    received = said + timedelta(seconds=delay_s)
    at = {"right": said, "none": None, "unset": UNSET[0] if live else said}[clock]
    word = told(at, timedelta(), received, live=live)
    assert went_back(word, later_said_at=later.said_at, later_heard_at=later.heard_at)

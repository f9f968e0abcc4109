"""When models are trained anew, without a process."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from occupancy.engine.forecasts.nightly import Nightly
from occupancy.model import Area, AreaId, Clock, Name

AREA = Area(
    area_id=AreaId("cardiff"),
    name=Name(en="Cardiff"),
    time_zone="Europe/London",
    languages=("en",),
    clock=Clock.LIVE,
)
NOON = datetime(2026, 7, 8, 12, 0, tzinfo=UTC)
MIDNIGHT = datetime(2026, 7, 8, tzinfo=UTC)
LONG_AGO = MIDNIGHT - timedelta(days=9)
DAY = timedelta(days=1)


class Child:
    """A process whose end is ours to say."""

    def __init__(self) -> None:
        self.status: int | None = None
        self.killed = False

    def poll(self) -> int | None:
        return self.status

    def kill(self) -> None:
        self.killed = True


class Started:
    """What was started."""

    def __init__(self) -> None:
        self.children: list[Child] = []
        self.nightly = Nightly(self.start)

    def start(self, area: AreaId) -> Child:
        assert area == AREA.area_id
        self.children.append(Child())
        return self.children[-1]

    def look(self, now: datetime, trained_to: datetime | None, heard: datetime | None = LONG_AGO) -> int:
        self.nightly.look(AREA, now, trained_to, heard)
        return len(self.children)


def test_the_first_model_is_trained_when_there_is_a_whole_day() -> None:
    started = Started()
    assert started.look(NOON, None, heard=None) == 0
    assert started.look(NOON, None, heard=MIDNIGHT + timedelta(hours=1)) == 0
    assert started.look(NOON, None) == 1
    assert started.look(NOON, None) == 1, "one at a time"


def test_a_model_is_trained_once_a_night() -> None:
    started = Started()
    yesterday = MIDNIGHT - DAY
    assert started.look(MIDNIGHT + timedelta(hours=1, minutes=59), yesterday) == 0, "it is 02:59 in summer"
    assert started.look(MIDNIGHT + timedelta(hours=2), yesterday) == 1
    started.children[0].status = 0
    assert started.look(NOON, yesterday) == 1, "it is not taken up yet"
    assert started.look(NOON, MIDNIGHT) == 1
    assert started.look(NOON + DAY, MIDNIGHT) == 2


def test_one_that_failed_is_tried_again_an_hour_later() -> None:
    started = Started()
    assert started.look(NOON, None) == 1
    started.children[0].status = 1
    assert started.look(NOON + timedelta(minutes=30), None) == 1
    assert started.look(NOON + timedelta(hours=1), None) == 2


def test_the_child_ends_with_us() -> None:
    started = Started()
    started.look(NOON, None)
    started.nightly.stop()
    assert started.children[0].killed

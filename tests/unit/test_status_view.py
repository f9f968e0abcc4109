import io
from datetime import UTC, datetime

from rich.console import Console

from baycast.status_view import City, ZoneLine, plain_line, render
from baycast.supervisor import RoleStatus

AT = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


def zone(name: str, kind: str, free: int, occupied: int) -> ZoneLine:
    counts = {"capacity": free + occupied, "free": free, "occupied": occupied, "unknown": 0, "closed": 0}
    return ZoneLine(name, kind, counts)


CITY = City(
    [zone("Queen Street", "street", 3, 7), zone("Castle Mews", "car_park", 0, 90)], 20.0, 0.4, answering=True
)
ROLES = [RoleStatus("ingest", 7, 0, 3661.0), RoleStatus("engine", None, 2, 0.0)]


def test_the_plain_line_adds_up_and_names_what_is_down() -> None:
    line = plain_line(CITY, ROLES, AT)
    assert line == (
        "08:00:00 zones 2 capacity 100 free 3 occupied 97 unknown 0 closed 0 rate 20.0/s lag 0.4 s"
        " | down: engine, 2 restarts"
    )


def test_a_silent_api_is_said_and_no_numbers_are_made_up() -> None:
    """L4: no evidence, no claim."""
    line = plain_line(City(), ROLES[:1], AT)
    assert line == "08:00:00 the API does not answer | all up, 0 restarts"


def test_the_view_shows_totals_zones_that_fit_and_roles() -> None:
    output = io.StringIO()
    Console(width=100, file=output).print(render(CITY, ROLES, zone_lines=1))
    text = output.getvalue()
    for expected in ("Castle Mews", "1 more zones", "restarting", "1:01:01", "20.0 messages/s"):
        assert expected in text
    assert "Queen Street" not in text

"""The page in a real browser: it follows the feed through a restart of the server, and misses nothing; what is to be
expected on arrival is never drawn as live."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from baycast.settings import child_environment
from occupancy.forecast.issue import Place
from occupancy.model import ZoneId
from store.forecast_records import Recorder
from store.postgres import connect
from tests.support.browser import CHROMIUM, Page, opened_browser
from tests.support.derived_rows import NOW, DerivedRows, group, told_streets
from tests.support.issues import issue_of
from tests.support.ports import free_port
from tests.support.waiting import eventually

WITHIN_S = 90.0
STREETS = 3
LISTEN_IN = """
window.opened = [];
window.WebSocket = class extends window.WebSocket {
  constructor(url) {
    super(url);
    const told = [];
    window.opened.push({url, told});
    this.addEventListener("message", (event) => told.push(JSON.parse(event.data)));
  }
};
"""
"""Runs before the page: keeps every connection that it tried, and what each was told."""


@pytest.fixture
def rows(database_url: str) -> Iterator[DerivedRows]:
    with told_streets(database_url, STREETS, clock="event") as rows:
        yield rows


@contextmanager
def served(database_url: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
    env = {"BAYCAST_DATABASE_URL": database_url, "BAYCAST_HTTP_PORT": str(port)}
    process = subprocess.Popen(
        [sys.executable, "-m", "baycast", "api", "--workers", "1"],
        env=child_environment(env),
        stdin=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def reachable(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_shown(page: Page) -> list[str]:
    """The third cell of each row: free, as a driver reads it."""
    found: list[str] = page.value(
        "[...document.querySelectorAll('#rows tr')].sort((a, b) => a.id < b.id ? -1 : 1)"
        ".map((row) => row.cells[2].textContent)"
    )
    return found


def status(page: Page) -> str:
    return str(page.value("document.getElementById('status').dataset.word"))


def heard(page: Page) -> list[dict[str, Any]]:
    """The connections on which something was said."""
    found: list[dict[str, Any]] = page.value("window.opened.filter((one) => one.told.length > 0)")
    return found


@pytest.mark.timeout(300)
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine (apt-get install chromium)")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_the_page_follows_through_a_restart_without_a_gap(
    how: signal.Signals, database_url: str, rows: DerivedRows, tmp_path: Path
) -> None:
    port = free_port()
    with opened_browser(tmp_path) as page:
        with served(database_url, port) as server:
            eventually(lambda: reachable(port), WITHIN_S)
            page.open(f"http://127.0.0.1:{port}/", first=LISTEN_IN)
            eventually(lambda: free_shown(page) == ["5", "5", "5"], WITHIN_S)
            rows.commit_zones({"s0": [group(4, 6)]})
            eventually(lambda: free_shown(page) == ["4", "5", "5"], WITHIN_S)
            os.kill(server.pid, how)
            server.wait(WITHIN_S)
            eventually(lambda: status(page) in ("broken", "lost"), WITHIN_S)
            rows.commit_zones({"s1": [group(3, 7)]})
            rows.commit_zones({"s2": [group(2, 8)]})
        with served(database_url, port):
            eventually(lambda: free_shown(page) == ["4", "3", "2"], WITHIN_S)
            assert status(page) == "live"
            rows.commit_zones({"s0": [group(1, 9)]})
            eventually(lambda: free_shown(page) == ["1", "3", "2"], WITHIN_S)
            before, after = heard(page)

    told = [*before["told"], *after["told"]]
    assert [one["type"] for one in told].count("snapshot") == 1
    assert parse_qs(urlsplit(after["url"]).query)["since"] == [before["told"][-1]["version"]]
    for held, new in pairwise(told):
        assert new["type"] == "heartbeat" or new["prev"] == held["version"]
    assert {zone["id"] for zone in after["told"][0]["zones"]} == {"s1", "s2"}


WATCH_POLICY = """
window.refused = [];
document.addEventListener("securitypolicyviolation", (event) => window.refused.push(event.violatedDirective));
"""


HURRY = """
const patient = window.setTimeout;
window.setTimeout = (call, ms, ...more) => patient(call, ms >= 30_000 ? ms / 30 : ms, ...more);
"""
"""Runs before the page: its longest waits, of half a minute and more, are seconds."""


def expected_shown(page: Page) -> list[tuple[str, str]]:
    """By row, what is said of the arrival, and the classes that it is drawn with; nothing where that is not shown."""
    found: list[list[str]] = page.value(
        "[...document.querySelectorAll('#rows tr')].sort((a, b) => a.id < b.id ? -1 : 1)"
        ".map((row) => [row.querySelector('td.expected-only').checkVisibility()"
        " ? row.querySelector('td.expected-only').textContent : '', row.className])"
    )
    return [(says, drawn) for says, drawn in found]


def drawn(page: Page) -> set[str]:
    """How the streets are drawn on the map."""
    return set(
        page.value("[...document.querySelectorAll('#shapes .zone')].map((one) => one.getAttribute('class'))")
    )


def banner(page: Page) -> str:
    return str(
        page.value("document.getElementById('expected').checkVisibility() ? expected.textContent : ''")
    )


@pytest.mark.timeout(300)
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine (apt-get install chromium)")
def test_l5_what_is_expected_on_arrival_is_chosen_by_keys_and_never_drawn_as_live(
    database_url: str, rows: DerivedRows, tmp_path: Path
) -> None:
    for number in range(STREETS):
        for bay in range(10):
            place = {"area_id": "cardiff", "zone_id": f"s{number}", "lat": 51.48, "lon": -3.18}
            rows.register("bay", f"s{number}-{bay}", {**place, "bay_type": "standard"})
    places = [Place(ZoneId("s0")), Place(ZoneId("s1"))]
    with connect(database_url, autocommit=True) as conn, conn.cursor() as cur:
        Recorder().record(cur, issue_of(places, [10, 10], [0.9, 0.01], issued_at=NOW))
    port = free_port()
    with opened_browser(tmp_path) as page, served(database_url, port):
        eventually(lambda: reachable(port), WITHIN_S)
        page.open(f"http://127.0.0.1:{port}/", first=WATCH_POLICY)
        eventually(lambda: free_shown(page) == ["5", "5", "5"], WITHIN_S)
        assert expected_shown(page) == [("", "many")] * 3
        assert (banner(page), drawn(page)) == ("", {"zone street many"})
        page.value("document.getElementById('for').focus()")
        page.press("Tab")
        assert page.value("document.activeElement.id") == "arrive"
        page.press("ArrowDown")
        assert page.value("document.getElementById('arrive').value") == "15"
        told = [
            ("about 99% (forecast)", "expected likely"),
            ("about 10% (forecast)", "expected unlikely"),
        ]
        eventually(lambda: expected_shown(page)[:2] == told, WITHIN_S)
        says, how = expected_shown(page)[2]
        assert says.endswith("% (little known)"), "the model does not know this street"
        assert how.startswith("expected ")
        assert banner(page).startswith("Expected in 15 min: a forecast, not live.")
        assert all(one.startswith("zone street expected ") for one in drawn(page))
        assert free_shown(page) == ["5", "5", "5"], "beside it stands what is so now"
        rows.commit_zones({"s0": [group(4, 6)]})
        eventually(lambda: free_shown(page) == ["4", "5", "5"], WITHIN_S)
        assert expected_shown(page)[:2] == told
        page.value("document.getElementById('language').click()")
        assert expected_shown(page)[0][0] == "tua 99% (rhagolwg)"
        assert banner(page).startswith("Disgwyliedig ymhen 15 munud: rhagolwg, nid byw.")
        assert page.value("document.getElementById('arrive').selectedOptions[0].textContent") == "15 munud"
        page.value("document.getElementById('arrive').focus()")
        page.press("ArrowUp")
        eventually(lambda: banner(page) == "", WITHIN_S)
        assert drawn(page) == {"zone street many"}
        assert page.value("window.refused") == []


@pytest.mark.timeout(300)
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine (apt-get install chromium)")
def test_what_was_expected_is_blank_when_it_is_old(
    database_url: str, rows: DerivedRows, tmp_path: Path
) -> None:
    port = free_port()
    with opened_browser(tmp_path) as page:
        with served(database_url, port):
            eventually(lambda: reachable(port), WITHIN_S)
            page.open(f"http://127.0.0.1:{port}/", first=HURRY)
            eventually(lambda: free_shown(page) == ["5", "5", "5"], WITHIN_S)
            page.value("document.getElementById('for').focus()")
            page.press("Tab")
            page.press("ArrowDown")
            eventually(lambda: banner(page).startswith("Expected in 15 min"), WITHIN_S)
        eventually(lambda: banner(page).startswith("What to expect in 15 min cannot be told now"), WITHIN_S)
        assert expected_shown(page) == [("not known", "expected unknown")] * 3

"""The page in a real browser: it follows the feed through a restart of the server, and misses nothing."""

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
from tests.support.browser import CHROMIUM, Page, opened_browser
from tests.support.derived_rows import AREA, NOW, DerivedRows, group, street
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
    with DerivedRows(database_url) as rows:
        rows.register("area", "cardiff", {**AREA, "clock": "event"})
        for number in range(STREETS):
            rows.register("zone", f"s{number}", street(number))
        rows.go_live(NOW)
        rows.commit_zones({f"s{number}": [group(5, 5)] for number in range(STREETS)}, watermark=NOW)
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

"""How the city is doing, in the terminal: read from the API and from ingest's metrics, as anybody would."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from urllib.error import URLError
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from baycast.supervisor import RoleStatus

EVERY_S = 1.0
TIMEOUT_S = 2.0
_COUNTS = ("capacity", "free", "occupied", "unknown", "closed")
_KINDS = {"street": "streets", "car_park": "car parks"}


@dataclass(frozen=True, slots=True)
class ZoneLine:
    """One zone as the snapshot gave it."""

    name: str
    kind: str
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class City:
    """One look at the city. `None` where nobody could tell."""

    zones: Sequence[ZoneLine] = ()
    messages_per_s: float | None = None
    lag_s: float | None = None
    answering: bool = False

    def total(self, count: str, kind: str | None = None) -> int:
        """Sum of one count, of one kind of zone or of all."""
        return sum(zone.counts[count] for zone in self.zones if kind in {None, zone.kind})


@dataclass(slots=True)
class Observer:
    """Looks once per second in a thread of its own, so that a slow answer never delays the supervisor."""

    http_url: str
    metrics_host: str
    ingest_metrics_ports: Sequence[int]
    latest: City = field(default_factory=City, init=False)
    _stop: threading.Event = field(default_factory=threading.Event, init=False)
    _previous: tuple[float, float] | None = field(default=None, init=False)

    def start(self) -> None:
        """Begin to look."""
        threading.Thread(target=self._run, name="observer", daemon=True).start()

    def stop(self) -> None:
        """Look no more."""
        self._stop.set()

    def look(self) -> City:
        """One look, now."""
        try:
            snapshot = json.loads(_get(f"{self.http_url}/v1/availability"))
            zones = [_zone(zone) for zone in snapshot["zones"]]
        except (URLError, OSError, ValueError, KeyError):
            return City(messages_per_s=self._rate())
        return City(zones, self._rate(), self._lag(), answering=True)

    def _run(self) -> None:
        while not self._stop.is_set():
            self.latest = self.look()
            self._stop.wait(EVERY_S)

    def _rate(self) -> float | None:
        workers = [
            _metrics(f"http://{self.metrics_host}:{port}/metrics") for port in self.ingest_metrics_ports
        ]
        answers = [samples for samples in workers if samples is not None]
        if not workers or len(answers) < len(workers):
            self._previous = None
            return None
        count = sum(sum(samples.get("baycast_ingest_messages_total", [])) for samples in answers)
        now = time.monotonic()
        previous, self._previous = self._previous, (count, now)
        # Fewer than before: ingest was restarted and counts anew.
        if previous is None or count < previous[0]:
            return None
        return (count - previous[0]) / (now - previous[1])

    def _lag(self) -> float | None:
        samples = _metrics(f"{self.http_url}/metrics")
        return max((samples or {}).get("baycast_feed_lag_seconds", []), default=None)


def plain_line(city: City, roles: Sequence[RoleStatus], at: datetime) -> str:
    """One line for a log or a pipe."""
    if not city.answering:
        state = "the API does not answer"
    else:
        counts = " ".join(f"{count} {city.total(count)}" for count in _COUNTS)
        rate, lag = _number(city.messages_per_s), _number(city.lag_s)
        state = f"zones {len(city.zones)} {counts} rate {rate}/s lag {lag} s"
    return f"{at:%H:%M:%S} {state} | {_roles_in_brief(roles)}"


@contextmanager
def live_view(console: Console) -> Iterator[Callable[[City, Sequence[RoleStatus]], None]]:
    """A view that is redrawn in place; call what it yields with each new look."""
    with Live(console=console, auto_refresh=False, transient=False) as live:

        def show(city: City, roles: Sequence[RoleStatus]) -> None:
            live.update(render(city, roles, max(5, console.size.height - len(roles) - 12)), refresh=True)

        yield show


def render(city: City, roles: Sequence[RoleStatus], zone_lines: int) -> Group:
    """Totals, the zones that fit (the car parks first, then the fullest streets), and the roles."""
    totals = _table("", *_COUNTS)
    for kind, label in _KINDS.items():
        totals.add_row(label, *(str(city.total(count, kind)) for count in _COUNTS))
    totals.add_row("all", *(str(city.total(count)) for count in _COUNTS), style="bold")
    zones = _table("zone", *_COUNTS)
    chosen = sorted(city.zones, key=lambda zone: (zone.kind == "street", -zone.counts["occupied"]))[
        :zone_lines
    ]
    for zone in chosen:
        zones.add_row(zone.name, *(str(zone.counts[count]) for count in _COUNTS))
    processes = _table("process", "pid", "restarts", "up")
    for role in roles:
        pid = "restarting" if role.pid is None else str(role.pid)
        processes.add_row(role.name, pid, str(role.restarts), _duration(role.up_s))
    head = Text(
        f"{len(city.zones)} zones · {_number(city.messages_per_s)} messages/s · lag {_number(city.lag_s)} s"
        if city.answering
        else "the API does not answer"
    )
    more = len(city.zones) - len(chosen)
    return Group(
        head, totals, zones, Text(f"... and {more} more zones" if more else "", style="dim"), processes
    )


def _table(first: str, *columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(first, no_wrap=True, max_width=40)
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _zone(zone: Mapping[str, object]) -> ZoneLine:
    names = zone["name"]
    name = (
        names.get("en") or next(iter(names.values()), zone["id"]) if isinstance(names, dict) else zone["id"]
    )
    return ZoneLine(str(name), str(zone["kind"]), {count: int(str(zone[count])) for count in _COUNTS})


def _roles_in_brief(roles: Sequence[RoleStatus]) -> str:
    down = [role.name for role in roles if role.pid is None]
    restarts = sum(role.restarts for role in roles)
    state = f"down: {', '.join(down)}" if down else "all up"
    return f"{state}, {restarts} restarts"


def _metrics(url: str) -> dict[str, list[float]] | None:
    try:
        text = _get(url).decode()
    except (URLError, OSError):
        return None
    values: dict[str, list[float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            values.setdefault(sample.name, []).append(sample.value)
    return values


def _get(url: str) -> bytes:
    with urlopen(url, timeout=TIMEOUT_S) as answer:  # noqa: S310 (our own http URLs)
        return bytes(answer.read())


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _duration(seconds: float) -> str:
    return (
        "-"
        if not seconds
        else f"{int(seconds) // 3600}:{int(seconds) // 60 % 60:02d}:{int(seconds) % 60:02d}"
    )

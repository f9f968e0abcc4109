"""The scenarios, as one table of how often things go wrong. Everything else about faults reads its rates here.

Rates of `typical` are those that vendors and cities have published or admitted; the others are our own choice of
worse. A pair (least, most) is drawn once for each sensor, so that there are better and worse ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

Span = tuple[float, float]
NEVER: Span = (0.0, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """Share (0..1) of sensors whose clock is wrong, by how; the rest are right to the second."""

    minutes: float = 0.0
    """Off by 2 to 45 minutes, either way."""
    hours: float = 0.0
    """Off by whole hours: local time, or the wrong zone."""
    decades: float = 0.0
    """Never set, or set to nonsense: decades away."""
    drift: float = 0.0
    """Right at the start, then running 50 to 400 millionths fast or slow."""
    absent: float = 0.0
    """No clock at all: `at` null with `age_ms`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """Rates of one scenario. Shares are 0..1, `_h`, `_day`, `_week` and `_month` (30 days) are per that time."""

    # The sensor's own eye. It stays wrong until the next real change, or until a heartbeat that measures anew.
    missed_arrival: Span = NEVER
    missed_departure: Span = NEVER
    crosstalk: float = 0.0
    """Share of arrivals next door that a free bay's sensor takes for its own."""
    bad_sensors: Span = NEVER
    flap_h: float = 0.0
    """False arrivals per hour at a bad sensor, each of 1 to 10 minutes."""
    stuck_month: float = 0.0
    """Sensors that drift to always occupied or always free (dirt, gum, a failed part), per sensor and month."""
    cleaned_share: float = 0.5
    """Stuck sensors that are cleaned, 1 to 7 days later."""
    snow_days: int = 0
    snow_miss: float = 0.04
    """What a snow day adds to each chance of a miss."""
    found_by_heartbeat: float = 0.5
    """Chance that a heartbeat measures anew, and so finds that the sensor was wrong."""
    # The device.
    clocks: Clocks = field(default_factory=Clocks)
    reboot_day: float = 0.0
    death_month: float = 0.0
    # The way from the device to the broker.
    loss: Span = NEVER
    duplicated: float = 0.0
    reordered: float = 0.0
    """Share of messages that arrive 5 s to 10 min late."""
    late_week: float = 0.0
    """Times a week that a gateway loses its line, keeps what it hears and delivers it in batches afterwards."""
    late_hours: Span = (1.0, 12.0)
    deaf_week: float = 0.0
    """Times a week that a gateway is down: what its sensors say is lost."""
    deaf_hours: Span = (0.5, 6.0)
    network_down_hours: tuple[float, ...] = ()
    """The whole radio network is down so long, once each, spread over the run; what is said is lost."""


_TYPICAL = Faults(
    missed_arrival=(0.005, 0.010),
    missed_departure=(0.005, 0.015),
    crosstalk=0.005,
    bad_sensors=(0.02, 0.03),
    flap_h=0.002,
    stuck_month=0.015,
    clocks=Clocks(minutes=0.02, hours=0.005, decades=0.005, drift=0.02, absent=0.05),
    reboot_day=0.005,
    death_month=0.004,
    loss=(0.01, 0.03),
    duplicated=0.005,
    reordered=0.01,
    late_week=0.1,
    late_hours=(0.5, 48.0),
    deaf_week=0.1,
)

SCENARIOS: Mapping[str, Faults] = {
    "calm": Faults(),
    "typical": _TYPICAL,
    "bad_day": replace(
        _TYPICAL,
        missed_arrival=(0.01, 0.04),
        missed_departure=(0.01, 0.06),
        crosstalk=0.02,
        bad_sensors=(0.05, 0.08),
        flap_h=0.5,
        stuck_month=0.08,
        clocks=Clocks(minutes=0.06, hours=0.02, decades=0.02, drift=0.05, absent=0.10),
        reboot_day=0.05,
        death_month=0.02,
        loss=(0.03, 0.10),
        duplicated=0.03,
        reordered=0.05,
        late_week=1.0,
        deaf_week=1.0,
    ),
    "snow": replace(_TYPICAL, snow_days=2),
    "outage": replace(
        _TYPICAL, late_week=1.0, deaf_week=1.0, deaf_hours=(1.0, 24.0), network_down_hours=(2.0, 12.0)
    ),
}
"""By name, in the order in which they get worse."""

"""What is usual at a place of which nothing was seen yet, by what it is: a table that is there to be argued with.

What it goes by was measured elsewhere and is no more than a beginning; two days of a place's own weigh more.

- Car parks. Watford's large ones, by cameras and tickets (Systra for the council), were 40 % full at most on weekdays,
  at noon, and 70 % on a Saturday from 14:30 to 16:30. Those that commuters use fill more.
- Short stays. Seattle's centre (SDOT, November 2010): 84 % at noon, 80 % at 17, 88 % at 19 o'clock. San Leandro (2013):
  50 % in the centre all day, 64 % at most around it. Four-hour bays of Chatswood (2013): 11 % before 9:30, above 70 %
  at noon and after 16. Operators aim at 60 to 80 % (SFpark) or 70 to 85 % (Seattle).
- Residents. Councils have streets surveyed from 0:30 to 5:30 (as Maidstone asks), because then most cars are at home;
  85 % counts as full in practice. By day some leave.
- Blue Badge. York looked once a day from May to October 2021: about a half in car parks, 3 to 98 % by street.
- Loading. In Santander from 7 to 14 o'clock (Ezquerro, Moura and Alonso 2020) one zone was more than full, one never.
- Charging. 3,086 Swiss charge points: 14 to 16 % at the busiest hour on average; 416 British ones (Bayram et al. 2023):
  below 5 % over the day. That counts who charges; bays are taken for longer.
- Bays for everybody without limit, shared bays, motorcycles, coaches: no survey was found. These are judgements.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np

from occupancy.forecast.kinds import Kind
from occupancy.forecast.logit import log_odds, logistic
from occupancy.forecast.panel import DAYS_PER_WEEK, Floats, Grid, Ints
from occupancy.forecast.profile import SLOTS_PER_DAY, Week

_Percents = tuple[int, int, int, int, int, int, int, int, int, int]

HOURS = (0, 6, 8, 10, 12, 14, 16, 18, 20, 22)
TABLE: Mapping[Kind, tuple[_Percents, _Percents, _Percents]] = {
    # o'clock:       0   6   8  10  12  14  16  18  20  22
    Kind.CAR_PARK: (
        (10, 10, 25, 48, 56, 56, 48, 34, 24, 15),
        (10, 10, 15, 38, 58, 66, 56, 36, 26, 16),
        (10, 10, 10, 20, 35, 40, 36, 25, 18, 13),
    ),
    Kind.SHORT_STAY: (
        (42, 30, 45, 65, 76, 74, 72, 72, 68, 56),
        (45, 34, 40, 64, 78, 78, 74, 70, 66, 56),
        (45, 34, 34, 45, 55, 58, 56, 52, 50, 46),
    ),
    Kind.OPEN: (
        (60, 60, 66, 72, 72, 72, 70, 66, 64, 62),
        (60, 58, 58, 64, 68, 68, 66, 64, 62, 60),
        (60, 58, 56, 58, 60, 60, 60, 60, 60, 60),
    ),
    Kind.RESIDENT: (
        (82, 82, 74, 62, 60, 60, 64, 72, 78, 82),
        (82, 82, 80, 74, 70, 70, 72, 74, 78, 80),
        (82, 82, 82, 78, 74, 74, 76, 78, 82, 82),
    ),
    Kind.SHARED: (
        (75, 72, 68, 70, 72, 72, 70, 72, 75, 76),
        (75, 74, 72, 74, 76, 76, 75, 74, 75, 76),
        (75, 74, 72, 70, 70, 70, 70, 72, 75, 76),
    ),
    Kind.BLUE_BADGE: (
        (15, 15, 25, 45, 50, 48, 40, 30, 22, 18),
        (15, 15, 20, 42, 50, 50, 42, 30, 24, 18),
        (15, 15, 15, 25, 35, 36, 32, 25, 20, 18),
    ),
    Kind.LOADING: (
        (12, 20, 45, 55, 50, 45, 38, 30, 20, 15),
        (12, 15, 35, 45, 45, 40, 32, 28, 22, 15),
        (12, 12, 15, 22, 25, 25, 22, 20, 18, 15),
    ),
    Kind.EV: (
        (15, 15, 20, 30, 32, 32, 30, 28, 24, 18),
        (15, 15, 18, 28, 34, 34, 30, 26, 22, 18),
        (15, 15, 15, 22, 28, 28, 26, 24, 20, 16),
    ),
    Kind.MOTORCYCLE: (
        (12, 15, 35, 55, 55, 55, 48, 30, 18, 14),
        (12, 12, 18, 32, 40, 40, 35, 25, 18, 14),
        (12, 12, 12, 20, 26, 28, 24, 18, 14, 12),
    ),
    Kind.COACH: (
        (10, 10, 20, 35, 42, 42, 35, 22, 14, 10),
        (10, 10, 20, 38, 45, 45, 38, 25, 15, 10),
        (10, 10, 18, 32, 40, 40, 34, 22, 14, 10),
    ),
}
"""Percent of the bays taken, Mondays to Fridays, Saturdays, Sundays and bank holidays; straight lines in between."""
SPREAD = 0.7
"""How far places of a kind lie apart, in log odds (the scale of a logistic distribution): of a kind that is usually
half full, nine of ten places are from 11 to 89 % full."""
_LEVELS = 64
_ROWS = (0, 0, 0, 0, 0, 1, 2)
_HOUR = timedelta(hours=1)


def usual_week(kinds: Sequence[Kind], grid: Grid) -> Floats:
    """(slots of the week, places): the occupied share that is usual at places of these kinds."""
    hours = np.arange(grid.per_day, dtype=np.float64) * (grid.step / _HOUR)
    by_kind = {kind: np.concatenate([_day(TABLE[kind][row], hours) for row in _ROWS]) for kind in set(kinds)}
    found: Floats = np.empty((DAYS_PER_WEEK * grid.per_day, len(kinds)))
    for place, kind in enumerate(kinds):
        found[:, place] = by_kind[kind]
    return found


def usual_share(kind: Kind, week: Week, at: datetime) -> float:
    """The same of one place at one instant."""
    weekday, quarter = divmod(week.slot(at), SLOTS_PER_DAY)
    return float(_day(TABLE[kind][_ROWS[weekday]], np.array(24 * quarter / SLOTS_PER_DAY)))


def spread_around(shares: Floats, levels: Floats) -> Floats:
    """(..., levels): quantiles of the share at places of a kind of which so much is usually taken."""
    found: Floats = logistic(log_odds(shares)[..., None] + SPREAD * log_odds(levels))
    return found


def chance_of_a_free_bay(usual: Floats, bays: Ints) -> Floats:
    """(slots, places): with so many bays each, where a place is one of its kind, and its bays are taken one by one."""
    levels = (np.arange(_LEVELS) + 0.5) / _LEVELS
    shares = np.linspace(0, 1, 201)
    around = spread_around(shares, levels)
    found = np.empty(usual.shape)
    for number in np.unique(bays):
        own = bays == number
        some = 1 - (around ** max(number, 1)).mean(1)
        found[:, own] = np.interp(usual[:, own], shares, some)
    return found


def _day(percents: _Percents, hours: Floats) -> Floats:
    found: Floats = np.interp(hours, (*HOURS, 24), (*percents, percents[0])) / 100
    return found

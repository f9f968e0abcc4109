"""The domain's types, and their only home; every name is taken from here, whichever file it lives in.

Times are aware UTC `datetime`s (L7). Counts are bays. A type here says what is known; how it travels is the
business of `firmware_contract` (wire), `store` (rows) and `api` (JSON).
"""

from occupancy.model.availability import (
    ESTIMATED_FROM,
    Counts,
    Group,
    Source,
    Terms,
    ZoneAvailability,
    ZoneCell,
    estimate_of_all,
    sum_of_estimates,
)
from occupancy.model.bays import BayInterval, BayState, State
from occupancy.model.devices import Binding, Gate, Sensor
from occupancy.model.distrust import Outage, Suspicion, SuspicionKind
from occupancy.model.ids import AreaId, BayId, DeviceId, LegendId, SignId, ZoneId
from occupancy.model.places import (
    EV_CONNECTORS,
    Area,
    Bay,
    BayType,
    CapacityHours,
    Name,
    OpeningHours,
    Zone,
    ZoneKind,
)
from occupancy.model.readings import (
    AnyReading,
    Cause,
    CountReading,
    Direction,
    HealthReading,
    PassageReading,
    Reading,
    ReadingKey,
    StateReading,
)
from occupancy.model.rules import Calendar, Override, OverrideKind, Rule, Use
from occupancy.model.signs import Controller, Layout, Legend, Show, Sign
from occupancy.model.stays import Overstay, OverstayState, Quality, Stay
from occupancy.model.times import EPOCH, Clock, NaiveTimeError, aware

__all__ = [
    "EPOCH",
    "ESTIMATED_FROM",
    "EV_CONNECTORS",
    "AnyReading",
    "Area",
    "AreaId",
    "Bay",
    "BayId",
    "BayInterval",
    "BayState",
    "BayType",
    "Binding",
    "Calendar",
    "CapacityHours",
    "Cause",
    "Clock",
    "Controller",
    "CountReading",
    "Counts",
    "DeviceId",
    "Direction",
    "Gate",
    "Group",
    "HealthReading",
    "Layout",
    "Legend",
    "LegendId",
    "NaiveTimeError",
    "Name",
    "OpeningHours",
    "Outage",
    "Override",
    "OverrideKind",
    "Overstay",
    "OverstayState",
    "PassageReading",
    "Quality",
    "Reading",
    "ReadingKey",
    "Rule",
    "Sensor",
    "Show",
    "Sign",
    "SignId",
    "Source",
    "State",
    "StateReading",
    "Stay",
    "Suspicion",
    "SuspicionKind",
    "Terms",
    "Use",
    "Zone",
    "ZoneAvailability",
    "ZoneCell",
    "ZoneId",
    "ZoneKind",
    "aware",
    "estimate_of_all",
    "sum_of_estimates",
]

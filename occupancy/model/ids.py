"""What things are called: one type per kind of name, so that none is taken for another."""

from __future__ import annotations

from typing import NewType

AreaId = NewType("AreaId", str)
ZoneId = NewType("ZoneId", str)
BayId = NewType("BayId", str)
DeviceId = NewType("DeviceId", str)
SignId = NewType("SignId", str)
LegendId = NewType("LegendId", str)

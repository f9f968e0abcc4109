"""The shape of what other systems read, for the OpenAPI document and for the tests."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

from api.params import Nothing
from api.texts import AreaIds


class UtmcQuery(Nothing):
    format: Literal["json", "xml"] = Field("json", description="xml: the same names, an element each")
    area: AreaIds | None = Field(None, description="Area ids, separated by commas")


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class UtmcPoint(_Shape):
    latitude: float
    longitude: float


class UtmcDefinition(_Shape):
    shortDescription: str
    longDescription: str
    point: UtmcPoint


class UtmcConfiguration(_Shape):
    capacity: int = Field(ge=0)


class UtmcCarPark(_Shape):
    systemCodeNumber: str
    definitions: list[UtmcDefinition] = Field(min_length=1, max_length=1)
    configurations: list[UtmcConfiguration] = Field(min_length=1, max_length=1)


class UtmcDynamic(_Shape):
    occupancy: int | None = Field(None, ge=0, description="Spaces taken; left out where that is not known")
    stateDescription: Literal["SPACES", "ALMOST FULL", "FULL", "CLOSED", "UNKNOWN"]
    lastUpdated: str = Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000$")


class UtmcCarParkNow(_Shape):
    systemCodeNumber: str
    dynamics: list[UtmcDynamic] = Field(max_length=1, description="Empty: nothing was ever known")


class UtmcStatic(RootModel[list[UtmcCarPark]]):
    """Every car park."""


class UtmcDynamics(RootModel[list[UtmcCarParkNow]]):
    """What is known of every car park now."""

"""What a driver may expect on arrival."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Query, Request
from starlette.responses import Response

from api import forecast_schemas
from api.answers import tagged
from api.errors import not_found
from api.forecasts import forecast_document
from api.live import Live
from api.params import Arrival
from api.routes.described import PROBLEMS, described
from api.snapshot import encode
from occupancy.model import ZoneId


def install(app: FastAPI, live: Live) -> None:
    """Add the route."""

    async def forecast(request: Request, zone_id: str, query: Annotated[Arrival, Query()]) -> Response:
        """One zone at the time of arrival, or at fixed points of the next 24 hours: modelled, never live."""
        found = live.board.zones.get(ZoneId(zone_id))
        if found is None:
            raise not_found("zone", zone_id)
        return tagged(request, encode(forecast_document(live, found.zone, query)))

    app.add_api_route(
        "/v1/zones/{zone_id}/forecast",
        forecast,
        tags=["drivers"],
        **described(forecast_schemas.Forecast, PROBLEMS),
    )

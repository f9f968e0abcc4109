"""Query parameters by route. A name that is not here is refused: a typing error must not widen an answer."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel

from api.history_params import History
from api.interop_schemas import UtmcQuery
from api.live_params import ListenBySocket, Subscribe
from api.params import (
    Arrival,
    AuditPage,
    Availability,
    BayPage,
    Driver,
    KeyPage,
    Listen,
    Nothing,
    OverridePage,
    QuarantinePage,
    SensorList,
    SkillQuery,
    Withdrawal,
    ZonePage,
)
from api.registry_schemas import RegistryImport, RegistryPage
from api.survey_schemas import AgreementQuery, SurveyQuery
from occupancy.history.definitions import Report

_REPORTS: dict[str, type[BaseModel]] = {f"/v1/history/{report.value}": History for report in Report}
BY_ROUTE: Mapping[str, type[BaseModel]] = {
    **_REPORTS,
    "/v1/availability": Availability,
    "/v1/zones": ZonePage,
    "/v1/zones/{zone_id}": Driver,
    "/v1/zones/{zone_id}/bays": BayPage,
    "/v1/zones/{zone_id}/forecast": Arrival,
    "/v1/forecast/skill": SkillQuery,
    "/v1/admin/keys": KeyPage,
    "/v1/admin/audit": AuditPage,
    "/v1/admin/sensors": SensorList,
    "/v1/admin/quarantine": QuarantinePage,
    "/v1/admin/overrides": OverridePage,
    "/v1/admin/overrides/{override_id}": Withdrawal,
    "/v1/admin/registry": RegistryPage,
    "/v1/admin/surveys": AgreementQuery,
    "/v1/live": ListenBySocket,
    "/interop/utmc/carpark/static": UtmcQuery,
    "/interop/utmc/carpark/dynamic": UtmcQuery,
    "/v1/live/events": Listen,
}
BY_CHANGE: Mapping[tuple[str, str], type[BaseModel]] = {
    ("POST", "/v1/admin/quarantine"): Nothing,
    ("POST", "/v1/admin/overrides"): Nothing,
    ("POST", "/v1/admin/registry"): RegistryImport,
    ("POST", "/v1/admin/surveys"): SurveyQuery,
}
"""Of routes that change something at a path that is also listed."""
BY_MESSAGE: Mapping[tuple[str, str], type[BaseModel]] = {("WS", "/v1/live"): Subscribe}
"""Of messages to a WebSocket."""


def known_parameters(path: str, method: str = "GET") -> list[str]:
    """Return the names that a route takes, none for a route without parameters."""
    asked = (method, path)
    model = BY_CHANGE.get(asked) or BY_MESSAGE.get(asked) or BY_ROUTE.get(path, Nothing)
    return sorted(field.alias or name for name, field in model.model_fields.items())

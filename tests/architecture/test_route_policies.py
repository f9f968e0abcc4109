"""L9: deny by default. A route that nobody declared does not get built."""

import pytest

from api.app import create_app
from api.config import ApiConfig
from api.policy import POLICIES, Audience, UndeclaredRouteError, enforce, routes_of

CONFIG = ApiConfig(database_url="postgresql://nowhere/none")


def test_l9_every_route_has_a_policy_and_every_policy_a_route() -> None:
    assert set(routes_of(create_app(CONFIG))) == set(POLICIES)


def test_l9_an_undeclared_route_keeps_the_application_from_starting() -> None:
    app = create_app(CONFIG)
    app.add_api_route("/v1/backdoor", lambda: None, methods=["POST"])

    with pytest.raises(UndeclaredRouteError, match="POST /v1/backdoor"):
        enforce(app)


def test_l9_a_mount_is_refused() -> None:
    app = create_app(CONFIG)
    app.mount("/files", create_app(CONFIG))

    with pytest.raises(UndeclaredRouteError, match="MOUNT /files"):
        enforce(app)


def test_l9_an_included_router_is_seen() -> None:
    from fastapi import APIRouter

    router = APIRouter()
    router.add_api_route("/v1/hidden", lambda: None)
    app = create_app(CONFIG)
    app.include_router(router)

    with pytest.raises(UndeclaredRouteError):
        enforce(app)


def test_public_routes_only_read() -> None:
    public = {method for (method, _path), policy in POLICIES.items() if policy.audience is Audience.PUBLIC}

    assert public == {"GET", "WS"}


def test_a_keyed_route_names_its_scope() -> None:
    assert all(policy.scope for policy in POLICIES.values() if policy.audience is Audience.KEY)

"""The live feed as its clients see it: what is read of a WebSocket, and how one is refused."""

import json
from datetime import timedelta
from typing import Any, NoReturn

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from api.config import ApiConfig
from tests.support.api_server import ApiServer, running_api
from tests.support.asyncapi import checked
from tests.support.derived_rows import NOW

WITHIN_S = 20


def serving(database_url: str, **more: Any) -> Any:
    config = ApiConfig(database_url=database_url, **{"heartbeat_s": 0.2, "evict_after_s": 1.0, **more})
    return running_api(config, lambda: NOW + timedelta(seconds=1))


def read(client: ClientConnection) -> dict[str, Any]:
    return checked(json.loads(client.recv(timeout=WITHIN_S)))


def read_change(client: ClientConnection) -> dict[str, Any]:
    """Return the next message that is not a heartbeat."""
    while (message := read(client))["type"] == "heartbeat":
        pass
    return message


def read_for_ever(client: ClientConnection) -> NoReturn:
    while True:
        read(client)


def refused(api: ApiServer, query: str, **more: Any) -> tuple[int, dict[str, Any]]:
    with pytest.raises(InvalidStatus) as refusal, connect(api.ws + query, **more):
        pass
    answer = refusal.value.response
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, json.loads(answer.body)


def count(api: ApiServer, name: str) -> float:
    lines = api.get("/metrics").text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))

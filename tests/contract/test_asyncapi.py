"""docs/asyncapi.yaml says what the code says. That what is really sent keeps to it, the tests of the feed see to
(`tests.support.asyncapi.checked`).
"""

import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from api.hub import SLOW
from api.listener import Why
from api.live_params import ListenBySocket, Subscribe
from api.live_socket import CLOSE_CODES, MESSAGE_MAX_BYTES, MESSAGES_MAX
from api.params import Listen
from api.policy import POLICIES
from api.schemas import Frame
from api.sign_live import Kind
from api.telling import Teller
from feed_client import messages as known_to_the_client
from tests.support.asyncapi import DOCUMENT, MESSAGES, resolved, validator

LIVE, EVENTS, SIGN = (DOCUMENT["channels"][name] for name in ("live", "liveEvents", "signLive"))
SAID_BY_SERVER = {name for name in vars(Teller) if not name.startswith("_")} | {"problem"}
SAID_TO_SIGNS = {kind.value for kind in Kind}


def refs(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from refs(each)


def names_of(model: Any) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


def test_it_is_version_3_and_every_reference_leads_somewhere() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    for ref in set(refs(DOCUMENT)):
        assert resolved(ref), ref


def test_every_message_of_the_code_is_in_it_and_no_other() -> None:
    assert set(MESSAGES) == SAID_BY_SERVER | {"subscribe"} | SAID_TO_SIGNS
    assert set(LIVE["messages"]) == SAID_BY_SERVER | {"subscribe"}
    assert set(SIGN["messages"]) == SAID_TO_SIGNS
    assert set(EVENTS["messages"]) == {"snapshot", "delta", "heartbeat"}
    for name, message in MESSAGES.items():
        assert message["payload"]["properties"]["type"] == {"const": name}


def test_the_client_knows_every_message_of_the_server() -> None:
    tags = {kind.__struct_config__.tag: kind for kind in get_args(known_to_the_client.Message)}
    assert set(tags) == SAID_BY_SERVER
    for name, kind in tags.items():
        assert {"type", *kind.__struct_fields__} == set(MESSAGES[name]["payload"]["required"])


def test_operations_name_every_message_once() -> None:
    operations = DOCUMENT["operations"]
    told = [*operations["tell"]["messages"], *operations["hear"]["reply"]["messages"]]
    assert {ref["$ref"].rpartition("/")[2] for ref in told} == SAID_BY_SERVER
    assert [ref["$ref"].rpartition("/")[2] for ref in operations["hear"]["messages"]] == ["subscribe"]
    assert {ref["$ref"].rpartition("/")[2] for ref in operations["tellSign"]["messages"]} == SAID_TO_SIGNS


def test_every_websocket_of_the_code_is_a_channel_and_no_other() -> None:
    here = {"$ref": "#/servers/here"}
    addresses = {one["address"] for one in DOCUMENT["channels"].values() if here in one["servers"]}
    assert addresses == {path for method, path in POLICIES if method == "WS"}
    assert set(SIGN["parameters"]) == set(re.findall("{(.+?)}", SIGN["address"]))


def test_a_frame_by_websocket_is_the_frame_by_http_and_what_it_has_left() -> None:
    payload = MESSAGES["frame"]["payload"]
    fields = Frame.model_fields
    assert set(payload["properties"]) == {"type", "expires_in_ms", *fields}
    needed = {name for name, field in fields.items() if field.is_required()}
    assert set(payload["required"]) == {"type", "expires_in_ms", *needed}
    for name in fields:
        assert payload["properties"][name]["$ref"].endswith(f"/Frame/properties/{name}")


def test_reasons_and_close_codes_are_those_of_the_code() -> None:
    assert MESSAGES["snapshot"]["payload"]["properties"]["reason"]["enum"] == [why.value for why in Why]
    for codes in (LIVE["x-close-codes"], SIGN["x-close-codes"]):
        assert set(codes) == set(CLOSE_CODES)
        assert SLOW in codes
        assert str(MESSAGES_MAX) in codes[1008]
        assert f"{MESSAGE_MAX_BYTES // 1024} KiB" in codes[1009]


def test_parameters_are_those_of_the_code() -> None:
    assert set(LIVE["bindings"]["ws"]["query"]["properties"]) == names_of(ListenBySocket)
    assert names_of(ListenBySocket) - names_of(Listen) == {"compress"}
    assert set(MESSAGES["subscribe"]["payload"]["properties"]) == names_of(Subscribe)


@pytest.mark.parametrize(
    ("more", "allowed"),
    [
        ({}, True),
        ({"id": "7", "area": "cardiff", "zones": "a,b", "bbox": "-3.2,51.4,-3.1,51.5"}, True),
        ({"for": "ev", "stay_min": 60}, True),
        ({"area": None, "zones": None, "bbox": None, "stay_min": None, "id": None}, True),
        ({"type": "else"}, False),
        ({"zone": "a"}, False),
        ({"since": "x"}, False),
        ({"id": "x" * 65}, False),
        ({"id": 7}, False),
        ({"area": 1}, False),
        ({"zones": "x" * 4097}, False),
        ({"for": None}, False),
        ({"stay_min": 0}, False),
        ({"stay_min": 10_081}, False),
        ({"stay_min": "60"}, False),
    ],
)
def test_document_and_code_judge_a_subscription_alike(more: dict[str, Any], allowed: bool) -> None:
    message = {"type": "subscribe", **more}
    try:
        Subscribe.model_validate(message, strict=True)
        taken = True
    except ValidationError:
        taken = False

    assert (validator("subscribe").is_valid(message), taken) == (allowed, allowed)

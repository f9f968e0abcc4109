"""ETag and If-None-Match."""

import pytest
from starlette.requests import Request

from api.answers import tagged
from api.snapshot import entity_tag


def asked(value: str | None) -> Request:
    headers = [] if value is None else [(b"if-none-match", value.encode())]
    return Request({"type": "http", "headers": headers})


TAG = entity_tag(b"body")


@pytest.mark.parametrize("value", [TAG, f"W/{TAG}", f'"other", {TAG}', "*"])
def test_what_the_asker_has_is_not_sent_again(value: str) -> None:
    answer = tagged(asked(value), b"body")

    assert (answer.status_code, answer.body, answer.headers["etag"]) == (304, b"", TAG)
    assert answer.headers["cache-control"] == "public, max-age=1, stale-while-revalidate=4"


@pytest.mark.parametrize("value", [None, "", '"other"', TAG.strip('"')])
def test_anything_else_is_answered_with_the_body(value: str | None) -> None:
    answer = tagged(asked(value), b"body")

    assert (answer.status_code, answer.body) == (200, b"body")


def test_equal_bytes_have_equal_tags() -> None:
    assert entity_tag(b"body") == TAG != entity_tag(b"bodz")

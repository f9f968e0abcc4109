"""The gate agent's pure parts: keys that turn, tokens that match overnight, and a camera's JSON."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from baycast.gate.camera_event import BadEventError, EventFields, camera_event
from baycast.gate.tokens import KeyRing, NotAPlateError, normalised, token_of

DAY = timedelta(days=1)
MONDAY = date(2026, 3, 2)
FIRST, SECOND, THIRD = (bytes([n]) * 32 for n in (1, 2, 3))


def test_a_vehicle_of_last_night_leaves_under_the_token_that_it_came_with() -> None:
    ring = KeyRing()
    ring.turn(MONDAY, FIRST, DAY)
    came = ring.token("KV19XWZ", leaving=False)
    ring.turn(MONDAY + DAY, SECOND, DAY)
    assert ring.token("KV19XWZ", leaving=True) == came == token_of(FIRST, "KV19XWZ")
    assert ring.token("KV19XWZ", leaving=True) == token_of(SECOND, "KV19XWZ"), "it is inside no more"


def test_l10_a_key_is_destroyed_after_the_longest_stay_and_takes_its_tokens_along() -> None:
    ring = KeyRing()
    ring.turn(MONDAY, FIRST, DAY)
    ring.token("KV19XWZ", leaving=False)
    assert ring.turn(MONDAY + DAY, SECOND, DAY)
    assert not ring.turn(MONDAY + DAY, THIRD, DAY)
    assert ring.turn(MONDAY + 2 * DAY, THIRD, DAY)
    assert list(ring.keys.values()) == [SECOND, THIRD]
    assert ring.inside == {}
    assert "1" * 8 not in repr(ring)
    assert ring.token("KV19XWZ", leaving=True) == token_of(THIRD, "KV19XWZ")


def test_plates_are_normalised() -> None:
    assert normalised(" kv19-xwz ") == "KV19XWZ"
    assert normalised("ＫＶ１９ ＸＷＺ") == "KV19XWZ"
    assert normalised("OI19 XOI", fold_confused=True) == "0119X01"
    for text in ("", " - ", "x" * 40):
        with pytest.raises(NotAPlateError):
            normalised(text)


def test_a_cameras_own_names_are_configured() -> None:
    fields = EventFields(
        plate="result.plate", direction="dir", at="ts", camera="cam.id", confidence="score", confidence_of=100
    )
    body = b'{"result":{"plate":"KV19 XWZ"},"dir":"Exit","ts":1772443800000,"cam":{"id":7},"score":93}'
    event = camera_event(body, fields, {})
    assert (event.camera, event.direction, event.confidence) == ("7", "out", 0.93)
    assert event.at == datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    assert "KV19" not in repr(event)
    assert camera_event(body, fields, {"7": "in"}).direction == "in"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[]",
        b'"KV19 XWZ"',
        b'{"camera":"a","direction":"KV19 XWZ","time":"2026-03-02T09:30:00Z"}',
        b'{"camera":"a","direction":"in","time":"KV19 XWZ"}',
        b'{"camera":"a","direction":"in","time":"2026-03-02T09:30:00"}',
        b'{"camera":["KV19 XWZ"],"direction":"in","time":"2026-03-02T09:30:00Z"}',
        b'{"camera":"a","direction":"in","time":1e300}',
        b"[" * 100_000,
    ],
)
def test_l10_an_error_never_quotes_the_event(body: bytes) -> None:
    with pytest.raises(BadEventError) as caught:
        camera_event(body, EventFields(), {})
    assert "KV19" not in str(caught.value)
    assert caught.value.__cause__ is None

"""Decode never raises, is deterministic, and gives back what encode made."""

import json
from datetime import UTC, datetime

from hypothesis import example, given
from hypothesis import strategies as st

from firmware_contract import topics, vectors
from firmware_contract.codec import Accepted, Rejected, _judged, _usual, decode, encode
from firmware_contract.messages import (
    MAX_AGE_MS,
    MAX_COUNT,
    TYPES,
    U32,
    AnyMessage,
    Boot,
    Canary,
    Clock,
    Count,
    Health,
    Link,
    Passage,
    State,
)
from tests.fuzz.decoding import judge

u32 = st.integers(0, U32)
times = st.datetimes(datetime(1970, 1, 1), datetime(2106, 12, 31, 23, 59, 59, 999999), timezones=st.just(UTC))  # noqa: DTZ001
texts = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=64)
counts = st.integers(0, MAX_COUNT)
ids = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}", fullmatch=True)
place_ids = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,63}", fullmatch=True)
tokens = st.binary(min_size=16, max_size=64).map(bytes.hex).filter(lambda token: "0" * 10 not in token)


def maybe(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.none() | strategy


@st.composite
def device_messages(draw: st.DrawFn) -> AnyMessage:
    at = draw(maybe(times))
    ages = st.integers(0, MAX_AGE_MS)
    key = {"boot": draw(u32), "seq": draw(u32), "at": at, "age_ms": draw(ages if at is None else maybe(ages))}
    share = maybe(st.floats(0, 1))
    telemetry = {
        "battery_mv": draw(maybe(st.integers(0, 100_000))),
        "temperature_c": draw(maybe(st.floats(-100, 200))),
        "rssi_dbm": draw(maybe(st.floats(-250, 50))),
        "faults": tuple(draw(st.lists(texts, max_size=16))),
    }
    match draw(st.sampled_from(("state", "passage", "count", "health", "boot", "link"))):
        case "state":
            return State(
                **key,  # type: ignore[arg-type]
                **telemetry,  # type: ignore[arg-type]
                occupied=draw(maybe(st.booleans())),  # type: ignore[arg-type]
                cause=draw(st.sampled_from(("change", "heartbeat", "boot", "requery"))),
                prev_s=draw(maybe(u32)),  # type: ignore[arg-type]
                confidence=draw(share),  # type: ignore[arg-type]
            )
        case "passage":
            return Passage(
                **key,  # type: ignore[arg-type]
                direction=draw(st.sampled_from(("in", "out"))),
                vehicle_token=draw(maybe(tokens)),  # type: ignore[arg-type]
                confidence=draw(share),  # type: ignore[arg-type]
            )
        case "count":
            return Count(**key, occupied=draw(counts), capacity=draw(maybe(counts)))  # type: ignore[arg-type]
        case "health":
            return Health(**key, **telemetry, firmware=draw(maybe(texts)))  # type: ignore[arg-type]
        case "boot":
            return Boot(**key, firmware=draw(maybe(texts)), reset_cause=draw(maybe(texts)))  # type: ignore[arg-type]
        case _:
            return Link(online=draw(st.booleans()), at=at)  # type: ignore[arg-type]


def kind_of(message: AnyMessage) -> str:
    return next(kind for kind, cls in TYPES.items() if cls is type(message))


@given(device_messages(), ids)
def test_what_is_encoded_decodes_to_itself(message: AnyMessage, device_id: str) -> None:
    topic = topics.device_topic(device_id, kind_of(message))
    raw = encode(message)
    assert decode(topic, raw) == [Accepted(device_id, kind_of(message), message, raw, topic)]


odd_times = st.from_regex(
    r"(0001|1969|1970|2026|2106|2107|9999)-(02|12|13)-(28|30|31)[Tt ](00|23|24):59:(59|60)(\.[0-9]{0,11})?"
    r"(Z|z|\+00:00|-00:00|\+01:00|)",
    fullmatch=True,
)
odd_numbers = st.one_of(
    st.integers(-(2**65), 2**65).map(str),
    st.from_regex(r"-?[0-9]{1,21}(\.[0-9]{1,3})?([eE][+-]?[0-9]{1,5})?", fullmatch=True),
)


@given(device_messages(), st.none() | odd_times, st.none() | odd_numbers, st.none() | st.text(max_size=3))
@example(State(boot=1, seq=1, at=None, age_ms=1, occupied=None, cause="boot"), None, "1e+400", None)
@example(State(boot=1, seq=1, at=None, age_ms=1, occupied=None, cause="boot"), None, "-" + "9" * 19, None)
@example(
    State(boot=1, seq=1, at=None, age_ms=1, occupied=None, cause="boot"),
    "2106-12-31T23:59:59.9999999Z",
    None,
    None,
)
def test_what_is_accepted_at_first_sight_is_accepted_by_judgement(
    message: AnyMessage, time: str | None, number: str | None, text: str | None
) -> None:
    """`_usual` only saves time. It may leave a good message to `_judged`, but never take another."""
    kind = kind_of(message)
    body = encode(message)[:-1].decode()
    for name, value in (("at", time and f'"{time}"'), ("unknown", number), ("note", text and f'"{text}"')):
        if value is not None:
            body += f',"{name}":{value}'
    raw = f"{body}}}".encode("utf-8", "surrogatepass")
    usual = _usual(kind, raw)
    if usual is not None:
        assert _judged(kind, raw) == usual


def test_what_devices_send_is_accepted_at_first_sight() -> None:
    at = datetime(2026, 3, 1, 9, 30, 0, 123456, UTC)
    state = State(
        boot=1, seq=2, at=at, occupied=True, cause="change", temperature_c=-11.5, faults=("low battery",)
    )
    clockless = Health(boot=1, seq=2, at=None, age_ms=4000, rssi_dbm=-97.0)
    assert (_usual("state", encode(state)), _usual("health", encode(clockless))) == (state, clockless)
    assert _usual("state", encode(state).replace(b"Z", b"+00:00")) == state


@given(times, place_ids, ids)
def test_clock_and_canary_decode_to_themselves(at: datetime, area_id: str, worker_id: str) -> None:
    (clock,) = decode(topics.clock_topic(area_id), encode(Clock(at=at)))
    (canary,) = decode(topics.canary_topic(worker_id), encode(Canary(worker=worker_id, at=at)))
    assert isinstance(clock, Accepted)
    assert isinstance(canary, Accepted)
    assert (clock.message, canary.message) == (Clock(at=at), Canary(worker=worker_id, at=at))


@given(st.lists(st.tuples(ids, device_messages()), max_size=8), st.data())
def test_l11_a_batch_is_its_items_each_judged_alone(
    items: list[tuple[str, AnyMessage]], data: st.DataObject
) -> None:
    parts = [
        b'{"device_id":"%s","kind":"%s","body":%s}'
        % (device_id.encode(), kind_of(message).encode(), encode(message))
        for device_id, message in items
    ]
    bad = data.draw(
        st.sampled_from([b"NaN", b"{}", b'{"x":"\xff"}', b'"\\ud800, ]"', b"[" * 99 + b"]" * 99, b"[nul]"])
    )
    where = data.draw(st.integers(0, len(parts)))
    answers = decode("baycast/v1/gw/g/batch", b"[" + b",".join([*parts[:where], bad, *parts[where:]]) + b"]")
    assert isinstance(answers.pop(where), Rejected)
    for (device_id, message), answer in zip(items, answers, strict=True):
        assert isinstance(answer, Accepted)
        assert (answer.device_id, answer.message) == (device_id, message)
        assert decode(answer.topic, answer.raw) == [answer]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
vector_cases = st.sampled_from(list(vectors.load()))
kinds_and_topics = st.sampled_from(
    [f"baycast/v1/dev/d-1/{kind}" for kind in topics.DEVICE_KINDS]
    + ["baycast/v1/gw/g/batch", "baycast/v1/area/a/clock", "baycast/v1/canary/w"]
)


@given(st.text() | kinds_and_topics, st.binary(max_size=200))
@example("baycast/v1/gw/g/batch", b"[" * 16_384)
@example("baycast/v1/gw/g/batch", b'["' * 8_192)
@example("baycast/v1/dev/a/state", b'{"x":"' + b'\\"' * 8_180)
def test_decode_never_raises_on_random_bytes(topic: str, payload: bytes) -> None:
    judge(topic, payload)


@given(kinds_and_topics, json_values)
def test_decode_never_raises_on_random_json(topic: str, value: object) -> None:
    judge(topic, json.dumps(value).encode())


@given(
    kinds_and_topics,
    st.dictionaries(st.sampled_from(sorted(State.__struct_fields__)), json_values),
    json_values,
)
def test_decode_never_raises_on_random_fields(topic: str, fields: dict[str, object], unknown: object) -> None:
    judge(topic, json.dumps({**fields, "unknown": unknown}).encode())


@given(vector_cases, st.data())
def test_decode_never_raises_on_mutated_vectors(vector: vectors.Vector, data: st.DataObject) -> None:
    payload = bytearray(vector.payload[:2_000])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(len(payload) - 1, 0)))
        width = data.draw(st.integers(0, 3))
        payload[at : at + width] = data.draw(
            st.binary(max_size=3) | st.sampled_from([b'"', b"\\", b"[", b"}", b",", b"NaN"])
        )
    judge(vector.topic, bytes(payload))


@given(device_messages(), json_values)
def test_unknown_fields_change_nothing(message: AnyMessage, value: object) -> None:
    """Except in passages, where any text may be refused as a plate."""
    kind = kind_of(message)
    if kind == "passage":
        return
    body = {**json.loads(encode(message)), "x": value}
    (answer,) = decode(topics.device_topic("d", kind), json.dumps(body).encode())
    if isinstance(answer, Accepted):
        assert answer.message == message
    else:
        assert "an unknown field" in answer.detail or "not well-formed" in answer.detail

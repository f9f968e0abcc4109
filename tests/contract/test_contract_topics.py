import pytest

from firmware_contract import topics
from firmware_contract.codec import Rejected, decode


def test_builders_and_parse_agree() -> None:
    for kind in topics.DEVICE_KINDS:
        assert topics.parse(topics.device_topic("A:1.b", kind)) == topics.Address(kind, "A:1.b")
    assert topics.parse(topics.gateway_topic("gw-7")) == topics.Address("batch", "gw-7")
    assert topics.parse(topics.clock_topic("cardiff")) == topics.Address("clock", "cardiff")
    assert topics.parse(topics.canary_topic("ingest-1")) == topics.Address("canary", "ingest-1")


def test_topics_out() -> None:
    assert topics.live_zone_topic("cardiff", "queen-st") == "baycast/v1/live/cardiff/zone/queen-st"
    assert topics.sign_frame_topic("vms-1") == "baycast/v1/sign/vms-1/frame"
    assert topics.sign_shown_topic("vms-1") == "baycast/v1/sign/vms-1/shown"
    assert topics.command_topic("bay-1") == "baycast/v1/dev/bay-1/cmd"


def test_subscriptions_cover_what_devices_send() -> None:
    assert topics.SUBSCRIPTIONS == (
        "baycast/v1/dev/+/state",
        "baycast/v1/dev/+/passage",
        "baycast/v1/dev/+/count",
        "baycast/v1/dev/+/health",
        "baycast/v1/dev/+/boot",
        "baycast/v1/dev/+/link",
        "baycast/v1/gw/+/batch",
        "baycast/v1/area/+/clock",
    )


@pytest.mark.parametrize("bad", ["", "+", "#", "a/b", "a b", "-a", "a" * 65, "a\n", "ŵ", "a\0"])
def test_no_identifier_smuggles_a_level_or_a_wildcard(bad: str) -> None:
    for build in (
        topics.gateway_topic,
        topics.canary_topic,
        topics.command_topic,
        topics.sign_frame_topic,
        topics.sign_shown_topic,
    ):
        with pytest.raises(ValueError, match="not allowed in a topic"):
            build(bad)
    with pytest.raises(ValueError, match="not allowed in a topic"):
        topics.live_zone_topic("cardiff", bad)
    with pytest.raises(ValueError, match="none of"):
        topics.device_topic("a", "cmd")


@pytest.mark.parametrize("topic", ["a" * 65_000, "x/\0/\ud800", "baycast/v1/dev/ŵ/state", "\u202e"])
def test_a_refused_topic_is_safe_to_store(topic: str) -> None:
    (answer,) = decode(topic, b"{}")
    assert isinstance(answer, Rejected)
    assert answer.topic.isascii()
    assert answer.topic.isprintable()
    assert len(answer.topic) <= 256


@pytest.mark.parametrize(
    ("topic", "problem"),
    [
        ("baycast/v1/dev/-a/state", "device_id: not allowed"),
        ("baycast/v1/dev/a/cmd", "no kind of message"),
        ("baycast/v1/gw/a b/batch", "gateway_id: not allowed"),
        ("baycast/v1/area/Cardiff/clock", "area_id: not allowed"),
        ("baycast/v1/canary/-w", "worker_id: not allowed"),
        ("baycast/v1/live/cardiff", "not a topic that baycast reads"),
        ("baycast/v2/dev/a/state", "another contract version"),
        ("town/v1/dev/a/state", "does not begin with baycast"),
        ("baycast/v1/dev/a/state/", "an empty level"),
        ("baycast/v1/dev/+/state", "wildcards"),
        ("$SYS/broker/uptime", "belong to the broker"),
    ],
)
def test_what_is_wrong_with_a_topic_is_told(topic: str, problem: str) -> None:
    answer = topics.parse(topic)
    assert isinstance(answer, str)
    assert problem in answer


def test_whose_read_back_a_topic_carries() -> None:
    assert topics.sign_of_shown(topics.sign_shown_topic("vms-1")) == "vms-1"
    for other in (
        "baycast/v1/sign/VMS/shown",
        "baycast/v1/sign/vms-1/frame",
        "baycast/v1/sign/a/b/shown",
        "",
    ):
        assert topics.sign_of_shown(other) is None

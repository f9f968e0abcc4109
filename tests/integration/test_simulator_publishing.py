"""The simulator and the replay on a real broker."""

import json
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from firmware_contract.codec import Accepted, decode
from firmware_contract.messages import Boot, Clock, Count, State
from simulator.devices import DeviceConfig
from simulator.plan import BayPlan, CarParkPlan, CityPlan, CounterPlan, GatePlan, Profile
from simulator.publisher import BrokerUnreachableError, Endpoint, Publisher
from simulator.recordings import Recording, place_ids
from simulator.replay import ReplayConfig, replay
from simulator.run import Progress, SimulatorConfig, run
from tests.support.brokers import Broker
from tests.support.collecting import Collector, collecting
from tests.support.ports import free_port
from tests.support.waiting import eventually

PLAN = CityPlan(
    area_id="town",
    time_zone="Europe/London",
    event_clock=True,
    bays=tuple(
        BayPlan(bay_id=f"b{n}", zone_id="z", profile=Profile.SHOPPING, device_id=f"s{n}") for n in range(60)
    ),
    car_parks=(
        CarParkPlan(
            zone_id="p",
            capacity=200,
            gates=(GatePlan(device_id="g"),),
            counter=CounterPlan(device_id="c"),
        ),
    ),
)
START = datetime(2026, 10, 14, 9, tzinfo=UTC)


def config(broker: Broker, state_dir: Path, **more: float) -> SimulatorConfig:
    return SimulatorConfig(
        mqtt_url=broker.url,
        state_dir=state_dir,
        speed=more.get("speed", 600),
        duration_s=more.get("duration_s", 1.5),
        start=START,
        devices=DeviceConfig(announce_s=60),
    )


def heard(collector: Collector) -> list[Accepted]:
    found = []
    for topic, payload in collector.messages:
        [answer] = decode(topic, payload)
        assert isinstance(answer, Accepted), answer
        found.append(answer)
    return found


def test_an_event_area_runs_faster_than_time_and_its_clock_follows(broker: Broker, tmp_path: Path) -> None:
    seen: list[Progress] = []
    with collecting(broker.port, "baycast/v1/#") as collector:
        last = run(PLAN, config(broker, tmp_path), threading.Event(), seen.append)
        eventually(lambda: len(collector) == last.acked)
    assert (last.waiting, last.refused, last.sent) == (0, 0, last.acked)
    assert seen
    answers = heard(collector)
    assert {a.device_id for a in answers if not isinstance(a.message, Clock)} == set(PLAN.device_ids())
    clocks = [a.message.at for a in answers if isinstance(a.message, Clock)]
    assert clocks == sorted(clocks)
    assert isinstance(answers[-1].message, Clock), "the clock has the last word"
    assert answers[-1].message.at == last.at
    assert (last.at - START).total_seconds() >= 1.5 * 600 * 0.5


def test_the_truth_that_is_written_is_what_the_devices_said(broker: Broker, tmp_path: Path) -> None:
    with collecting(broker.port, "baycast/v1/dev/#") as collector:
        last = run(PLAN, config(broker, tmp_path), threading.Event())
        eventually(
            lambda: any(a.device_id == "c" for a in heard(collector)) and len(collector) >= last.acked - 5
        )
    truth = json.loads((tmp_path / f"truth-{PLAN.area_id}.json").read_text())
    said = {a.device_id: a.message.occupied for a in heard(collector) if isinstance(a.message, State)}
    assert truth["area"] == "town"
    for number in range(60):
        if f"b{number}" not in truth["changed_at"]:
            assert said[f"s{number}"] is (f"b{number}" in truth["occupied"])
    assert 0 <= truth["car_parks"]["p"] <= 200


def test_l2_a_restart_of_the_simulator_is_a_restart_of_its_devices(broker: Broker, tmp_path: Path) -> None:
    with collecting(broker.port, "baycast/v1/dev/#") as collector:
        for _ in range(2):
            last = run(PLAN, config(broker, tmp_path, duration_s=0.3), threading.Event())
            assert last.waiting == 0
        eventually(
            lambda: len({a.message.boot for a in heard(collector) if isinstance(a.message, Boot)}) == 2
        )
    boots: dict[str, set[int]] = {}
    keys = []
    for answer in heard(collector):
        message = answer.message
        assert isinstance(message, State | Boot | Count) or answer.kind in {"passage", "health"}
        keys.append((answer.device_id, message.boot, message.seq))  # type: ignore[union-attr]
        boots.setdefault(answer.device_id, set()).add(message.boot)  # type: ignore[union-attr]
    assert len(keys) == len(set(keys))
    # On a busy machine a run may end before every device has spoken.
    lives = [found for found in boots.values() if len(found) > 1]
    assert lives
    assert all(max(found) == min(found) + 1 for found in lives)


def test_l7_a_live_area_keeps_the_real_time(broker: Broker, tmp_path: Path) -> None:
    live = CityPlan(area_id="town", time_zone="Europe/London", bays=PLAN.bays)
    with pytest.raises(ValueError, match="real time"):
        run(live, config(broker, tmp_path), threading.Event())
    now = SimulatorConfig(mqtt_url=broker.url, state_dir=tmp_path, duration_s=0.3)
    with collecting(broker.port, "baycast/v1/#") as collector:
        before = datetime.now(UTC)
        last = run(live, now, threading.Event())
        after = datetime.now(UTC)
        eventually(lambda: len(collector) == last.acked)
    times = [a.message.at for a in heard(collector)]
    assert times
    assert all(
        at is not None and before.timestamp() - 0.001 <= at.timestamp() <= after.timestamp() for at in times
    )
    assert not any(isinstance(a.message, Clock) for a in heard(collector))


def test_l1_nothing_is_lost_over_a_broker_restart_and_the_window_is_bounded(broker: Broker) -> None:
    stop = threading.Event()
    sent = [str(number).encode() for number in range(60)]
    topic = "baycast/v1/dev/s/state"
    with (
        collecting(broker.port, topic) as collector,
        Publisher(Endpoint.parse(broker.url), name="test", in_flight=20) as publisher,
    ):
        publisher.wait_connected(10, stop)
        for payload in sent[:20]:
            publisher.publish(topic, payload, stop)
        assert publisher.drain(10)
        broker.stop()
        thread = threading.Thread(
            target=lambda: [publisher.publish(topic, payload, stop) for payload in sent[20:]]
        )
        thread.start()
        eventually(lambda: publisher.waiting == 20)
        assert publisher.sent == 40, "the window is full, so the rest waits with the caller (L8)"
        broker.start()
        thread.join(20)
        assert not thread.is_alive()
        assert publisher.drain(20)
        eventually(lambda: {payload for _, payload in collector.messages} == set(sent))
    assert (publisher.acked, publisher.refused) == (60, 0)


def test_no_broker_is_one_clear_error() -> None:
    port = free_port()
    with Publisher(Endpoint(host="127.0.0.1", port=port), name="test") as publisher:
        with pytest.raises(BrokerUnreachableError, match=f"no MQTT broker at 127.0.0.1:{port}"):
            publisher.wait_connected(1.2, threading.Event())
        stopped = threading.Event()
        stopped.set()
        publisher.wait_connected(5, stopped)


def test_a_stop_ends_a_publish_that_waits(broker: Broker) -> None:
    stop = threading.Event()
    with Publisher(Endpoint.parse(broker.url), name="test", in_flight=1) as publisher:
        publisher.wait_connected(10, stop)
        broker.kill()
        assert publisher.publish("baycast/v1/dev/s/state", b"{}", stop)
        stop.set()
        assert not publisher.publish("baycast/v1/dev/s/state", b"{}", stop)


@pytest.mark.parametrize("url", ["http://x", "mqtt://", "x", "mqtt:///path"])
def test_a_url_that_is_none_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match="mqtt://host"):
        Endpoint.parse(url)
    found = Endpoint.parse("mqtts://me:p%40ss@host?ca=/ca.pem")
    assert found == Endpoint(
        host="host", port=8883, tls=True, ca_file="/ca.pem", username="me", password="p@ss"
    )
    assert "p@ss" not in repr(found)


def recorded() -> Recording:
    recording = Recording("birmingham", "Europe/London")
    for minute in range(0, 60, 2):
        recording.add("A", 1_475_564_400 + minute * 60, minute, 50)
        recording.add("B", 1_475_564_400 + minute * 60 + 30, 40 - minute, 40)
    return recording


def test_l2_a_second_replay_says_the_same_under_the_same_keys(broker: Broker) -> None:
    zone_ids = place_ids("bham", ["A", "B"])
    said: list[list[tuple[str, bytes]]] = []
    for _ in range(2):
        stop = threading.Event()
        with (
            collecting(broker.port, "baycast/v1/#") as collector,
            Publisher(Endpoint.parse(broker.url), name="replay") as publisher,
        ):
            publisher.wait_connected(10, stop)
            done = replay(recorded(), ReplayConfig(area_id="bham", zone_ids=zone_ids), publisher, stop)
            assert (publisher.waiting, done.rows) == (0, 60)
            eventually(lambda expected=done.rows + done.clocks: len(collector) == expected)  # type: ignore[misc]
            said.append(collector.messages)
    assert said[0] == said[1]


def test_the_clock_of_a_replay_never_passes_a_row_to_come_and_ends_with_the_last(broker: Broker) -> None:
    stop = threading.Event()
    recording = recorded()
    calls = []
    with (
        collecting(broker.port, "baycast/v1/#") as collector,
        Publisher(Endpoint.parse(broker.url), name="replay") as publisher,
    ):
        publisher.wait_connected(10, stop)
        config = ReplayConfig(area_id="bham", zone_ids=place_ids("bham", ["A", "B"]))
        done = replay(recording, config, publisher, stop, lambda done: calls.append(done.rows))
        eventually(lambda: len(collector) == done.rows + done.clocks)
    last_row = list(recording.rows())[-1].at
    clock: datetime | None = None
    negatives = 0
    for topic, payload in collector.messages:
        body = json.loads(payload)
        at = datetime.fromisoformat(body["at"])
        if topic.endswith("/clock"):
            assert clock is None or at > clock
            clock = at
        else:
            assert clock is None or at >= clock
            negatives += body["occupied"] < 0
    assert clock == done.clock_at == last_row
    assert negatives == 9, "a negative count goes out as it is"
    assert len(calls) == done.clocks
    assert 8 <= done.clocks <= 14

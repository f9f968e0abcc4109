"""The registry of the signs under attack: a street of sensed bays for each, and one whose number is not measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from baycast.chaos import city
from baycast.chaos.signs.plan import DWELL_S, HEARTBEAT_S, TTL_S, Over, Post

BAYS = 4
MODELLED = Post("sign-modelled", "street-modelled", Over.MQTT, gateway=1)
"""The run's own trigger calls its street's numbers an estimate: it must never be lit."""


def sensor_ids(post: Post) -> list[str]:
    return [f"{post.zone_id}-{n}" for n in range(BAYS)]


def documents(posts: Sequence[Post]) -> Iterator[tuple[str, str, Mapping[str, object]]]:
    """A bay has its sensor's id."""
    name, place = {"en": "Chaos", "cy": "Anhrefn"}, {"lat": 51.48, "lon": -3.18}
    area = {"name": name, "time_zone": "Europe/London", "languages": ["cy", "en"], "clock": "live"}
    yield "area", city.AREA, area
    own = {"area_id": city.AREA}
    for post in posts:
        yield "zone", post.zone_id, {**own, "kind": "street", "name": name, **place}
        for id in sensor_ids(post):
            yield "bay", id, {**own, "zone_id": post.zone_id, "bay_type": "standard", **place}
            sensor = {
                "model": "chaos",
                "expected_heartbeat_s": HEARTBEAT_S,
                "gateway": f"gateway-{post.gateway}",
            }
            yield "sensor", id, {**own, **sensor}
            yield "binding", f"{id}@{id}@always", {**own, "device_id": id, "bay_id": id}
        shows = {"zone_ids": [post.zone_id], "ttl_s": TTL_S, "min_dwell_s": DWELL_S}
        yield "sign", post.sign_id, {**own, "name": name, **place, **shows}

"""Which link is cut when and how, which signs must be dark for it, and how soon. Pure."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

TTL_S = 2
DWELL_S = 60
HEARTBEAT_S = 4
SILENT_AFTER_S = 2.5 * HEARTBEAT_S
"""A sensor's silence that is no evidence any more."""
_WATERMARK_S = 1.0
"""Between two canaries."""
_LATER_MOST_S = 0.25


class Over(StrEnum):
    """How a sign gets its frames."""

    MQTT = "mqtt"
    WEBSOCKET = "websocket"


class Link(StrEnum):
    """What can be cut between a bay and its sign; the values are in figures."""

    PUBLISH = "publish"
    BROKER = "broker"
    INGEST = "ingest"
    API = "api"
    DATABASE = "database"
    ENGINE = "engine"
    NETWORK = "network"
    """Between the signs and whoever brings their frames."""
    GATEWAY = "gateway"
    """Half of the signs' sensors fall silent."""


class How(StrEnum):
    KILL = "kill"
    STOP = "stop"
    """SIGSTOP, and SIGCONT in the end."""
    BLACKHOLE = "blackhole"
    """Nothing passes; in the end the connections are gone, as a firewall forgets them."""
    HELD = "held"
    """Nothing passes; in the end all of it arrives."""
    SILENCE = "silence"


WAYS: Mapping[Link, tuple[How, ...]] = {
    Link.PUBLISH: (How.KILL, How.STOP),
    Link.BROKER: (How.KILL, How.STOP, How.BLACKHOLE, How.HELD),
    Link.INGEST: (How.KILL, How.STOP, How.BLACKHOLE, How.HELD),
    Link.API: (How.KILL, How.STOP),
    Link.DATABASE: (How.KILL, How.STOP, How.BLACKHOLE, How.HELD),
    Link.ENGINE: (How.KILL, How.STOP, How.BLACKHOLE, How.HELD),
    Link.NETWORK: (How.BLACKHOLE, How.HELD),
    Link.GATEWAY: (How.SILENCE,),
}


@dataclass(frozen=True, slots=True)
class Post:
    """A sign, the street it speaks of, and whose sensors watch that."""

    sign_id: str
    zone_id: str
    over: Over
    gateway: int


@dataclass(frozen=True, slots=True)
class Cut:
    """`later_s`: how long it waits once every sign is lit, so that nothing else decides its moment."""

    link: Link
    how: How
    later_s: float


def posts(number: int) -> list[Post]:
    """The signs, by both transports and on both gateways in turn."""
    return [
        Post(f"sign-{n}", f"street-{n}", Over.WEBSOCKET if n % 2 else Over.MQTT, n // 2 % 2)
        for n in range(number)
    ]


def schedule(seed: int, cuts: int) -> list[Cut]:
    """Every link in turn, each time by another of its ways; links begin with different ones, and so do seeds."""
    dice = random.Random(seed)  # noqa: S311 - a reproducible choice, not a secret
    links = list(WAYS)
    found: list[Cut] = []
    for number in range(cuts):
        turn, place = divmod(number, len(links))
        link = links[place]
        ways = WAYS[link]
        how = ways[(seed + turn + place) % len(ways)]
        found.append(Cut(link, how, dice.uniform(0.0, _LATER_MOST_S)))
    return found


def dark_within_s(cut: Cut, post: Post, stale_after_s: float) -> float | None:
    """Seconds from the cut within which a sign must be dark; None: it need not be.

    Nothing comes any more: the ttl. The canary is missing, or the engine behind it: until its last word is too old, and
    the frame made at that moment has ended. A gateway is silent: until the last word of its sensors proves nothing.
    """
    by_canary = stale_after_s + TTL_S
    match cut.link:
        case Link.BROKER if cut.how in (How.KILL, How.STOP):
            # Whoever has a WebSocket sees the broker by the canary alone.
            return TTL_S if post.over is Over.MQTT else by_canary
        case Link.BROKER:
            return TTL_S if post.over is Over.MQTT else None
        case Link.INGEST | Link.ENGINE:
            return by_canary
        case Link.API:
            return TTL_S if post.over is Over.WEBSOCKET else None
        case Link.GATEWAY:
            return SILENT_AFTER_S + _WATERMARK_S + TTL_S if post.gateway == 0 else None
        case _:
            return TTL_S

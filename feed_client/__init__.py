"""A client of the live feed (docs/live.md): resumes, never gives up, never tells a version backwards.

    feed = LiveFeed("ws://127.0.0.1:8000/v1/live", Subscription(areas=("cardiff",)))
    async with contextlib.aclosing(feed.events()) as events:
        async for event in events:
            print(event, feed.state.zones["castle-street"]["free"])

It knows the wire and nothing else of baycast.
"""

from feed_client.back_off import BackOff
from feed_client.client import LiveFeed
from feed_client.messages import Delta, Event, Heartbeat, Lost, Refused, Snapshot, Subscribed, Zone
from feed_client.state import FeedState, GapError, WentBackError
from feed_client.subscription import Subscription

__all__ = [
    "BackOff",
    "Delta",
    "Event",
    "FeedState",
    "GapError",
    "Heartbeat",
    "LiveFeed",
    "Lost",
    "Refused",
    "Snapshot",
    "Subscribed",
    "Subscription",
    "WentBackError",
    "Zone",
]

"""`baycast sign`: a reference sign in the terminal, a real client of the broker.

It believes what a roadside sign may believe: whole frames with a newer sequence, for their ttl, by its own
monotonic clock. When nothing comes any more, for whatever reason, it goes dark.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from baycast.settings import Settings, UsageError
from baycast.stop_signals import stop_on_signals

if TYPE_CHECKING:
    import paho.mqtt.client as mqtt

    from signs.frame import Page

HELP = "show what a sign shows, in the terminal"
_TICK_S = 0.1


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("sign_id", metavar="SIGN_ID", help="the sign, as in the registry")
    parser.add_argument("--lines", type=int, default=2, help="lines of the sign (default 2)")
    parser.add_argument("--width", type=int, default=12, help="characters in a line (default 12)")
    parser.add_argument("--page-s", type=float, default=3.0, help="seconds a page stands (default 3)")
    parser.add_argument(
        "--plain",
        action="store_true",
        help="a line per change instead of a picture (default without a terminal)",
    )


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Show the sign until interrupted."""
    from baycast.wiring import mqtt_url
    from firmware_contract.topics import sign_frame_topic

    if args.lines < 1 or args.width < 1 or args.page_s <= 0:
        raise UsageError("--lines, --width and --page-s are greater than 0")
    try:
        topic = sign_frame_topic(args.sign_id)
    except ValueError as problem:
        raise UsageError(f"SIGN_ID: {problem}") from None
    stop = stop_on_signals()
    inbox = _Inbox()
    client = _client(mqtt_url(settings), topic, inbox)
    try:
        if args.plain or not sys.stdout.isatty():
            _show(args, inbox, stop, _print_changes())
        else:
            _show_picture(args, inbox, stop)
    finally:
        client.on_disconnect = None  # this time it is us
        client.disconnect()
        client.loop_stop()
    return 0


@dataclass(slots=True)
class _Inbox:
    """What came and was not looked at yet; the oldest gives way. (payload, expiry left, when: monotonic)."""

    arrived: deque[tuple[bytes, float | None, float]] = field(default_factory=lambda: deque(maxlen=64))
    wake: threading.Event = field(default_factory=threading.Event)


def _client(url: str, topic: str, inbox: _Inbox) -> mqtt.Client:
    """Return a client that keeps connecting and fills the inbox from its own thread."""
    import paho.mqtt.client as mqtt
    from paho.mqtt.enums import CallbackAPIVersion

    from publish.config import address

    try:
        place = address(url)
    except ValueError as problem:
        raise UsageError(f"BAYCAST_MQTT_URL: {problem}") from None
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)

    def connected(_client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            _say(f"the broker refused us: {reason}")
        else:
            client.subscribe(topic, qos=1)

    def lost(*_: Any) -> None:
        _say("the broker is gone; what is shown lives to the end of its ttl")

    def came(_client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        expiry_s = getattr(message.properties, "MessageExpiryInterval", None)
        inbox.arrived.append((bytes(message.payload), expiry_s, time.monotonic()))
        inbox.wake.set()

    client.on_connect = connected
    client.on_connect_fail = lambda *_: _say(f"no broker at {place.host}:{place.port} yet")
    client.on_disconnect = lost
    client.on_message = came
    client.reconnect_delay_set(min_delay=1, max_delay=10)
    if place.username is not None:
        client.username_pw_set(place.username, place.password)
    if place.tls:
        client.tls_set(place.ca_file, place.cert_file, place.key_file)
    client.connect_async(place.host, place.port, keepalive=15)
    client.loop_start()
    return client


def _say(text: str) -> None:
    print(f"baycast sign: {text}", file=sys.stderr, flush=True)


Draw = Callable[["tuple[Page, ...]", "Page | None"], None]


def _show(args: argparse.Namespace, inbox: _Inbox, stop: threading.Event, draw: Draw) -> None:
    """Draw what the sign shows, at each tick, until stopped."""
    from occupancy.model import SignId
    from signs.display import Display, page_at, receive, shown
    from signs.document import FrameError, parse
    from signs.picture import fits

    display = Display(sign_id=SignId(args.sign_id))
    while not stop.is_set():
        inbox.wake.clear()
        while inbox.arrived:
            payload, expiry_s, at_s = inbox.arrived.popleft()
            try:
                display = receive(display, parse(payload), now_s=at_s, expires_in_s=expiry_s)
            except FrameError as problem:
                _say(f"refused what came: {problem}")
        now_s = time.monotonic()
        pages = shown(display, now_s)
        if not all(fits(page, lines=args.lines, width=args.width) for page in pages):
            pages = ()
        draw(pages, page_at(pages, now_s - display.received_s, args.page_s))
        inbox.wake.wait(_TICK_S)


def _print_changes() -> Draw:
    before: list[str] = []

    def draw(pages: tuple[Page, ...], _page: Page | None) -> None:
        text = " | ".join(f"{page.language}: {' / '.join(page.lines)}" for page in pages) or "(blank)"
        if before != [text]:
            before[:] = [text]
            print(text, flush=True)

    return draw


def _show_picture(args: argparse.Namespace, inbox: _Inbox, stop: threading.Event) -> None:
    from rich.live import Live
    from rich.text import Text

    from signs.picture import picture

    with Live(Text(""), auto_refresh=False) as live, contextlib.suppress(KeyboardInterrupt):
        _show(
            args,
            inbox,
            stop,
            lambda _pages, page: live.update(
                Text(picture(page, lines=args.lines, width=args.width), style="yellow"), refresh=True
            ),
        )

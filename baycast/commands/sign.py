"""`baycast sign`: a reference sign in the terminal, a real client of the broker or of the API.

It believes what a roadside sign may believe: whole frames with a newer sequence, for their ttl, by its own
monotonic clock. When nothing comes any more, for whatever reason, it goes dark.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from baycast.settings import Settings, UsageError
from baycast.stop_signals import stop_on_signals

if TYPE_CHECKING:
    from baycast.reference_sign.face import Draw, Face
    from baycast.reference_sign.inbox import Inbox
    from signs.frame import Page
    from signs.readback import Readback

HELP = "show what a sign shows, in the terminal"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("sign_id", metavar="SIGN_ID", help="the sign, as in the registry")
    parser.add_argument(
        "--over", choices=("mqtt", "websocket"), default="mqtt", help="where frames come from (default mqtt)"
    )
    parser.add_argument("--api", metavar="URL", help="the API (default: where ours listens)")
    parser.add_argument(
        "--key-file",
        metavar="FILE",
        type=Path,
        help="with --over websocket: say what is shown, with the API key (scope signs:write) in this file",
    )
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
    from firmware_contract.topics import is_place_id

    if args.lines < 1 or args.width < 1 or args.page_s <= 0:
        raise UsageError("--lines, --width and --page-s are greater than 0")
    if not is_place_id(args.sign_id):
        raise UsageError(f"SIGN_ID: {args.sign_id[:80]!r} is no sign's id; use 1 to 64 of a-z 0-9 _ -")
    from baycast.reference_sign.inbox import Inbox

    stop, inbox = stop_on_signals(), Inbox()
    with contextlib.ExitStack() as ends:
        report = (_mqtt if args.over == "mqtt" else _websocket)(args, settings, inbox, ends)
        if args.plain or not sys.stdout.isatty():
            _face(args, inbox, _print_changes(), report).run(stop)
        else:
            _show_picture(args, inbox, stop, report)
    return 0


Send = Callable[[bytes], None]


def _mqtt(args: argparse.Namespace, settings: Settings, inbox: Inbox, ends: contextlib.ExitStack) -> Send:
    """Have frames brought from the broker, and return the way back."""
    from baycast.reference_sign.over_mqtt import OverMqtt
    from baycast.wiring import mqtt_url
    from publish.config import address

    if args.key_file is not None or args.api is not None:
        raise UsageError("--api and --key-file go with --over websocket")
    try:
        wire = OverMqtt(args.sign_id, address(mqtt_url(settings)), inbox)
        wire.start()
    except (ValueError, OSError) as problem:
        raise UsageError(f"BAYCAST_MQTT_URL: {problem}") from None
    ends.callback(wire.stop)
    return wire.report


def _websocket(
    args: argparse.Namespace, settings: Settings, inbox: Inbox, ends: contextlib.ExitStack
) -> Send:
    """Have frames brought from the API, and return the way back."""
    from baycast.reference_sign.over_http import OverHttp
    from baycast.reference_sign.over_websocket import OverWebSocket

    api_url = args.api or f"http://{settings.http_host}:{settings.http_port}"
    if urlsplit(api_url).scheme not in ("http", "https") or not urlsplit(api_url).netloc:
        raise UsageError("--api: http://host:port or https://host")
    back: Send = _nobody
    if args.key_file is not None:
        try:
            key = args.key_file.read_text(encoding="utf-8").strip()
        except OSError as problem:
            raise UsageError(f"--key-file: {problem}") from None
        told = OverHttp(args.sign_id, api_url, key)
        told.start()
        ends.callback(told.stop)
        back = told.report
    wire = OverWebSocket(args.sign_id, api_url, inbox)
    wire.start()
    ends.callback(wire.stop)
    return back


def _nobody(_payload: bytes) -> None:
    """Without a key nobody is told what is shown."""


def _face(args: argparse.Namespace, inbox: Inbox, draw: Draw, send: Send) -> Face:
    from baycast.reference_sign.face import Face
    from occupancy.model import SignId
    from signs.readback import document

    def report(now: Readback) -> None:
        send(json.dumps(document(now), ensure_ascii=False).encode())

    return Face(
        SignId(args.sign_id),
        inbox,
        lines=args.lines,
        width=args.width,
        page_s=args.page_s,
        draw=draw,
        report=report,
    )


def _print_changes() -> Draw:
    before: list[str] = []

    def draw(pages: tuple[Page, ...], _page: Page | None) -> None:
        text = " | ".join(f"{page.language}: {' / '.join(page.lines)}" for page in pages) or "(blank)"
        if before != [text]:
            before[:] = [text]
            print(text, flush=True)

    return draw


def _show_picture(args: argparse.Namespace, inbox: Inbox, stop: threading.Event, send: Send) -> None:
    from rich.live import Live
    from rich.text import Text

    from signs.picture import picture

    with Live(Text(""), auto_refresh=False) as live, contextlib.suppress(KeyboardInterrupt):

        def draw(_pages: tuple[Page, ...], page: Page | None) -> None:
            text = picture(page, lines=args.lines, width=args.width)
            live.update(Text(text, style="yellow"), refresh=True)

        _face(args, inbox, draw, send).run(stop)

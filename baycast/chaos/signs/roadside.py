"""The signs: reference signs in a process of their own, which writes down what came to each and what each showed.

`python -m baycast.chaos.signs.roadside '{...}'`. Times are of the machine's monotonic clock, which all processes share.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from baycast.chaos.signs.plan import Over
from baycast.reference_sign.face import Face
from baycast.reference_sign.inbox import Arrived, Inbox
from baycast.reference_sign.over_mqtt import OverMqtt
from baycast.reference_sign.over_websocket import OverWebSocket
from baycast.stop_signals import stop_on_signals
from occupancy.model import SignId
from publish.config import address
from signs.frame import Page
from signs.readback import Readback
from signs.readback import document as readback_document


class Notes:
    """One line of JSON for each thing that happens, to a file that somebody else reads meanwhile."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8", buffering=1)
        self._turn = threading.Lock()

    def write(self, **what: Any) -> None:
        with self._turn:
            self._file.write(json.dumps({"at": time.monotonic(), **what}) + "\n")


@dataclass(slots=True)
class _NotedInbox(Inbox):
    """Whatever is brought to a sign is written down before the sign sees it."""

    sign_id: str = ""
    notes: Notes | None = None

    def put(self, one: Arrived) -> None:
        if self.notes is not None and one.payload is not None:
            frame = one.payload.decode(errors="replace")
            self.notes.write(sign=self.sign_id, wall=time.time(), frame=frame)
        Inbox.put(self, one)


def _show(sign_id: str, over: Over, given: dict[str, Any], notes: Notes, stop: threading.Event) -> None:
    inbox = _NotedInbox(sign_id=sign_id, notes=notes)
    wire: OverMqtt | OverWebSocket
    if over is Over.MQTT:
        wire = OverMqtt(sign_id, address(given["mqtt_url"]), inbox)
    else:
        wire = OverWebSocket(sign_id, given["api_url"], inbox)

    def report(told: Readback) -> None:
        if isinstance(wire, OverMqtt):
            wire.report(json.dumps(readback_document(told), ensure_ascii=False).encode())

    shown: list[tuple[Page, ...]] = []

    def draw(pages: tuple[Page, ...], _page: Page | None) -> None:
        if shown != [pages]:
            shown[:] = [pages]
            notes.write(sign=sign_id, pages=[[page.language, *page.lines] for page in pages])

    wire.start()
    try:
        face = Face(SignId(sign_id), inbox, lines=2, width=12, page_s=3.0, draw=draw, report=report)
        face.run(stop)
    finally:
        wire.stop()


def main() -> int:
    given = json.loads(sys.argv[1])
    stop, notes = stop_on_signals(), Notes(Path(given["notes"]))
    signs = [
        threading.Thread(target=_show, args=(sign_id, Over(over), given, notes, stop), name=sign_id)
        for sign_id, over in given["signs"]
    ]
    for sign in signs:
        sign.start()
    for sign in signs:
        sign.join()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The sign itself: shows what it may, and says what it shows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from baycast.reference_sign.inbox import Inbox, say
from occupancy.model import SignId
from signs.display import Display, darkened, ends_s, page_at, readback, receive, shown
from signs.document import FrameError, parse
from signs.frame import Page
from signs.picture import fits
from signs.readback import Readback

_TICK_S = 0.1
_REPORT_S = 2.0
"""How often a sign that does not know its ttl says what it shows; another says it twice in a ttl."""

Draw = Callable[[tuple[Page, ...], Page | None], None]
Report = Callable[[Readback], None]


class Face:
    """Seconds are of the monotonic clock."""

    def __init__(
        self,
        sign_id: SignId,
        inbox: Inbox,
        *,
        lines: int,
        width: int,
        page_s: float,
        draw: Draw,
        report: Report,
    ) -> None:
        self._display = Display(sign_id=sign_id)
        self._inbox = inbox
        self._lines, self._width, self._page_s = lines, width, page_s
        self._draw = draw
        self._report = report
        self._report_s = _REPORT_S
        self._pages: tuple[Page, ...] = ()
        self._pages_since_s = 0.0
        self._reported: tuple[float, Readback] | None = None

    def run(self, stop: threading.Event) -> None:
        """Show, at each tick and whenever something comes, until stopped."""
        while not stop.is_set():
            self._inbox.wake.clear()
            while self._inbox.arrived:
                self._take()
            self._show(time.monotonic())
            self._inbox.wake.wait(self._until_next_s())

    def _until_next_s(self) -> float:
        """A tick, or to the end of what is shown: it is dark then, and not at the next tick."""
        left_s = ends_s(self._display) - time.monotonic()
        return min(_TICK_S, left_s) if left_s > 0 else _TICK_S

    def _take(self) -> None:
        one = self._inbox.arrived.popleft()
        if one.payload is None:
            self._display = darkened(self._display)
            return
        try:
            frame = parse(one.payload)
        except FrameError as problem:
            say(f"refused what came: {problem}")
            return
        self._report_s = frame.ttl_s / 2
        self._display = receive(
            self._display, frame, now_s=one.since_s, expires_in_s=one.expires_in_s, came_s=one.came_s
        )

    def _show(self, now_s: float) -> None:
        told = shown(self._display, now_s)
        fit = all(fits(page, lines=self._lines, width=self._width) for page in told)
        pages = told if fit else ()
        if pages != self._pages:
            self._pages, self._pages_since_s = pages, now_s
        self._draw(pages, page_at(pages, now_s - self._pages_since_s, self._page_s))
        self._say(readback(self._display, now_s, fits=fit), now_s)

    def _say(self, now: Readback, now_s: float) -> None:
        """Say it when it is something else, and again before anybody could think that we are gone."""
        if self._reported is not None:
            at_s, before = self._reported
            same = (before.state, before.pages, before.faults) == (now.state, now.pages, now.faults)
            if same and now_s - at_s < self._report_s:
                return
        self._reported = now_s, now
        self._report(now)

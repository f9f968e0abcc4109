"""The sign's side: what is held, what is refused, and when it goes dark. Pure.

Time is the sign's own monotonic clock. A sign's clock of the day may be wrong by years, so `issued_at` is compared with
that of other frames alone: a frame lives for its ttl from its receipt, less what the broker says it has already spent
waiting, and less what it came later than the frames before it (`signs.lateness`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from occupancy.model import SignId
from signs.frame import Frame, Page
from signs.lateness import NOTHING_HEARD, REMEMBERED_S, Heard
from signs.readback import Readback

DOES_NOT_FIT = "does-not-fit"
"""The fault of a sign that is dark because what it was told is larger than it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Display:
    """A sign's memory. `highest` outlives the frame, so that a replay stays refused after the ttl.

    Seconds are of one monotonic clock; where it starts does not matter.
    """

    sign_id: SignId
    frame: Frame | None = None
    received_s: float = 0.0
    life_s: float = 0.0
    highest: int = -1
    heard: Heard = NOTHING_HEARD


def receive(
    display: Display,
    frame: Frame,
    *,
    now_s: float,
    expires_in_s: float | None = None,
    came_s: float | None = None,
) -> Display:
    """Return the memory after a frame came; unchanged for another sign's frame or one not newer than seen.

    `expires_in_s` is the message expiry that the broker delivered: what is left of the ttl, None where the
    transport does not say. `came_s`: when it came, where it counts from an earlier `now_s`.
    """
    if frame.sign_id != display.sign_id or frame.sequence <= display.highest:
        return display
    came_s = now_s if came_s is None else came_s
    ttl_s = float(frame.ttl_s)
    heard = display.heard.after(came_s, frame.issued_at, max(REMEMBERED_S, 2 * ttl_s))
    life_s = min(ttl_s, came_s - heard.late_s + ttl_s - now_s)
    if expires_in_s is not None:
        life_s = min(life_s, expires_in_s)
    return replace(display, frame=frame, received_s=now_s, life_s=life_s, highest=frame.sequence, heard=heard)


def darkened(display: Display) -> Display:
    """Return the memory after the word to go dark. What was shown before stays refused."""
    return replace(display, frame=None)


def showing(
    frame: Frame | None, now_s: float, received_s: float, life_s: float | None = None
) -> tuple[Page, ...]:
    """Return the pages to show in turn; none of them: the sign is dark.

    At the very end of its life a frame is past it, and a clock that went backwards proves nothing.
    """
    if frame is None:
        return ()
    life_s = float(frame.ttl_s) if life_s is None else min(life_s, float(frame.ttl_s))
    return frame.pages if 0 <= now_s - received_s < life_s else ()


def ends_s(display: Display) -> float:
    """Return when the frame that came last is past its life, whether it is shown still or not."""
    return display.received_s + display.life_s


def shown(display: Display, now_s: float) -> tuple[Page, ...]:
    """Return what the sign shows now."""
    return showing(display.frame, now_s, display.received_s, display.life_s)


def readback(display: Display, now_s: float, *, fits: bool) -> Readback:
    """Return what the sign says of itself; `fits`: whether what it should show can be seen whole on it."""
    frame = display.frame
    if fits and frame is not None and 0 <= now_s - display.received_s < display.life_s:
        return Readback(sequence=frame.sequence, state=frame.state, pages=frame.pages)
    seen = None if display.highest < 0 else display.highest
    return Readback(sequence=seen, state=None, faults=() if fits else (DOES_NOT_FIT,))


def page_at(pages: tuple[Page, ...], elapsed_s: float, page_s: float) -> Page | None:
    """Return the page whose turn it is `elapsed_s` after the first; each stands for `page_s` seconds."""
    if not pages:
        return None
    return pages[int(max(0.0, elapsed_s) // page_s) % len(pages)]

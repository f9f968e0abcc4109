"""How late a frame is, by the frames before it. Pure.

A sign does not believe what the publisher's clock says, for its own may be wrong by years. But both run equally fast:
of the frames that came lately, the one with the least between its issue and its receipt was the least time on the way,
and what another took more than that, it spent waiting somewhere: in a broker that stood still, or in a queue.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

REMEMBERED_S = 60.0
"""A publisher's clock that was set back makes every frame look late: a sign is dark for so long at most, or for two
ttls, within which frames come again several times.
"""


@dataclass(frozen=True, slots=True)
class Heard:
    """When frames came, by the sign's monotonic clock in seconds, and how far that is from their issue by the
    publisher's: those with less between than all that came after them, oldest first.
    """

    frames: tuple[tuple[float, float], ...] = ()

    def after(self, came_s: float, issued_at: datetime, remembered_s: float = REMEMBERED_S) -> Heard:
        """Return what is remembered once one more frame came. After a silence the last before it is all there is to
        compare with, however old."""
        between_s = came_s - issued_at.timestamp()
        young = [one for one in self.frames if one[0] > came_s - remembered_s] or self.frames[-1:]
        return Heard((*(one for one in young if one[1] < between_s), (came_s, between_s)))

    @property
    def late_s(self) -> float:
        """Seconds by which the frame that came last was longer on the way than the quickest."""
        return self.frames[-1][1] - self.frames[0][1] if self.frames else 0.0


NOTHING_HEARD = Heard()

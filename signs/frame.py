"""A frame: what a sign shows from its receipt on, and for how long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from occupancy.model import Sign, SignId, aware
from signs.words import FrameState, Mode

MULTIPLE = "mul"
NO_LANGUAGE = "zxx"
"""ISO 639-2 codes: a page in several languages (those of the area, in their order), and one in none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One picture of the sign; each line at most as wide as the sign."""

    language: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What one sign shows from now on, for `ttl_s` seconds and no longer. No pages: blank.

    `sequence` strictly grows per sign, so that an old frame played again is refused. `versions` names the
    feed version of each zone it was made from; what an operator has set was made from none.
    """

    sign_id: SignId
    sequence: int
    issued_at: datetime
    ttl_s: int
    state: FrameState
    pages: tuple[Page, ...]
    versions: Mapping[str, str] = field(default_factory=dict)
    mode: Mode = Mode.AUTO

    @property
    def content(self) -> tuple[Mode, FrameState, tuple[Page, ...]]:
        """What a passer-by sees, and on whose word; two frames with the same content differ only in time."""
        return self.mode, self.state, self.pages


def blank(
    sign: Sign,
    *,
    now: datetime,
    sequence: int,
    versions: Mapping[str, str] | None = None,
    mode: Mode = Mode.AUTO,
) -> Frame:
    """Return the frame that claims nothing."""
    return Frame(
        sign_id=sign.sign_id,
        sequence=sequence,
        issued_at=aware(now, "now"),
        ttl_s=sign.ttl_s,
        state=FrameState.UNKNOWN,
        pages=(),
        versions=dict(versions or {}),
        mode=mode,
    )

"""How an answer on history that somebody has kept is known to be what would be answered now."""

from __future__ import annotations

import hashlib
from importlib.metadata import version

from starlette.requests import Request

from api.surveyed import Agreements
from occupancy.history.hour import Scope
from occupancy.history.periods import Question
from store.history import Extent, HistoryReader

VARY = "Accept"
"""Besides the key, which the guard says."""
_CODE = version("baycast")


def cache_control(*, personal: bool) -> str:
    """Whoever keeps an answer asks first whether it still holds; nobody keeps small counts."""
    return "private, no-store" if personal else "private, no-cache"


async def tag_of(
    request: Request,
    history: HistoryReader,
    asked: Question,
    before: Question | None,
    extent: Extent,
    agreed: Agreements,
    *,
    registry_mark: str,
    least_coverage: float,
    personal: bool,
) -> str | None:
    """The tag of all that the figures of final periods depend on; None: some of what is asked for is provisional.

    A weak one: `as_of` and `final_to` go on, which makes no figure another. Raises `LOST`.
    """
    stretches = [one for one in (asked, before) if one is not None]
    if extent.final_to is None or max(one.end for one in stretches) > extent.final_to:
        return None
    parts = (
        _CODE,
        request.app.version,
        request.url.path,
        request.url.query,
        request.headers.get("accept", ""),
        [await history.mark(asked.area, one.start, one.end) for one in stretches],
        registry_mark,
        least_coverage,
        personal,
        sorted(agreed[asked.scope].items()),
        agreed[Scope.AREA].get(asked.area),
    )
    return f'W/"{hashlib.sha256(repr(parts).encode()).hexdigest()[:24]}"'

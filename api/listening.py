"""Who may open the live feed, and for what: origin and subscription, for WebSockets as for event streams."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import parse_qsl, urlsplit

from pydantic import ValidationError

from api import metrics
from api.errors import Problem, not_found, parameter_problem
from api.hub import HubFullError, Listener
from api.live import Live
from api.params import Listen
from api.selection import Selection


def listen_of(query: str) -> Listen:
    """Read the parameters of a subscription. Raises `Problem`."""
    pairs: Sequence[tuple[str, str]] = parse_qsl(query, keep_blank_values=True)
    if len({name for name, _ in pairs}) != len(pairs):
        raise Problem(400, "repeated-parameter", "A parameter is given more than once.")
    try:
        return Listen.model_validate(dict(pairs))
    except ValidationError as error:
        raise parameter_problem(error.errors(), "/v1/live") from None


def check_origin(headers: Mapping[str, str], allowed: frozenset[str]) -> None:
    """Refuse pages of other hosts: a browser opens WebSockets across origins without asking (CORS is not asked).

    Raises `Problem`.
    """
    origin = headers.get("origin")
    if origin is None or origin in allowed:
        return
    with contextlib.suppress(ValueError):  # what is no URL is nobody's origin
        if urlsplit(origin).netloc == headers.get("host", ""):
            return
    metrics.REFUSED.labels("origin").inc()
    raise Problem(403, "origin", "Pages of this origin may not open the live feed.")


def check_areas(live: Live, selection: Selection) -> None:
    """Raises `Problem` for an area that is not there."""
    for area_id in sorted(selection.areas or ()):
        if area_id not in live.board.areas:
            raise not_found("area", area_id)


def join(live: Live, query: Listen, wake: Callable[[], None], cut: Callable[[], None]) -> Listener:
    """Join the hub. Raises `Problem`."""
    check_areas(live, query.selection)
    try:
        return live.hub.join(query.selection, wake, cut, query.since)
    except HubFullError:
        metrics.REFUSED.labels("full").inc()
        told = "There are as many listeners as this server takes."
        raise Problem(503, "too-many-listeners", told, {"Retry-After": "10"}) from None

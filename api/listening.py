"""Who may open the live feed, and for what: origin and subscription, for WebSockets as for event streams."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated
from urllib.parse import parse_qsl, urlsplit

import msgspec
from pydantic import ValidationError
from websockets.http11 import Request

from api import metrics
from api.errors import Problem, body_of, not_found, parameter_problem
from api.hub import Listener
from api.live import Live
from api.live_params import ListenBySocket, Subscribe
from api.live_socket import LiveSocket
from api.params import Listen
from api.seats import AddressFullError, FullError
from api.selection import Selection
from api.snapshot import encode


def listen_of(query: str) -> ListenBySocket:
    """Read the parameters of a subscription. Raises `Problem`."""
    pairs: Sequence[tuple[str, str]] = parse_qsl(query, keep_blank_values=True)
    if len({name for name, _ in pairs}) != len(pairs):
        raise Problem(400, "repeated-parameter", "A parameter is given more than once.")
    try:
        return ListenBySocket.model_validate(dict(pairs))
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


def asker_of(live: Live, socket: LiveSocket, handshake: Request) -> str:
    """The address that a WebSocket counts for."""
    return live.proxies.asker(socket.peer, handshake.headers.get_all("X-Forwarded-For"))


def check_areas(live: Live, selection: Selection) -> None:
    """Raises `Problem` for an area that is not there."""
    for area_id in sorted(selection.areas or ()):
        if area_id not in live.board.areas:
            raise not_found("area", area_id)


def join(
    live: Live, query: Listen, wake: Callable[[], None], cut: Callable[[], None], address: str
) -> Listener:
    """Join the hub. Raises `Problem`."""
    check_areas(live, query.selection)
    with seated():
        return live.hub.join(query.selection, wake, cut, query.since, address)


@contextlib.contextmanager
def seated() -> Iterator[None]:
    """Say so to whoever gets no seat. Raises `Problem`."""
    try:
        yield
    except AddressFullError:
        metrics.REFUSED.labels("address").inc()
        told = "There are as many listeners from your address as this server takes."
        raise Problem(429, "too-many-from-address", told, {"Retry-After": "10"}) from None
    except FullError:
        metrics.REFUSED.labels("full").inc()
        told = "There are as many listeners as this server takes."
        raise Problem(503, "too-many-listeners", told, {"Retry-After": "10"}) from None


def hear(live: Live, listener: Listener, text: bytes) -> bytes | None:
    """Do what a message of a listener asks for; return the message to answer with when it cannot be done."""
    try:
        try:
            asked = Subscribe.model_validate_json(text, strict=True)
        except ValidationError as error:
            raise _message_problem(error) from None
        check_areas(live, asked.selection)
    except Problem as problem:
        return b'{"type":"problem","id":%s,"problem":%s}' % (encode(_name_of(text)), body_of(problem))
    live.hub.turn(listener, asked.selection, asked.id)
    return None


def _name_of(text: bytes) -> str | None:
    """What the listener calls a message that is none of ours, where it can be told."""
    try:
        return msgspec.json.decode(text, type=_Named).id
    except (msgspec.MsgspecError, RecursionError):
        return None


class _Named(msgspec.Struct):
    id: Annotated[str, msgspec.Meta(max_length=64)] | None = None


def _message_problem(error: ValidationError) -> Problem:
    first = error.errors()[0]
    if not first["loc"]:
        told = 'A message is a JSON object, as {"type": "subscribe", "zones": "castle-street"}.'
        return Problem(422, "invalid-message", told)
    return parameter_problem([first], "/v1/live", "WS")

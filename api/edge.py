"""What every request and response passes: bounds, HEAD, preflight, headers, counting, and the last catch."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, MutableMapping
from typing import Any
from urllib.parse import unquote_plus

from starlette.datastructures import Headers, MutableHeaders
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import metrics
from api.access import CALLER
from api.asks import accepted
from api.errors import Problem, response
from api.kept import KEEP, Kept, KeptAnswers
from api.policy import POLICIES, Audience, Policy

_log = logging.getLogger("baycast.api")
QUERY_MAX_BYTES = 4096
HEADERS_MAX_BYTES = 32 * 1024
BODY_MAX_BYTES = Policy(Audience.PUBLIC).body_max_bytes
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_BODYLESS = ("GET", "HEAD", "OPTIONS")
"""Whose bodies nobody reads."""
ABORT = "baycast.abort"
"""Scope key: a function that drops the connection at once, where the server lets us."""
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"
_PREFLIGHT = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, HEAD",
    "Access-Control-Allow-Headers": "If-None-Match, Last-Event-ID",
    "Access-Control-Max-Age": "86400",
}


class Edge:
    """Outermost of our own: a pure ASGI middleware."""

    def __init__(self, app: ASGIApp, answers: KeptAnswers) -> None:
        self._app = app
        self._answers = answers
        self._public: list[re.Pattern[str]] = [
            compile_path(path)[0]
            for (method, path), policy in POLICIES.items()
            if method == "GET" and policy.audience is Audience.PUBLIC
        ]
        self._larger: list[tuple[str, re.Pattern[str], int]] = [
            (method, compile_path(path)[0], policy.body_max_bytes)
            for (method, path), policy in POLICIES.items()
            if policy.body_max_bytes > BODY_MAX_BYTES
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # HEAD is GET without its body. The server's own scope stays as it is: the server judges our answer by it.
        asked = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
        reply = _Reply(asked, send, self._answers, bodyless=asked is not scope)
        try:
            problem = _refusal(scope, self._body_max_bytes(scope))
            if problem is not None:
                await response(problem)(scope, receive, reply.send)
            elif scope["method"] == "OPTIONS" and any(path.match(scope["path"]) for path in self._public):
                await reply.send({"type": "http.response.start", "status": 204, "headers": _raw(_PREFLIGHT)})
                await reply.send({"type": "http.response.body", "body": b""})
            else:
                await self._app(asked, receive, reply.send)
        except Exception:
            _log.exception("a request failed")
            if reply.status is not None:
                raise
            await response(Problem(500, "internal", "This is our fault, and it has been noted."))(
                scope, receive, reply.send
            )
        finally:
            if reply.status is not None:
                metrics.REQUESTS.labels(_route(asked), str(reply.status)).inc()

    def _body_max_bytes(self, scope: Scope) -> int:
        """By the route, which nobody has looked for yet."""
        for method, path, most in self._larger:
            if scope["method"] == method and path.match(scope["path"]):
                return most
        return BODY_MAX_BYTES


class _Reply:
    """The response on its way out."""

    def __init__(self, scope: Scope, send: Send, answers: KeptAnswers, *, bodyless: bool) -> None:
        self._scope = scope
        self._send = send
        self._answers = answers
        self._bodyless = bodyless
        self._start: Message | None = None
        """The beginning of an answer that is to be kept, until its body is here."""
        self.status: int | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(raw=list(message.get("headers", ())))
            self._dress(headers)
            message = {**message, "headers": headers.raw}
            if KEEP in self._scope and CALLER not in self._scope and self.status == 200:
                self._start = message
                return
        elif self._start is not None:
            start, self._start = self._start, None
            start, message = self._kept(start, message["body"])
            self.status = start["status"]
            await self._send(start)
        if message["type"] == "http.response.body" and self._bodyless:
            message = {**message, "body": b""}
        await self._send(message)

    def _kept(self, start: Message, body: bytes) -> tuple[Message, Message]:
        """Keep an answer for those who will ask the same; the one who asked gets it as they will."""
        kept = Kept(_route(self._scope), self._scope[KEEP], start["headers"], body)
        query = self._scope["query_string"]
        self._answers.keep(self._scope["raw_path"] + (b"?" + query if query else b""), kept)
        asked = Headers(raw=self._scope["headers"])
        codings = accepted(asked.get("accept-encoding", ""))
        status, headers, coded = kept.said(codings, asked.get("if-none-match", ""))
        return (
            {**start, "status": status, "headers": list(headers)},
            {"type": "http.response.body", "body": coded},
        )

    def _dress(self, headers: MutableHeaders) -> None:
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("Referrer-Policy", "no-referrer")
        headers.setdefault("Content-Security-Policy", _DATA_POLICY)
        policy = POLICIES.get(("GET", _route(self._scope)))
        if policy is not None and policy.audience is Audience.PUBLIC and CALLER not in self._scope:
            headers.setdefault("Access-Control-Allow-Origin", "*")
            headers.setdefault("Access-Control-Expose-Headers", "ETag")


def _route(scope: MutableMapping[str, Any]) -> str:
    """Return the path template: a path as asked for would make as many labels as there are typing errors."""
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else "none"


def _refusal(scope: Scope, body_max_bytes: int) -> Problem | None:
    query: bytes = scope.get("query_string", b"")
    if len(query) > QUERY_MAX_BYTES:
        return Problem(414, "query-too-long", f"The query is longer than {QUERY_MAX_BYTES} bytes.")
    names = [unquote_plus(part.partition("=")[0]) for part in query.decode("latin-1").split("&") if part]
    if len(set(names)) != len(names):
        return Problem(400, "repeated-parameter", "A parameter is given more than once.")
    if sum(len(name) + len(value) for name, value in scope["headers"]) > HEADERS_MAX_BYTES:
        return Problem(431, "headers-too-large", f"The headers are longer than {HEADERS_MAX_BYTES} bytes.")
    hidden = _hidden(scope["path"], query)
    if hidden is not None:
        told = f"{hidden} holds a control character, which nothing here has."
        return Problem(400, "control-character", told, parameter=hidden)
    for name, value in scope["headers"]:
        if name == b"transfer-encoding" and scope["method"] not in _BODYLESS:
            return Problem(411, "length-required", "A body says how long it is, with Content-Length.")
        if name == b"content-length" and (not value.isdigit() or int(value[:12]) > body_max_bytes):
            return Problem(413, "body-too-large", f"A body has at most {body_max_bytes} bytes.")
    return None


def _hidden(path: str, query: bytes) -> str | None:
    """Where a control character is that no id, word or time has, and no database looks for: `the path`, or the name of
    the parameter; None: nowhere."""
    if _CONTROL.search(path):
        return "the path"
    for part in query.decode("latin-1").split("&"):
        name, _, value = part.partition("=")
        if _CONTROL.search(unquote_plus(name)):
            return "the name of a parameter"
        if _CONTROL.search(unquote_plus(value)):
            return unquote_plus(name)
    return None


def _raw(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


def abort_of(send: Send) -> Callable[[], None] | None:
    """Return how to drop this connection without waiting for its buffers.

    ASGI has no word for it; uvicorn's `send` is a method of the object that holds the transport. Behind any
    other server there is none, and a slow reader's buffers stay until the kernel gives up on it.
    """
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    abort = getattr(transport, "abort", None)
    return abort if callable(abort) else None

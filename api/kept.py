"""Answers that are ready to send: rendered once by the framework, then served as bytes in front of it. No I/O.

An answer is kept under its target (path and query as asked for) with the stamp of the board that it was made from,
and is good for as long as the board has that stamp. What is asked first after a change goes through the framework.
"""

from __future__ import annotations

import gzip
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

import zstandard

from api.asks import CODINGS, Ask, ask_of

KEEP = "baycast.keep"
"""Scope key: the stamp of the board that the answer is made from, and from nothing else."""
KEPT_MAX_BYTES = 64 * 1024 * 1024
"""Of bodies before compression. Beyond it the answer unused for longest goes."""
ASKS_MAX = 4096
ASK_MAX_BYTES = 2048
COMPRESSED_FROM_BYTES = 1024
"""A smaller body gains nothing: it fits one packet as it is."""
_CODED_ANEW = (b"etag", b"content-length", b"content-encoding", b"vary")

Headers = Sequence[tuple[bytes, bytes]]


@dataclass(slots=True)
class Kept:
    """One answer, in the codings it was asked for so far."""

    route: str
    stamp: int
    headers: Headers
    """As the framework made them."""
    body: bytes
    _wires: dict[tuple[str, int], bytes] = field(default_factory=dict)
    _bodies: dict[str, bytes] = field(default_factory=dict)

    def said(self, codings: frozenset[str], known: str) -> tuple[int, Headers, bytes]:
        """Return status, headers and body for somebody who takes these codings and has what `known` says."""
        status, coding = self._choice(codings, known)
        body = self._coded(coding) if status == 200 else b""
        return status, self._headers(coding, body if status == 200 else None), body

    def wire(self, codings: frozenset[str], known: str) -> tuple[int, bytes]:
        """Return the status, and the response from its first header on."""
        status, coding = self._choice(codings, known)
        found = self._wires.get((coding, status))
        if found is None:
            _, headers, body = self.said(codings, known)
            lines = b"".join(b"%s: %s\r\n" % (name, value) for name, value in headers)
            found = self._wires[coding, status] = lines + b"\r\n" + body
        return status, found

    def _choice(self, codings: frozenset[str], known: str) -> tuple[int, str]:
        """304 for who has it in any coding, else 200 in the best that is taken."""
        if known:
            names = [name.strip().removeprefix("W/") for name in known.split(",")]
            for coding in ("", *CODINGS):
                if self._tag(coding).decode("latin-1") in names:
                    return 304, coding
            if "*" in names:
                return 304, ""
        if len(self.body) < COMPRESSED_FROM_BYTES:
            return 200, ""
        return 200, next((coding for coding in CODINGS if coding in codings), "")

    def _tag(self, coding: str) -> bytes:
        """A strong tag names bytes: each coding has its own."""
        tag = next(value for name, value in self.headers if name == b"etag")
        return tag[:-1] + b"-" + coding.encode() + b'"' if coding else tag

    def _coded(self, coding: str) -> bytes:
        found = self._bodies.get(coding)
        if found is None:
            found = self._bodies[coding] = _compressed(self.body, coding)
        return found

    def _headers(self, coding: str, body: bytes | None) -> Headers:
        headers = [one for one in self.headers if one[0] not in _CODED_ANEW]
        headers += [(b"etag", self._tag(coding)), (b"vary", b"Accept-Encoding")]
        if body is None:
            return [one for one in headers if one[0] != b"content-type"]
        headers.append((b"content-length", b"%d" % len(body)))
        return [*headers, (b"content-encoding", coding.encode())] if coding else headers


class KeptAnswers:
    """Owns the kept answers of one process."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, Kept] = OrderedDict()
        self._bytes = 0
        self.given = 0
        """Requests answered so far."""
        self._asks: dict[bytes, Ask | None] = {}

    def keep(self, target: bytes, kept: Kept) -> None:
        """Keep an answer in place of an older one to the same question."""
        self._drop(target)
        self._kept[target] = kept
        self._bytes += len(kept.body)
        while self._bytes > KEPT_MAX_BYTES:
            self._drop(next(iter(self._kept)))

    def answer(self, data: bytes, stamp: int) -> tuple[str, int, bytes] | None:
        """Return route, status and the response from its first header on, for one whole request.

        None: the framework is to be asked.
        """
        ask = self._ask(data)
        if ask is None:
            return None
        kept = self._kept.get(ask.target)
        if kept is None:
            return None
        if kept.stamp != stamp:
            self._drop(ask.target)
            return None
        self._kept.move_to_end(ask.target)
        self.given += 1
        return kept.route, *kept.wire(ask.codings, ask.known)

    def _ask(self, data: bytes) -> Ask | None:
        """The requests of one client are the same bytes over and over: each is parsed once."""
        if len(data) > ASK_MAX_BYTES:
            return None
        if data in self._asks:
            return self._asks[data]
        if len(self._asks) >= ASKS_MAX:
            self._asks.clear()
        found = self._asks[data] = ask_of(data)
        return found

    def _drop(self, target: bytes) -> None:
        found = self._kept.pop(target, None)
        if found is not None:
            self._bytes -= len(found.body)


def _compressed(body: bytes, coding: str) -> bytes:
    if coding == "zstd":
        return zstandard.ZstdCompressor(level=9).compress(body)
    return gzip.compress(body, 6, mtime=0) if coding == "gzip" else body

"""Requests that may be answered with bytes that are ready: read from what came over the wire. No I/O."""

from __future__ import annotations

from dataclasses import dataclass

import httptools

CODINGS = ("zstd", "gzip")
"""The better first."""
_ONCE = (b"accept-encoding", b"if-none-match", b"host")
_FRAMEWORKS = (b"authorization", b"content-length", b"expect", b"range", b"transfer-encoding", b"upgrade")
"""Headers that the framework looks into."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What a GET asks for, in which of `CODINGS`, and what the asker has already (`If-None-Match`)."""

    target: bytes
    codings: frozenset[str]
    known: str


def ask_of(data: bytes) -> Ask | None:
    """Read the bytes of exactly one plain GET over a connection that stays; None for everything else."""
    found = _Found()
    try:
        found.parser.feed_data(data)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade):
        return None
    if found.begun != 1 or not found.plain:
        return None
    named: dict[bytes, bytes] = {}
    for raw_name, value in found.headers:
        name = raw_name.lower()
        if name in _FRAMEWORKS or (name in named and name in _ONCE):
            return None
        named[name] = value
    text = {name: named.get(name, b"").decode("latin-1") for name in _ONCE}
    return Ask(found.target, accepted(text[b"accept-encoding"]), text[b"if-none-match"].strip())


def accepted(value: str) -> frozenset[str]:
    """Return which of our codings an `Accept-Encoding` names without the weight 0."""
    parts = [part.partition(";") for part in value.lower().replace(" ", "").split(",")]
    return frozenset(name for name, _, weight in parts if name in CODINGS and weight.rstrip("0.") != "q=")


class _Found:
    """What the parser tells of."""

    def __init__(self) -> None:
        self.parser = httptools.HttpRequestParser(self)
        self.target = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.begun = 0
        self.plain = False
        """The request is complete, and the connection stays."""

    def on_message_begin(self) -> None:
        self.begun += 1

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_message_complete(self) -> None:
        parser = self.parser
        same = parser.get_method() == b"GET" and parser.get_http_version() == "1.1"
        self.plain = same and parser.should_keep_alive()

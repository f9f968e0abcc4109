"""What a listener is told, encoded once for everybody who is told the same."""

from __future__ import annotations

from functools import cached_property

from websockets.frames import Frame, Opcode


class Said:
    """A message as JSON, and the version that it says."""

    def __init__(self, text: bytes, version: str) -> None:
        self.text = text
        self.version = version

    @cached_property
    def frame(self) -> bytes:
        """As a WebSocket frame. A server's frames are not masked, so they are the same for everybody."""
        return Frame(Opcode.TEXT, self.text).serialize(mask=False)

    @cached_property
    def event(self) -> bytes:
        """As a server-sent event."""
        return b"id: %s\ndata: %s\n\n" % (self.version.encode(), self.text)

"""What a listener is told, encoded once for everybody who is told the same."""

from __future__ import annotations

from functools import cached_property

from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode


class Said:
    """A message as JSON, and the version that it says."""

    def __init__(self, text: bytes, version: str) -> None:
        self.text = text
        self.version = version
        self._deflated: dict[int, bytes] = {}

    @cached_property
    def frame(self) -> bytes:
        """As a WebSocket frame. A server's frames are not masked, so they are the same for everybody."""
        return Frame(Opcode.TEXT, self.text).serialize(mask=False)

    def deflated(self, window_bits: int) -> bytes:
        """As a compressed WebSocket frame. No frame leans on those before it, so that it is everybody's, too."""
        found = self._deflated.get(window_bits)
        if found is None:
            coding = PerMessageDeflate(True, True, 15, window_bits)
            found = Frame(Opcode.TEXT, self.text).serialize(mask=False, extensions=[coding])
            self._deflated[window_bits] = found
        return found

    @cached_property
    def event(self) -> bytes:
        """As a server-sent event."""
        return b"id: %s\ndata: %s\n\n" % (self.version.encode(), self.text)

"""What the messages of the live feed say: `docs/asyncapi.yaml`, rendered. No I/O."""

from __future__ import annotations

from collections.abc import Iterable

from api.board import Board
from api.listener import Turned, Why
from api.said import Said
from api.selection import Selection
from api.snapshot import encode
from occupancy.answers import instant
from occupancy.model import ZoneId


class Teller:
    """Renders messages from the board as it is now."""

    def __init__(self, board: Board) -> None:
        self._board = board

    def snapshot(self, selection: Selection, zones: Iterable[ZoneId], why: Why) -> Said:
        """Everything that was asked for."""
        more: dict[str, object] = {"reset": why is not Why.FIRST, "reason": why.value}
        return self._zones("snapshot", selection, zones, more)

    def delta(self, selection: Selection, zones: Iterable[ZoneId], prev: str | None) -> Said:
        """Zones that changed after `prev`, whole."""
        return self._zones("delta", selection, zones, {"prev": prev})

    def heartbeat(self, selection: Selection) -> Said:
        """Nothing changed."""
        head = self._head("heartbeat", selection, {})
        return Said(encode(head), str(head["version"]))

    def subscribed(self, turned: Turned, version: str) -> Said:
        """A change of subscription holds from here on; what it brings comes next."""
        told = {"type": "subscribed", "id": turned.name, "gone": sorted(turned.gone)}
        return Said(encode(told), version)

    def _zones(
        self, kind: str, selection: Selection, zones: Iterable[ZoneId], more: dict[str, object]
    ) -> Said:
        head = self._head(kind, selection, more)
        parts = b",".join(self._board.zone_bytes(zone_id, selection.view) for zone_id in sorted(zones))
        return Said(encode(head)[:-1] + b',"zones":[' + parts + b"]}", str(head["version"]))

    def _head(self, kind: str, selection: Selection, more: dict[str, object]) -> dict[str, object]:
        return {
            "type": kind,
            **more,
            "version": self._board.token(selection.areas, selection.view),
            "as_of": instant(self._board.as_of(selection.areas)),
            "stale": self._board.stale(selection.areas),
        }

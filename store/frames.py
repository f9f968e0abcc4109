"""The record of the frames sent to signs (asyncpg): a record, never rebuilt.

Of each run of the same content the first and the newest frame are kept (and one more per hour), so that the
table says from when to when a sign was told what, and grows with what changes rather than with the ttl.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from occupancy.model import LegendId, SignId
from signs.document import pages_document
from signs.frame import Frame, Page
from signs.words import FrameState, Mode
from store.queries import sql

# InternalClientError is what asyncpg says when the server's goodbye meets a question of ours on the wire.
LOST = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""What a method here raises when the database cannot answer."""
_LOCK = 0x7075_626C  # "publ"
_IDLE_MAX_S = 10
"""The database ends a session that asked nothing for so long: neither a process that stands still nor a host that is
gone keeps the signs from those who stand by. Whoever drives them asks twice a second.
"""


@dataclass(frozen=True, slots=True)
class Sent:
    """A frame to record; `replaces` is the sequence of an earlier re-send of the same content, or None."""

    frame: Frame
    replaces: int | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the record knows of a sign: its highest sequence, and the word that sensors had it say last.

    `said` None: none within a day before. `age_s`: how long ago the newest frame with it was recorded.
    """

    sequence: int
    said: FrameState | None = None
    age_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Operated:
    """What an operator has set for a sign, and what holds still; never `Mode.AUTO`."""

    mode: Mode
    legend_id: LegendId | None = None


class FrameLog:
    """One connection, opened when first needed and again after it was lost. Use from one task at a time.

    One process holds the record and drives the signs. Whatever else is asked is asked of the session that holds it: who
    has lost it neither reads nor writes before `hold` says that it is his again.
    """

    def __init__(self, url: str, *, timeout_s: float = 3.0) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._connection: Any = None
        self._holds = False
        self._held_s = float("-inf")

    @property
    def in_hand(self) -> bool:
        """Whether this process drives the signs. One that has stood still for so long that the database has given them
        to another does not know it any more.
        """
        return self._holds and time.monotonic() - self._held_s <= _IDLE_MAX_S

    async def __aenter__(self) -> FrameLog:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.drop()

    async def hold(self) -> bool:
        """Return whether this session is the one that drives the signs; it stays so until it is lost. Raises `LOST`."""
        if self._holds and not self.in_hand:
            await self.drop()
        if self._connection is None or self._connection.is_closed():
            self._holds = False
            self._connection = await asyncpg.connect(
                self._url,
                timeout=self._timeout_s,
                command_timeout=self._timeout_s,
                server_settings={
                    "application_name": "baycast frames",
                    "timezone": "UTC",
                    "idle_session_timeout": f"{_IDLE_MAX_S}s",
                },
            )
        if not self._holds:
            self._holds = await self._connection.fetchval(sql("frames.try_lock"), _LOCK)
        self._held_s = time.monotonic()
        return self._holds

    async def highest(self, sign_ids: Iterable[SignId]) -> dict[SignId, Recorded]:
        """Return what is recorded of each sign, nothing for a sign without frames. Raises `LOST`."""
        rows = await self._held().fetch(sql("frames.highest"), list(sign_ids))
        return {
            SignId(row["sign_id"]): Recorded(row["sequence"])
            if row["state"] is None
            else Recorded(row["sequence"], FrameState(row["state"]), row["age_s"])
            for row in rows
        }

    async def modes(self) -> dict[SignId, Operated]:
        """Return what operators have set and what has not expired. Raises `LOST`."""
        rows = await self._held().fetch(sql("frames.modes"))
        return {
            SignId(row["sign_id"]): Operated(
                Mode(row["mode"]), None if row["legend_id"] is None else LegendId(row["legend_id"])
            )
            for row in rows
        }

    async def record(self, sent: Sequence[Sent]) -> None:
        """Record the frames, all or none. Raises `LOST`, also for a sequence that the record already has."""
        await self._held().executemany(sql("frames.record"), [_values(each) for each in sent])

    async def drop(self) -> None:
        """Close the connection, and let go of the record; `hold` opens a new one."""
        connection, self._connection = self._connection, None
        if connection is not None and not connection.is_closed():
            with contextlib.suppress(*LOST):
                await connection.close(timeout=1)

    def _held(self) -> Any:
        if self._connection is None or self._connection.is_closed() or not self._holds:
            raise ConnectionError("the session that holds the record of frames is gone")
        return self._connection


def _values(sent: Sent) -> tuple[object, ...]:
    frame = sent.frame
    return (
        frame.sign_id,
        frame.sequence,
        frame.issued_at,
        frame.ttl_s,
        frame.state.value,
        pages_text(frame.pages),
        json.dumps(dict(frame.versions)),
        frame.mode.value,
        sent.replaces,
    )


def pages_text(pages: Sequence[Page]) -> str:
    """Return pages as they stand in a jsonb column."""
    return json.dumps(pages_document(pages), ensure_ascii=False)


def pages_of(text: str) -> tuple[Page, ...]:
    """Return the pages of a jsonb column."""
    return tuple(Page(language=page["language"], lines=tuple(page["lines"])) for page in json.loads(text))


def frame_of(row: Mapping[str, Any]) -> Frame:
    """Return a row of `frames.newer` as a frame."""
    return Frame(
        sign_id=SignId(row["sign_id"]),
        sequence=row["sequence"],
        issued_at=row["issued_at"],
        ttl_s=row["ttl_s"],
        state=FrameState(row["state"]),
        pages=pages_of(row["pages"]),
        versions=json.loads(row["versions"]),
        mode=Mode(row["mode"]),
    )

"""What a sign says it shows, and whether that is what it was told. Pure.

A sign that shows nothing is never wrong (L6): at worst it is `dark` while a frame would light it. What it shows must be
a frame that was sent to it, within that frame's ttl.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from signs.document import MAX_SEQUENCE, FrameError, instant_of, pages_document, pages_of, whole
from signs.frame import Frame, Page
from signs.text import columns
from signs.words import FrameState

MAX_DOCUMENT_BYTES = 16 * 1024
FAULTS_MAX = 16
FAULT = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
TOLERANCE = timedelta(seconds=2)
"""What the way from the sign may take: a report this long after the end of a frame's ttl may have been true."""


class ReadbackError(ValueError):
    """A document that does not say what a sign shows; the text says which field and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Readback:
    """What a sign says it shows. `state` None: it is dark, for want of a frame; UNKNOWN: its frame claims nothing.

    `sequence` is that of the frame it shows, None only when it is dark. `pages` None: it does not say. `at` is by the
    sign's own clock, which proves nothing. `faults` are the sign's own words for what is broken in it.
    """

    sequence: int | None
    state: FrameState | None
    pages: tuple[Page, ...] | None = None
    at: datetime | None = None
    faults: tuple[str, ...] = ()


class Verdict(StrEnum):
    """What a readback means."""

    AGREES = "agrees"
    DARK = "dark"
    """It shows nothing while its newest frame has words and lives."""
    EXPIRED = "expired"
    """It shows a frame past its ttl."""
    UNSENT = "unsent"
    """It shows what it was not told."""

    @property
    def is_wrong(self) -> bool:
        """Whether passers-by may read what is not so."""
        return self in (Verdict.EXPIRED, Verdict.UNSENT)


def judge(told: Readback, frame: Frame | None, newest: Frame | None, *, now: datetime) -> Verdict:
    """Hold a readback against the record.

    `frame` is the recorded frame with its sequence, or else the last before it: of a run of the same content only the
    first and the newest stay on record. `newest` is the newest frame sent to this sign.
    """
    if not _is_lit(told, frame):
        lives = newest is not None and bool(newest.pages) and now < newest.issued_at + _life(newest)
        return Verdict.DARK if lives else Verdict.AGREES
    if frame is None or newest is None or told.sequence is None or told.sequence > newest.sequence:
        return Verdict.UNSENT
    if told.state is not frame.state or told.pages not in (None, frame.pages):
        return Verdict.UNSENT
    # No sequence is below the milliseconds of the time at which it was given.
    made_at = frame.issued_at if told.sequence == frame.sequence else _time_of(told.sequence)
    return Verdict.EXPIRED if now > made_at + _life(frame) + TOLERANCE else Verdict.AGREES


def _is_lit(told: Readback, frame: Frame | None) -> bool:
    """Whether a passer-by sees any words. A frame may have words and claim nothing: an operator's."""
    if told.state is None:
        return False
    if told.pages is not None:
        return bool(told.pages)
    if told.state is not FrameState.UNKNOWN:
        return True
    return frame is not None and frame.state is FrameState.UNKNOWN and bool(frame.pages)


def _life(frame: Frame) -> timedelta:
    return timedelta(seconds=frame.ttl_s)


def _time_of(sequence: int) -> datetime:
    latest = datetime(9000, 1, 1, tzinfo=UTC)
    return datetime.fromtimestamp(min(sequence / 1000, latest.timestamp()), UTC)


def document(told: Readback) -> dict[str, object]:
    """Return the readback as JSON-ready values."""
    said: dict[str, object] = {"sequence": told.sequence}
    said |= {"dark": True} if told.state is None else {"state": told.state.value}
    if told.pages is not None:
        said["pages"] = pages_document(told.pages)
    if told.at is not None:
        said["at"] = told.at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if told.faults:
        said["faults"] = list(told.faults)
    return said


def parse(payload: bytes) -> Readback:
    """Return the readback in a payload, or raise `ReadbackError`. Any bytes may come; unknown fields are ignored."""
    if len(payload) > MAX_DOCUMENT_BYTES:
        raise ReadbackError(f"{len(payload)} bytes; at most {MAX_DOCUMENT_BYTES} are read")
    try:
        doc = json.loads(payload)
    except (ValueError, RecursionError):
        raise ReadbackError("not a JSON document") from None
    if not isinstance(doc, dict):
        raise ReadbackError("not a JSON object")
    dark = doc.get("dark", False)
    if not isinstance(dark, bool):
        raise ReadbackError("dark: true or false is needed")
    if dark == ("state" in doc):
        raise ReadbackError('state: a sign says either its "state" or "dark": true')
    try:
        state = None if dark else FrameState(doc["state"])
        sequence = None
        if not dark or doc.get("sequence") is not None:
            sequence = whole(doc, "sequence", 0, MAX_SEQUENCE)
        pages = None if doc.get("pages") is None else _pages(doc)
        at = None if doc.get("at") is None else instant_of(doc, "at")
    except FrameError as problem:
        raise ReadbackError(str(problem)) from None
    except (ValueError, TypeError):
        raise ReadbackError(f"state: not one of {', '.join(FrameState)}") from None
    told = Readback(sequence=sequence, state=state, pages=pages, at=at, faults=_faults(doc.get("faults")))
    if pages and dark:
        raise ReadbackError("pages: a sign that is dark shows none")
    return told


def _pages(doc: Mapping[str, object]) -> tuple[Page, ...]:
    pages = pages_of(doc)
    texts = [text for page in pages for text in (page.language, *page.lines)]
    if any(columns(text) is None for text in texts):
        raise FrameError("pages: a character that no sign can show")
    return pages


def _faults(listed: object) -> tuple[str, ...]:
    if listed is None:
        return ()
    if not isinstance(listed, list) or len(listed) > FAULTS_MAX:
        raise ReadbackError(f"faults: a list of at most {FAULTS_MAX} is needed")
    if not all(isinstance(fault, str) and FAULT.fullmatch(fault) for fault in listed):
        raise ReadbackError("faults: each is a word of a-z 0-9 _ . - with at most 64 characters")
    return tuple(listed)

"""A frame as a JSON document and back: what travels to the sign, and what the sign believes of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from occupancy.model import SignId, aware
from signs.frame import Frame, Page
from signs.words import FrameState, Mode

MAX_DOCUMENT_BYTES = 16 * 1024
"""A sign has little memory; a frame that is larger is not ours (L8)."""


MAX_TTL_S = 86_400
MAX_SEQUENCE = 2**63 - 1
"""What a frame may say at most: beyond it a sign would never go dark, or never believe a frame again."""


class FrameError(ValueError):
    """A document that is not a frame; the text says which field and why. A sign stays as it was."""


def document(frame: Frame) -> dict[str, object]:
    """Return the frame as JSON-ready values."""
    return {
        "sign_id": frame.sign_id,
        "sequence": frame.sequence,
        "issued_at": aware(frame.issued_at, "issued_at").astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "ttl_s": frame.ttl_s,
        "state": frame.state.value,
        **({} if frame.mode is Mode.AUTO else {"mode": frame.mode.value}),
        "pages": pages_document(frame.pages),
        "versions": dict(frame.versions),
    }


def pages_document(pages: Sequence[Page]) -> list[dict[str, object]]:
    """Return pages as JSON-ready values."""
    return [{"language": page.language, "lines": list(page.lines)} for page in pages]


def encode(frame: Frame) -> bytes:
    """Return the frame as UTF-8 JSON."""
    return json.dumps(document(frame), ensure_ascii=False, separators=(",", ":")).encode()


def whole(doc: Mapping[str, object], name: str, least: int, most: int) -> int:
    """Return a field that is a whole number within bounds. Raises `FrameError`."""
    value = doc.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise FrameError(f"{name}: a whole number from {least} to {most} is needed, not {value!r:.40}")
    return value


def _text(doc: Mapping[str, object], name: str) -> str:
    value = doc.get(name)
    if not isinstance(value, str):
        raise FrameError(f"{name}: a text is needed, not {value!r:.40}")
    return value


def instant_of(doc: Mapping[str, object], name: str) -> datetime:
    """Return a field that is a time with an offset, in UTC. Raises `FrameError`."""
    text = _text(doc, name)
    try:
        at = datetime.fromisoformat(text)
        utc = at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise FrameError(f"{name}: not a time: {text!r:.40}") from None
    if at.tzinfo is None:
        raise FrameError(f"{name}: a time without an offset")
    return utc


def _mode(value: object) -> Mode:
    try:
        return Mode(str(value))
    except ValueError:
        raise FrameError(f"mode: not one of {', '.join(Mode)}") from None


def pages_of(doc: Mapping[str, object]) -> tuple[Page, ...]:
    """Return the pages of a document. Raises `FrameError`."""
    listed = doc.get("pages")
    if not isinstance(listed, list):
        raise FrameError("pages: a list is needed")
    pages: list[Page] = []
    for page in listed:
        lines = page.get("lines") if isinstance(page, dict) else None
        if not isinstance(lines, list) or not lines or not all(isinstance(line, str) for line in lines):
            raise FrameError("pages: each needs its lines, as texts")
        pages.append(Page(language=_text(page, "language"), lines=tuple(lines)))
    return tuple(pages)


def parse(payload: bytes) -> Frame:
    """Return the frame in a payload, or raise `FrameError`. Any bytes may come."""
    if len(payload) > MAX_DOCUMENT_BYTES:
        raise FrameError(f"{len(payload)} bytes; a frame has at most {MAX_DOCUMENT_BYTES}")
    try:
        doc = json.loads(payload)
    except (ValueError, RecursionError):
        raise FrameError("not a JSON document") from None
    if not isinstance(doc, dict):
        raise FrameError("not a JSON object")
    try:
        state = FrameState(_text(doc, "state"))
    except ValueError:
        raise FrameError(f"state: not one of {', '.join(FrameState)}") from None
    versions = doc.get("versions", {})
    if not isinstance(versions, dict) or not all(isinstance(token, str) for token in versions.values()):
        raise FrameError("versions: an object of texts is needed")
    pages = pages_of(doc)
    mode = _mode(doc.get("mode", Mode.AUTO.value))
    says_nothing = state is FrameState.UNKNOWN
    # A legend or a test pattern says something, and nothing of spaces.
    if bool(pages) == says_nothing and not (says_nothing and mode in (Mode.LEGEND, Mode.TEST)):
        raise FrameError(f"pages: {len(pages)} of them do not go with the state {state}")
    return Frame(
        sign_id=SignId(_text(doc, "sign_id")),
        sequence=whole(doc, "sequence", 0, MAX_SEQUENCE),
        issued_at=instant_of(doc, "issued_at"),
        ttl_s=whole(doc, "ttl_s", 1, MAX_TTL_S),
        state=state,
        pages=pages,
        versions=versions,
        mode=mode,
    )

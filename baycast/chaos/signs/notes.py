"""What the signs wrote down, read while they write: what came to each, and what each showed. Monotonic seconds."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

Pages = tuple[tuple[str, ...], ...]
"""Of each page its language and its lines."""


class Came(NamedTuple):
    """A frame. `ends_s` is the end of its ttl since it was issued: all clocks here are of one machine."""

    at_s: float
    sequence: int
    ends_s: float
    state: str
    pages: Pages
    versions: tuple[tuple[str, str], ...]


class Shown(NamedTuple):
    """What is seen from now on; no pages: it is dark."""

    at_s: float
    pages: Pages


@dataclass
class Diary:
    """Of one sign, in order."""

    notes: list[Came | Shown] = field(default_factory=list)

    @property
    def lit_since_s(self) -> float | None:
        """Since when it shows something, whatever that is; None: it is dark."""
        since: float | None = None
        for note in reversed(self.notes):
            if isinstance(note, Shown):
                if not note.pages:
                    return since
                since = note.at_s
        return since


class Notes:
    """`read()` takes up what was written since; a line that is not whole yet waits."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0
        self.diaries: dict[str, Diary] = {}

    def read(self) -> None:
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._at)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._at += len(whole)
        for line in whole.splitlines():
            told = json.loads(line)
            self.diaries.setdefault(told["sign"], Diary()).notes.append(_note(told))

    def lit_since_s(self, sign_id: str) -> float | None:
        """As the sign's diary; None also for a sign that wrote nothing yet."""
        diary = self.diaries.get(sign_id)
        return None if diary is None else diary.lit_since_s


def _note(told: dict[str, Any]) -> Came | Shown:
    if "pages" in told:
        return Shown(told["at"], tuple(tuple(page) for page in told["pages"]))
    frame = json.loads(told["frame"])
    age_s = told["wall"] - datetime.fromisoformat(frame["issued_at"]).timestamp()
    return Came(
        told["at"],
        frame["sequence"],
        told["at"] - age_s + frame["ttl_s"],
        frame["state"],
        tuple((page["language"], *page["lines"]) for page in frame["pages"]),
        tuple(sorted(frame["versions"].items())),
    )

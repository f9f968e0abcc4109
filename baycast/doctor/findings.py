"""What `baycast doctor` finds."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "note", "WRONG"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the page. A `note` is worth a look and no fault of ours."""

    what: str
    state: State
    says: str

"""Refused attempts at admin routes, on their way to the audit log: gathered, so that a flood is few entries."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from api.keyring import Caller
from store.audit import Deed

GROUPS_MAX = 16
"""Entries written at once at most, and one more for all the others (L8)."""


@dataclass(frozen=True, slots=True)
class Denial:
    """`caller` None: no key, or none that holds."""

    route: str
    status: int
    address: str
    caller: Caller | None


class Denials:
    def __init__(self) -> None:
        self._times: Counter[Denial] = Counter()
        self._others = 0

    def note(self, denial: Denial) -> None:
        if denial in self._times or len(self._times) < GROUPS_MAX:
            self._times[denial] += 1
        else:
            self._others += 1

    def take(self) -> list[Deed]:
        """Return what has been gathered, and begin again."""
        deeds = [_deed(denial, times) for denial, times in self._times.items()]
        if self._others:
            deeds.append(Deed(who="others", action="admin.denied", doc={"times": self._others}))
        self._times, self._others = Counter(), 0
        return deeds


def _deed(denial: Denial, times: int) -> Deed:
    caller = denial.caller
    return Deed(
        who="nobody" if caller is None else caller.name,
        action="admin.denied",
        areas=None if caller is None else caller.areas,
        subject=denial.route,
        doc={"address": denial.address, "status": denial.status, "times": times},
    )

"""How many listen, and how often they are told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from baycast.open_files import allow_open_files
from baycast.settings import UsageError

_FILES_BESIDES = 200
"""Descriptors that a server or a crowd holds besides its connections."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`clients`: one measurement for each number. Raises `ValueError` for a plan that measures nothing."""

    clients: Sequence[int]
    rounds: int
    changes: int
    """Per round, one a second."""

    def __post_init__(self) -> None:
        if not self.clients or not all(10 <= number <= 50_000 for number in self.clients):
            raise ValueError("--clients are from 10 to 50000")
        if not (1 <= self.rounds <= 100 and 1 <= self.changes <= 3600):
            raise ValueError("--rounds is from 1 to 100, --changes from 1 to 3600")


def allow_connections(clients: int) -> None:
    """Let us and our children have so many connections each. Raises `UsageError` where nobody may."""
    needed = clients + _FILES_BESIDES
    if (allowed := allow_open_files(needed)) < needed:
        raise UsageError(
            f"bench live: {clients} clients need {needed} open files, and a process may have {allowed}:"
            " raise `ulimit -Hn`, or ask for fewer --clients"
        )

"""What is wrong with something that was sent to be entered: each thing, where, and how to put it right."""

from __future__ import annotations

from collections.abc import Sequence

from api.errors import Problem
from occupancy.registry import RegistryError

TOLD_MAX = 100
"""More are counted."""


def told(errors: Sequence[RegistryError]) -> list[dict[str, object]]:
    return [
        {"where": one.where, "field": one.field, "problem": one.problem, "fix": one.fix}
        for one in errors[:TOLD_MAX]
    ]


def refused_as(kind: str, errors: Sequence[RegistryError]) -> Problem:
    """With the first hundred, and how many more there are."""
    more = max(0, len(errors) - TOLD_MAX)
    said = f"{len(errors)} problem(s), nothing was entered."
    return Problem(422, kind, said, problems=told(errors), more_problems=more)

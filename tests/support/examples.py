"""How many examples a law is tried on: so many in the suite; `make soak` has more, in proportion."""

from __future__ import annotations

from hypothesis import settings

_USUAL = 100
"""Examples of a profile that says nothing."""


def of_profile(in_suite: int) -> int:
    """Of the profile that is loaded when a test module is imported."""
    return max(1, in_suite * settings().max_examples // _USUAL)

"""Settings (placeholder while the rest is written)."""

import os


class UsageError(Exception):
    """Wrong input or environment, in one line for the person at the terminal; exit status 2."""


def search_path() -> str:
    """The PATH of this process."""
    return os.environ.get("PATH", os.defpath)  # noqa: TID251

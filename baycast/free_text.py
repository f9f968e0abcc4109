"""Free text on the command line that is kept for ever."""

from baycast.settings import UsageError
from store.free_text import checked_free_text, checked_reference


def kept(option: str, text: str) -> str:
    """What somebody writes in own words, without a number plate (L10). Raises `UsageError`."""
    try:
        return checked_free_text(text)
    except ValueError as error:
        raise UsageError(f"{option} {error}") from None


def kept_reference(option: str, text: str) -> str:
    """Likewise the reference of a notice. Raises `UsageError`."""
    try:
        return checked_reference(text)
    except ValueError as error:
        raise UsageError(f"{option} {error}") from None

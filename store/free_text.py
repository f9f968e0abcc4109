"""What people write in their own words and what is kept for ever, as in the audit log: never a number plate (L10)."""

from __future__ import annotations

from typing import Final

from firmware_contract.plates import holds_british_plate, holds_plate_word

TEXT_MAX: Final = 200
"""Characters."""


def checked_free_text(text: str) -> str:
    """Return the text. Raises `ValueError` with the fix; the text itself is never told again."""
    _check_shown(text)
    if holds_plate_word(text):
        raise ValueError(
            "holds what reads like a number plate, which would be kept for ever: leave it out, "
            "and write roads, postcodes and times of day in small letters"
        )
    return text


def checked_reference(text: str) -> str:
    """Likewise of the reference of a notice, whose words are capitals and digits: only British plates show."""
    _check_shown(text)
    if holds_british_plate(text):
        raise ValueError("holds what reads like a number plate, which would be kept for ever: leave it out")
    return text


def _check_shown(text: str) -> None:
    if len(text) > TEXT_MAX:
        raise ValueError(f"is {len(text)} characters long: give at most {TEXT_MAX}")
    hidden = next((char for char in text if not char.isprintable()), None)
    if hidden is not None:
        raise ValueError(f"holds U+{ord(hidden):04X}, which cannot be shown: remove that character")

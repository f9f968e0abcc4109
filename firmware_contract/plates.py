"""Recognising number plates, so that they never enter (L10). Linear in the text; never says what it saw.

It errs towards rejecting: a passage has no other text than a direction and a token, so a short code of
capitals and digits in an unknown field is refused although it may be harmless. A refused field is mended by
its maker; a stored plate is not.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from typing import Final

# Searched in names reduced to their letters, so that any case and any separators match.
_NAME_PARTS: Final = (
    "plate", "vrm", "vrn", "registration", "regno", "regnum", "regmark", "vehiclereg", "carreg", "licence",
    "license", "kennzeichen", "nummernschild", "immatricul", "matricula", "kenteken", "rejestracyj",
    "cofrestru",
)  # fmt: skip
_NAMES: Final = frozenset({"reg", "rego", "lpn", "lpr", "targa", "plaque", "indexmark", "rhifcar"})
_NOT_PLATES: Final = re.compile("template|platelet|platform")

_SEPARATOR: Final = r"[ .\-_:·]{0,2}"
# Today's British plate anywhere in a text, whatever surrounds it.
_BRITISH_WITHIN: Final = re.compile(
    rf"(?<![A-Z0-9])[A-Z]{{2}}{_SEPARATOR}[0-9]{{2}}{_SEPARATOR}[A-Z]{{3}}(?![A-Z0-9])",
    re.IGNORECASE | re.ASCII,
)
# Older British forms as the whole text: prefix (A123 BCD) and suffix (ABC 123D).
_BRITISH_WHOLE: Final = re.compile(
    r"[A-Z]{2}[0-9]{2}[A-Z]{3}|[A-Z][0-9]{1,3}[A-Z]{3}|[A-Z]{3}[0-9]{1,3}[A-Z]"
)
_ASCII_ESCAPE: Final = re.compile(rb"\\u00([0-7][0-9A-Fa-f])")
_PASSAGE_MARKS: Final = ("passage", "direction", "vehicle_token")
_MAX_PLATE: Final = 16
"""Characters, separators included: nothing longer is judged as one plate."""


def is_plate_name(name: str) -> bool:
    """Whether a field is named like a plate: numberPlate, VRM, licence_plate, Kfz-Kennzeichen, ..."""
    folded = "".join(filter(str.isalnum, _plain(name).casefold()))
    folded = _NOT_PLATES.sub("", folded)
    return folded in _NAMES or any(part in folded for part in _NAME_PARTS)


def is_plate_text(text: str) -> bool:
    """Whether a text holds a British plate, or as a whole reads like a European one."""
    plain = _plain(text)
    return _BRITISH_WITHIN.search(plain) is not None or _is_whole(plain)


def is_plate_whole(text: str) -> bool:
    """Whether a text as a whole reads like a plate: 5 to 9 capitals and digits, two or more being digits."""
    return _is_whole(_plain(text))


def holds_british_plate(text: str) -> bool:
    """Whether a text holds today's British plate: for references, whose words are often capitals and digits."""
    return _BRITISH_WITHIN.search(_plain(text)) is not None


def holds_plate_word(text: str) -> bool:
    """Whether text that people write holds a plate: today's British one, a word that reads like one, or an older
    British one in two words of capitals and digits."""
    words = _plain(text).split()
    pairs = (first + second for first, second in itertools.pairwise(words))
    return (
        holds_british_plate(text)
        or any(map(_is_whole, words))
        or any(_BRITISH_WHOLE.fullmatch("".join(filter(str.isalnum, pair))) for pair in pairs)
    )


def may_hold_passage(payload: bytes) -> bool:
    """Whether bytes that are no readable passage show signs of one, or of a plate."""
    plain = _ASCII_ESCAPE.sub(lambda escape: bytes([int(escape[1], 16)]), payload)
    text = plain.decode("utf-8", "replace")
    lowered = text.lower()
    return any(mark in lowered for mark in _PASSAGE_MARKS) or is_plate_name(text) or is_plate_text(text)


def _is_whole(plain: str) -> bool:
    plain = plain.strip()
    if len(plain) > _MAX_PLATE:
        return False
    compact = "".join(filter(str.isalnum, plain))
    if _BRITISH_WHOLE.fullmatch(compact.upper()):
        return True
    digits = sum(map(str.isdigit, compact))
    return 5 <= len(compact) <= 9 and 2 <= digits < len(compact) and compact == compact.upper()


def _plain(text: str) -> str:
    """Full-width and other compatibility forms as plain letters; accents off, so that Ö is O."""
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(ch for ch in decomposed if not unicodedata.combining(ch))

"""The words of the signs, by state and language.

The defaults are candidates: no qualified translator and no sign authority has confirmed them, so each is
marked `confirmed=False` and `unconfirmed` lists what a sign would say on our word alone. A sign's own words
(`Sign.words`) are the authority's, and win.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from occupancy.model import Sign


class FrameState(StrEnum):
    """What a frame claims, in UTMC words. UNKNOWN claims nothing: the sign is blank."""

    SPACES = "SPACES"
    ALMOST_FULL = "ALMOST FULL"
    FULL = "FULL"
    CLOSED = "CLOSED"
    UNKNOWN = "UNKNOWN"


class Mode(StrEnum):
    """On whose word a sign shows what it shows: on that of the sensors, or of an operator."""

    AUTO = "auto"
    BLANK = "blank"
    FULL = "full"
    CLOSED = "closed"
    LEGEND = "legend"
    """A text that the authority has approved."""
    TEST = "test"
    """Every element of the sign lit, for who looks after it."""


@dataclass(frozen=True, slots=True)
class Word:
    """A text we ship; `confirmed` once the sign authority has said so."""

    text: str
    confirmed: bool = False


NUMBER = "{n}"
"""Where the number stands in a counted phrase."""

# Keys are the `state` of `Sign.words`. The counted phrases are separate because Welsh keeps the noun singular
# after a numeral (12 LLE) and English does not for one (1 SPACE).
DEFAULTS: dict[tuple[str, str], Word] = {
    ("spaces", "en"): Word("SPACES"),
    ("spaces", "cy"): Word("LLEOEDD"),
    ("spaces_n", "en"): Word("{n} SPACES"),
    ("spaces_n", "cy"): Word("{n} LLE"),
    ("spaces_one", "en"): Word("{n} SPACE"),
    ("spaces_one", "cy"): Word("{n} LLE"),
    ("almost_full", "en"): Word("ALMOST FULL"),
    ("almost_full", "cy"): Word("BRON YN LLAWN"),
    ("full", "en"): Word("FULL"),
    ("full", "cy"): Word("LLAWN"),
    ("closed", "en"): Word("CLOSED"),
    ("closed", "cy"): Word("AR GAU"),
}

_KEYS = {
    FrameState.SPACES: "spaces",
    FrameState.ALMOST_FULL: "almost_full",
    FrameState.FULL: "full",
    FrameState.CLOSED: "closed",
}


def _own(sign: Sign, key: str, language: str) -> str | None:
    """Return the sign's own text; an empty one is no text."""
    for state, spoken, text in sign.words:
        if state == key and spoken == language and text.strip():
            return text
    return None


def _default(key: str, language: str) -> str | None:
    word = DEFAULTS.get((key, language))
    return None if word is None else word.text


def _keys(state: FrameState, number: int | None) -> tuple[str, ...]:
    """Return the keys that may say it, the most exact first."""
    if state is FrameState.SPACES and number is not None:
        return ("spaces_one", "spaces_n", "spaces") if number == 1 else ("spaces_n", "spaces")
    return (_KEYS[state],)


def phrase(sign: Sign, state: FrameState, language: str, number: int | None = None) -> str | None:
    """Return what the sign says in one language, None where there is no word for it.

    `number` is counted bays. It stands in front of a word for SPACES without a place for it, so that an authority
    that names only its word for spaces gets "12 <word>"; any other word takes it only where it has a place for it.
    The sign's own words are tried before any default.
    """
    if state is FrameState.UNKNOWN:
        return None
    keys = _keys(state, number)
    own = [_own(sign, key, language) for key in keys]
    shipped = [_default(key, language) for key in keys]
    text = next((text for text in own + shipped if text is not None), None)
    if text is None:
        return None
    if number is None or (state is not FrameState.SPACES and NUMBER not in text):
        return None if NUMBER in text else text
    return text.replace(NUMBER, str(number)) if NUMBER in text else f"{number} {text}"


def unconfirmed(sign: Sign, languages: Sequence[str]) -> tuple[tuple[str, str, str], ...]:
    """Return (key, language, text) of every shipped word this sign could show that nobody has confirmed."""
    return tuple(
        (key, language, word.text)
        for (key, language), word in DEFAULTS.items()
        if language in languages and not word.confirmed and _own(sign, key, language) is None
    )

"""Where texts stand on a sign: pages of lines, all of it or nothing (L6). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from occupancy.model import Layout, Show, Sign, ZoneId
from signs.claims import Claim
from signs.frame import MULTIPLE, Page
from signs.text import fit
from signs.words import phrase

Texts = Mapping[str, str | None]
"""What is said of one thing, by language; None: there is no word for it."""


def pages(sign: Sign, languages: Sequence[str], said: Mapping[ZoneId | None, Claim]) -> tuple[Page, ...]:
    """Return the pages that say this, by zone, or under None of their sum; none when any of it cannot be said whole.

    A text that has no word in one of the languages, or does not fit in one, is not said in the others either.
    """
    texts = [
        {language: spoken(sign, zone_id, language, claim) for language in languages}
        for zone_id, claim in said.items()
    ]
    return _laid_out(sign, languages, texts, in_lines=sign.show is Show.LINES)


def legend_pages(sign: Sign, languages: Sequence[str], texts: Texts) -> tuple[Page, ...]:
    """Return the pages that show one text, none when a language lacks it or it does not fit in one."""
    return _laid_out(sign, languages, [texts], in_lines=False)


def spoken(sign: Sign, zone_id: ZoneId | None, language: str, claim: Claim) -> str | None:
    """Return what is said of a zone, or under None of the sum, in one language."""
    text = phrase(sign, claim.state, language, claim.number)
    if zone_id is None or text is None:
        return text
    names = {tongue: name for zone, tongue, name in sign.short_names if zone == zone_id}
    return f"{names[language]} {text}" if language in names else None


def _laid_out(
    sign: Sign, languages: Sequence[str], said: Sequence[Texts], *, in_lines: bool
) -> tuple[Page, ...]:
    """`in_lines`: everything that is said stands on one page, each in one line."""
    together = [said] if in_lines else [[texts] for texts in said]
    tongues = [languages] if sign.layout is Layout.TWO_LINES else [[language] for language in languages]
    made: list[Page] = []
    for group in together:
        for spoken_in in tongues:
            rows: list[str] = []
            for language in spoken_in:
                for texts in group:
                    text = texts.get(language)
                    lines = (
                        None
                        if text is None
                        else fit(text, lines=1 if in_lines else sign.lines, width=sign.width)
                    )
                    if lines is None:
                        return ()
                    rows += lines
            if not 0 < len(rows) <= sign.lines:
                return ()
            made.append(Page(language=spoken_in[0] if len(spoken_in) == 1 else MULTIPLE, lines=tuple(rows)))
    return tuple(made)

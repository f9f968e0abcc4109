"""The report's words: both languages have every one, and fill in the same."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from baycast.report.month import Standing
from baycast.report.words_cy import WELSH
from baycast.report.words_en import ENGLISH
from occupancy.history.definitions import BY_NAME
from occupancy.maintenance import DefectKind
from occupancy.model import SuspicionKind

SAME = {"{n} h", "%", "{day} {month} {year}, {clock}", "{horizon}"}
"""What is the same in both languages."""


def said(words: Any, where: str = "") -> Iterator[tuple[str, str]]:
    """Every text with its place."""
    if isinstance(words, str):
        yield where, words
    elif is_dataclass(words):
        for field in fields(words):
            yield from said(getattr(words, field.name), f"{where}.{field.name}")
    else:
        found = words.items() if isinstance(words, Mapping) else enumerate(words)
        for key, value in found:
            yield from said(value, f"{where}[{key}]")


ENGLISH_SAID, WELSH_SAID = dict(said(ENGLISH)), dict(said(WELSH))


def test_both_languages_have_every_word_and_fill_in_the_same() -> None:
    assert WELSH_SAID.keys() == ENGLISH_SAID.keys()
    for where, english in ENGLISH_SAID.items():
        welsh = WELSH_SAID[where]
        assert bool(welsh) == bool(english), where
        assert set(re.findall(r"\{\w+\}", welsh)) == set(re.findall(r"\{\w+\}", english)), where


def test_no_word_was_left_in_english() -> None:
    alike = {text for where, text in WELSH_SAID.items() if text and text == ENGLISH_SAID[where]}
    assert {text for text in alike if text not in SAME and len(text) > 2} == set()


def test_every_figure_unit_reason_and_defect_has_its_words() -> None:
    for words in (ENGLISH, WELSH):
        assert words.figures.keys() == words.formulas.keys() == BY_NAME.keys()
        assert words.units.keys() == {definition.unit for definition in BY_NAME.values()}
        assert set(words.missing) == {"coverage", "few", "none", "hidden", "history"}
        assert set(words.standing) == set(words.badge) == set(Standing)
        assert set(words.defects) == set(DefectKind)
        assert set(words.suspicions) == set(SuspicionKind)
        assert (len(words.months), len(words.weekdays), len(words.weekday_initials)) == (12, 7, 7)


def test_the_welsh_formulas_name_the_figures_that_the_english_ones_do() -> None:
    for name, english in ENGLISH.formulas.items():
        named = {word for word in re.findall(r"\w+", english) if word in BY_NAME and "_" in word}
        assert named <= set(re.findall(r"\w+", WELSH.formulas[name]))


def test_the_report_speaks_of_no_contravention_in_either_language() -> None:
    for words, told in ((ENGLISH, "not evidence of a contravention"), (WELSH, "dystiolaeth o dramgwydd")):
        for text in (
            words.turns.says,
            words.overstays.says,
            *(words.formulas[n] for n in words.formulas if n.startswith("over")),
        ):
            assert told in text.lower()

"""What people write in their own words, and what is kept for ever."""

from __future__ import annotations

import pytest

from store.free_text import checked_free_text, checked_reference


@pytest.mark.parametrize(
    "text",
    [
        "seen with CA51 ABC",
        "ca51abc left",
        "(CA51-ABC)",
        "A123 BCD stood there",
        "abc123d",
        "AB-123-CD from France",
        "\uff23\uff21\uff15\uff11 \uff21\uff22\uff23",
    ],
)
def test_l10_a_plate_in_free_text_is_refused_without_telling_it(text: str) -> None:
    with pytest.raises(ValueError, match="reads like a number plate") as refused:
        checked_free_text(text)
    assert text.split(maxsplit=1)[0] not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "water main",
        "Wales v Fiji 2026",
        "works at CF10 3AT",
        "12 bays, from 2026-11-22",
        "bay 12b",
        "a4232",
    ],
)
def test_other_text_is_kept_as_it_is(text: str) -> None:
    assert checked_free_text(text) == text


def test_free_text_is_short_and_can_be_shown() -> None:
    with pytest.raises(ValueError, match="201 characters"):
        checked_free_text("x" * 201)
    with pytest.raises(ValueError, match=r"U\+0000"):
        checked_free_text("a\x00b")


def test_a_reference_may_be_of_capitals_and_digits() -> None:
    assert checked_reference("TTRO 26/14") == "TTRO 26/14"
    with pytest.raises(ValueError, match="reads like a number plate"):
        checked_reference("TTRO CA51 ABC")

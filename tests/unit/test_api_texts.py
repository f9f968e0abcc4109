"""What OpenAPI says of a text and what reads it agree: what a pattern refuses is not read."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from api import texts

WITHOUT_MORE = ["AreaId", "AreaIds", "OneId", "Drivers", "Dated", "BayTypes", "Uses", "Token", "Connector"]
"""Their pattern says all."""
WITH_MEANING = ["Degrees2", "Degrees4", "ArrivalTime", "Hours", "Days"]
ODD = [
    "",
    " ",
    "a ",
    "A",
    "\n",
    "a\n",
    "²-8",
    "8-18\n",
    "１,2",
    "1_0,2",
    "nan,0",
    "2026-W01-1",
    "2026-13",
    "2026-10-32",
    "20261001",
    "mon-",
    "general,ev",
]


def reader(name: str) -> tuple[TypeAdapter[str], str, int]:
    of: TypeAdapter[str] = TypeAdapter(getattr(texts, name))
    said: dict[str, Any] = of.json_schema()
    return of, said["pattern"], said["maxLength"]


def reads(of: TypeAdapter[str], text: str) -> bool:
    try:
        of.validate_python(text)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("name", WITHOUT_MORE)
@given(data=st.data())
def test_what_the_pattern_takes_is_read(name: str, data: st.DataObject) -> None:
    of, pattern, longest = reader(name)
    text = data.draw(
        st.from_regex(pattern.replace("$", r"\Z"), fullmatch=True, alphabet=st.characters(codec="ascii"))
    )

    assert reads(of, text) == (len(text) <= longest)


@pytest.mark.parametrize("name", WITHOUT_MORE + WITH_MEANING)
@given(text=st.one_of(st.sampled_from(ODD), st.text(alphabet="0123456789-+.,:TZa eEmonctrl_²١", max_size=30)))
def test_what_the_pattern_refuses_is_not_read(name: str, text: str) -> None:
    of, pattern, longest = reader(name)

    taken = re.fullmatch(pattern, text) is not None and not text.endswith("\n") and len(text) <= longest
    assert taken or not reads(of, text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Degrees2", "51.48, -3.18"),
        ("Degrees2", "51.48,-5e-05"),
        ("Degrees4", "-3.19,51.47,-3.16,51.49"),
        ("ArrivalTime", "2026-11-22T10:30:00.5+01:00"),
        ("Hours", "08-18"),
        ("Hours", "controlled"),
        ("Days", "mon-wed,fri"),
        ("Days", "daily"),
        ("Dated", "2026-10"),
        ("Dated", "2026-10-01T08:00:00Z"),
        ("Dated", "2026-10-01T08:00:00+0100"),
        ("Dated", "2026-10-01T08+01"),
    ],
)
def test_what_people_write_is_read(name: str, text: str) -> None:
    of, pattern, _ = reader(name)

    assert re.fullmatch(pattern, text)
    assert reads(of, text)

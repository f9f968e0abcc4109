"""What anybody may send as a readback is refused, or is something that can be kept and judged (L11)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from signs.readback import Readback, ReadbackError, Verdict, document, judge, parse
from signs.words import FrameState

TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
PAGES = st.lists(
    st.fixed_dictionaries({"language": TEXT, "lines": st.lists(TEXT, min_size=1, max_size=2)}), max_size=2
)
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "sequence": st.integers(0, 2**63 - 1) | VALUES,
        "state": st.sampled_from([state.value for state in FrameState]) | VALUES,
        "dark": st.booleans() | VALUES,
        "pages": PAGES | VALUES,
        "at": st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat) | VALUES,
        "faults": st.lists(st.sampled_from(["lamp-3", "door"]) | TEXT, max_size=3) | VALUES,
        "more": VALUES,
    },
)


def read(body: Any) -> Readback | None:
    try:
        return parse(json.dumps(body).encode())
    except ReadbackError:
        return None


@given(BODIES)
def test_l11_what_is_taken_can_be_kept_and_told_again(body: Any) -> None:
    told = read(body)
    if told is not None:
        text = json.dumps(document(told), ensure_ascii=False)
        text.encode()
        assert "\\u0000" not in text
        assert parse(text.encode()) == told


@given(BODIES, st.datetimes(timezones=st.just(UTC)))
def test_l6_nothing_is_ever_agreed_with_that_was_not_sent(body: Any, now: datetime) -> None:
    told = read(body)
    if told is not None:
        says = told.state is not FrameState.UNKNOWN if told.pages is None else bool(told.pages)
        lit = told.state is not None and says
        assert judge(told, None, None, now=now) is (Verdict.UNSENT if lit else Verdict.AGREES)

"""Answers that tell of single bays of people: who gets them whole, and what the audit log keeps of the question."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from api.access import Access
from api.keyring import Caller
from store.audit import Deed
from store.keys import Scope


def is_personal(caller: Caller) -> bool:
    """Whether this key is told of Blue Badge and residents' bays one by one, in the areas that it is for."""
    return Scope.PERSONAL in caller.scopes


async def note_personal_read(
    access: Access,
    caller: Caller,
    route: str,
    parameters: Mapping[str, object],
    areas: Iterable[str],
    rows: int,
) -> None:
    """Write down that `rows` of such bays are about to be told; what cannot be written is not told.

    Raises `psycopg.Error`, `ConnectionError`.
    """
    doc = {"route": route, "parameters": dict(parameters), "rows": rows}
    await access.record(Deed(who=caller.name, action="personal.read", areas=sorted(areas), doc=doc))

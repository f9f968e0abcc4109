"""The terms of a group of bays as a zone's row has them: what is left out is at its default."""

from __future__ import annotations

from dataclasses import fields

import msgspec

from occupancy.model import Terms


def terms_doc(terms: Terms) -> dict[str, object]:
    """The exact inverse of `terms_of`."""
    given = {item.name for item in fields(terms) if getattr(terms, item.name) != item.default}
    doc: dict[str, object] = msgspec.to_builtins(terms)
    return {name: value for name, value in doc.items() if name in given}


def terms_of(doc: object) -> Terms:
    """Read a row's terms. Raises `msgspec.ValidationError` for what is none."""
    return msgspec.convert(doc, Terms)

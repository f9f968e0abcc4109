"""Loads the statements of `sql/queries/*.sql`. A statement is named by its file and its `-- name:` line."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import LiteralString

_NAME = re.compile(r"^-- name: ([a-z0-9_]+)$", re.MULTILINE)


class QueryFileError(ValueError):
    """A query file does not have the shape `-- name: x`, a sentence, a statement."""


def parse(stem: str, text: str) -> dict[str, LiteralString]:
    """Split one file into {"stem.name": statement}. Raises `QueryFileError` for a name given twice or no statement."""
    parts = _NAME.split(text)
    found: dict[str, LiteralString] = {}
    for name, body in zip(parts[1::2], parts[2::2], strict=True):
        key = f"{stem}.{name}"
        statement = body.strip().removesuffix(";")
        if key in found:
            raise QueryFileError(f"{key}: named twice")
        if not any(line and not line.startswith("--") for line in statement.splitlines()):
            raise QueryFileError(f"{key}: no statement")
        found[key] = statement
    return found


@cache
def all_queries() -> dict[str, LiteralString]:
    """Every statement by name, read once."""
    found: dict[str, LiteralString] = {}
    for entry in sorted(resources.files("store").joinpath("sql", "queries").iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".sql"):
            found.update(parse(entry.name.removesuffix(".sql"), entry.read_text(encoding="utf-8")))
    return found


def sql(name: str) -> LiteralString:
    """The statement called `name`, as in `sql("log.tail")`.

    The cast vouches for the text: it comes from files of this package, never from input. Raises `KeyError`.
    """
    return all_queries()[name]

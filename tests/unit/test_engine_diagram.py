"""The documentation shows the transitions as the code has them."""

from __future__ import annotations

from pathlib import Path

from occupancy.transitions import Verdict, diagram

PAGE = Path(__file__).parents[2] / "docs" / "engine.md"


def test_the_diagram_is_drawn_from_the_table() -> None:
    assert f"```mermaid\n{diagram()}```" in PAGE.read_text()


def test_every_verdict_is_explained() -> None:
    _, _, table = PAGE.read_text().partition("| verdict |")
    table, _, _ = table.partition("\n\n")
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| ")]
    named = {word.strip() for row in rows for word in row.split(",")}
    assert named == {verdict.value for verdict in Verdict}

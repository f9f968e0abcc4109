"""Alarms that ask for metrics nobody has would never sound."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((ROOT / "deploy/prometheus/alarms.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
SUFFIXES = {"Counter": ("_total",), "Gauge": ("",), "Histogram": ("_bucket", "_sum", "_count")}


def exported() -> Iterator[str]:
    """The names under which Prometheus sees our metrics, read from their declarations."""
    for path in ROOT.glob("*/**/*.py"):
        if path.relative_to(ROOT).parts[0] in {"tests", ".venv"}:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (
                isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SUFFIXES
            ):
                continue
            if node.args and isinstance(node.args[0], ast.Constant):
                name = str(node.args[0].value).removesuffix("_total")
                yield from (name + suffix for suffix in SUFFIXES[node.func.id])


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_an_alarm_asks_for_metrics_that_exist(rule: dict[str, Any]) -> None:
    asked = set(re.findall(r"\bbaycast_\w+", rule["expr"]))
    assert asked <= set(exported())
    assert asked or "up{" in rule["expr"]
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"]["summary"]


def test_every_metric_is_documented() -> None:
    text = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    names = {re.sub(r"_(bucket|sum|count)$", "", name) for name in exported()}
    assert sorted(name for name in names if name not in text) == []

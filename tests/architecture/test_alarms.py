"""Alarms that ask for metrics nobody has would never sound."""

import ast
import re
from collections.abc import Iterator
from functools import cache
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


@cache
def declared() -> list[tuple[str, tuple[str, ...], set[str]]]:
    """Our metrics, read from their declarations: the name, its endings as Prometheus sees them, its labels."""
    return list(_declared())


def _declared() -> Iterator[tuple[str, tuple[str, ...], set[str]]]:
    rooms = [room for room in ROOT.iterdir() if room.is_dir() and room.name not in {"tests", ".venv"}]
    for path in (path for room in rooms for path in room.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (
                isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SUFFIXES
            ):
                continue
            if node.args and isinstance(node.args[0], ast.Constant):
                name = str(node.args[0].value).removesuffix("_total")
                labels = ast.literal_eval(node.args[2]) if len(node.args) > 2 else ()
                yield name, SUFFIXES[node.func.id], set(labels)


def exported() -> Iterator[str]:
    """The names under which Prometheus sees our metrics."""
    for name, suffixes, _ in declared():
        yield from (name + suffix for suffix in suffixes)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_an_alarm_asks_for_metrics_that_exist(rule: dict[str, Any]) -> None:
    asked = set(re.findall(r"\bbaycast_\w+", rule["expr"]))
    assert asked <= set(exported())
    assert asked or "up{" in rule["expr"]
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"]["summary"]


def test_an_alarm_picks_by_labels_that_its_metric_has() -> None:
    labels = {name + suffix: own for name, suffixes, own in declared() for suffix in suffixes}
    picked = [
        (metric, set(re.findall(r"(\w+)\s*=", matchers)))
        for rule in RULES
        for metric, matchers in re.findall(r"\b(baycast_\w+)\{([^}]*)\}", rule["expr"])
    ]
    assert picked
    assert [(metric, names) for metric, names in picked if not names <= labels[metric]] == []


def test_no_alarm_rings_because_the_time_of_a_replay_stands_still() -> None:
    """What is compared with the time of day is of areas that go by it."""
    by_the_clock = [rule["expr"] for rule in RULES if "time()" in rule["expr"]]
    assert by_the_clock
    for expr in by_the_clock:
        assert re.search(
            r"time\(\) - max by \(area\) \(baycast_\w+_timestamp_seconds\{clock=\"live\"\}\)", expr
        )


def test_every_metric_is_documented() -> None:
    text = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    names = {re.sub(r"_(bucket|sum|count)$", "", name) for name in exported()}
    assert sorted(name for name in names if name not in text) == []

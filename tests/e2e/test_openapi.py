"""The API is as its OpenAPI document says: schemathesis asks every operation, with data that is right, wrong and odd,
at the bounds of every parameter, at random and in sequences along the links, and judges every answer.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import pytest

from api import attempts
from api.config import ApiConfig
from store.keys import Scope
from store.registry import Change, apply
from tests.support.api_server import ApiServer, running_api
from tests.support.derived_rows import NOW, group
from tests.support.examples import of_profile
from tests.support.two_areas import MINE, TwoAreas, two_areas

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "openapi.json"
"""What is served, as tests/unit/test_api_openapi.py sees to."""
CONFIG = ROOT / "tests" / "support" / "schemathesis.toml"
USUAL = 6
"""Random questions to each operation, and sequences, of which a profile of more has more in proportion."""
THOROUGH = of_profile(USUAL) > USUAL
"""All that takes long is asked, too."""
ASKED = of_profile(USUAL) if THOROUGH else 3
RANDOM = ("--phases", "examples,fuzzing,stateful")
BOUNDS = ("--phases", "coverage")
LIKE_ANOTHER = {
    "GET /v1/zones",
    *(f"GET /v1/history/{report}" for report in ("turnover", "stays", "overstays", "coverage")),
}
"""They have the parameters of `/v1/availability` and `/v1/history/occupancy`: hundreds of questions at the bounds."""
SECURITY: dict[str, list[dict[str, list[str]]]] = {
    f"{method.upper()} {path}": operation.get("security", [{}])
    for path, operations in json.loads(DOCUMENT.read_text("utf-8"))["paths"].items()
    for method, operation in operations.items()
}
OPEN = {name for name, security in SECURITY.items() if {} in security}
KEYED = SECURITY.keys() - OPEN
TELLING_MORE = {name for name in OPEN if SECURITY[name] != [{}]}

pytestmark = pytest.mark.timeout(24 * 3600 if THOROUGH else 600)


@pytest.fixture
def world(database_url: str) -> Iterator[TwoAreas]:
    of = {"area_id": MINE}
    match = {**of, "texts": {"cy": "GÊM", "en": "MATCH"}, "authorisation": "NMWTRA 17"}
    car_park = {**of, "kind": "car_park", "name": {"en": "Greyfriars"}, "lat": 51.48, "lon": -3.18}
    with two_areas(database_url) as world:
        world.set_rule(MINE)
        more = [Change("legend", f"{MINE}-match", match), Change("zone", f"{MINE}-cp", car_park)]
        apply(world.conn, more, entered_by="test", entered_at=NOW)
        world.rows[MINE].commit_zones({f"{MINE}-cp": [group(3, 5)]}, watermark=NOW)
        yield world


@pytest.fixture
def key(world: TwoAreas) -> str:
    """Made before the API starts: nothing is waited for."""
    return world.key(*Scope, areas=[MINE])[1]


@pytest.fixture
def api(database_url: str, key: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    # Schemathesis shows more wrong keys than one address may: each shall be answered as what it is.
    monkeypatch.setattr(attempts, "MOST", 1_000_000)
    with running_api(ApiConfig(database_url=database_url), lambda: NOW) as running:
        yield running


def judged(
    api: ApiServer,
    folder: Path,
    request: pytest.FixtureRequest,
    operations: Collection[str],
    *phases: str,
    key: str | None = None,
) -> dict[str, Any]:
    """Let schemathesis ask; its report, when it found nothing wrong."""
    seed = request.config.getoption("--hypothesis-seed")
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG)]
    command += ["run", str(DOCUMENT), "--url", api.url, *phases, "--max-examples", str(ASKED)]
    command += [part for name in sorted(operations) for part in ("--include-name", name)]
    command += ["--report", "json", "--report-json-path", str(folder / "report.json")]
    command += ["--generation-deterministic"] if seed is None else ["--seed", str(seed)]
    command += [] if key is None else ["--header", f"Authorization: Bearer {key}"]
    asking = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert asking.returncode == 0, asking.stdout[-20_000:]
    report: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert report["complete"]
    assert report["errors"] == []
    assert report["operations"]["tested"] == len(operations)
    print(report["operations"], report["test_cases"])
    return report


def at_bounds(operations: Collection[str]) -> set[str]:
    return set(operations) - (set() if THOROUGH else LIKE_ANOTHER)


def never_accepted(report: dict[str, Any]) -> list[str]:
    """The operations of which no question got what it asked for: such answers prove little."""
    return [
        operation
        for operation, phases in report["valid_rates"].items()
        if sum(phase["accepted"] for phase in phases.values()) == 0
    ]


def test_the_public_is_answered_as_documented(
    api: ApiServer, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    report = judged(api, tmp_path, request, OPEN, *RANDOM)

    assert never_accepted(report) == []


def test_the_public_is_answered_as_documented_at_the_bounds(
    api: ApiServer, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    judged(api, tmp_path, request, at_bounds(OPEN), *BOUNDS)


def test_a_key_is_answered_as_documented(
    api: ApiServer, tmp_path: Path, request: pytest.FixtureRequest, key: str
) -> None:
    report = judged(api, tmp_path, request, KEYED | TELLING_MORE, *RANDOM, key=key)

    assert never_accepted(report) == []


def test_a_key_is_answered_as_documented_at_the_bounds(
    api: ApiServer, tmp_path: Path, request: pytest.FixtureRequest, key: str
) -> None:
    judged(api, tmp_path, request, at_bounds(KEYED | TELLING_MORE), *BOUNDS, key=key)

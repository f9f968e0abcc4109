"""Every branch of the decoder and of the deduplication is tested, by their own tests alone.

Measured in a process of its own, because coverage would slow the whole suite. What is measured and what must be
reached stands in `pyproject.toml`.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.databases import OUTSIDE_SERVER, TestDatabases

ROOT = Path(__file__).parents[2]
TESTS = (
    "tests/contract",
    "tests/unit/test_ingest_translate.py",
    "tests/unit/test_ingest_bulk_client.py",
    "tests/integration/test_store_log.py",
)


@pytest.mark.timeout(300)
def test_every_branch_of_decoding_and_deduplication_is_tested(
    databases: TestDatabases, tmp_path: Path
) -> None:
    env = {
        **os.environ,
        "COVERAGE_FILE": str(tmp_path / "coverage"),
        OUTSIDE_SERVER: databases.url("postgres"),
    }
    env.pop("PYTEST_ADDOPTS", None)

    def coverage(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "coverage", *arguments]
        return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)

    ran = coverage("run", "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", *TESTS)
    assert ran.returncode == 0, ran.stdout[-3000:]
    report = coverage("report", "--skip-covered")
    assert report.returncode == 0, report.stdout + report.stderr

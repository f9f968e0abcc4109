"""The floors of the house: import-linter holds the imports, these tests make sure that nothing escapes it."""

import ast
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ROOMS = (
    "api",
    "baycast",
    "feed_client",
    "firmware_contract",
    "ingest",
    "occupancy",
    "publish",
    "signs",
    "simulator",
    "store",
)
NOT_ROOMS = {"tests", "deploy", "docs"}
LAWS = [f"L{number}" for number in range(1, 13)]
# A statement, not an English sentence: the verb in capitals and what follows it in SQL.
SQL = re.compile(
    r"^\s*(SELECT\s|INSERT\s+INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s|WITH\s+\w+\s+AS\s|CREATE\s+TABLE\s)"
)


def modules(*rooms: str) -> Iterator[Path]:
    for room in rooms:
        yield from sorted((ROOT / room).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, dotted, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def test_the_import_contracts_hold() -> None:
    linter = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run(
        [linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done.stdout[done.stdout.find("Contracts") :]


def test_every_package_is_under_every_tool() -> None:
    packages = {
        path.name
        for path in ROOT.iterdir()
        if path.is_dir() and not path.name.startswith(".") and any(path.rglob("*.py"))
    }
    assert packages - NOT_ROOMS == set(ROOMS)
    tools = PYPROJECT["tool"]
    assert set(tools["importlinter"]["root_packages"]) == set(ROOMS)
    assert set(tools["mypy"]["packages"]) == set(ROOMS)
    assert set(tools["hatch"]["build"]["targets"]["wheel"]["packages"]) == set(ROOMS)


def test_no_module_escapes_the_linter_for_want_of_an_init() -> None:
    """import-linter and mypy see packages; a folder without __init__.py is none."""
    folders = {path.parent for path in modules(*ROOMS)}
    assert sorted(str(folder) for folder in folders if not (folder / "__init__.py").exists()) == []


def test_only_the_composition_root_starts_the_engine() -> None:
    """occupancy/engine is exempt from purity, so nothing of its own floor or below may lean on it."""
    users = [
        str(path.relative_to(ROOT))
        for path in modules(*ROOMS)
        if path.relative_to(ROOT).parts[0] != "baycast"
        and path.relative_to(ROOT).parts[:2] != ("occupancy", "engine")
        and any(f"{module}.".startswith("occupancy.engine.") for module in imports(path))
    ]
    assert users == []


def test_nothing_reaches_for_a_module_by_name() -> None:
    """importlib would walk around the contracts; only the command line finds its commands that way."""
    finders = [
        str(path.relative_to(ROOT))
        for path in modules(*ROOMS)
        if "importlib.import_module" in path.read_text(encoding="utf-8")
    ]
    assert finders == ["baycast/cli.py"]


def test_sql_lives_in_the_store() -> None:
    found = []
    for path in modules(*(room for room in ROOMS if room not in {"store", "baycast"})):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.match(node.value):
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert found == []


def test_every_test_file_is_collected_or_support_or_a_soak() -> None:
    strays = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "tests").rglob("*.py")
        if path.name != "conftest.py"
        and not path.name.startswith("test_")
        and path.parts[-2] not in ("support", "fuzz", "machine_soak")
    ]
    assert strays == []


def test_test_files_have_names_of_their_own() -> None:
    names = Counter(path.name for path in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name, times in names.items() if times > 1] == []


@pytest.mark.parametrize("law", LAWS)
def test_every_law_is_named_by_a_test(law: str) -> None:
    mention = re.compile(rf"\b{law}\b|def test_{law.lower()}_")
    own = Path(__file__).name
    files = [path for path in (ROOT / "tests").rglob("test_*.py") if path.name != own]
    assert any(mention.search(path.read_text(encoding="utf-8")) for path in files)


def test_every_command_says_what_it_does() -> None:
    for path in modules("baycast/commands"):
        if path.name == "__init__.py":
            continue
        defined = {
            target.id
            for node in ast.parse(path.read_text(encoding="utf-8")).body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        } | {
            node.name
            for node in ast.parse(path.read_text(encoding="utf-8")).body
            if isinstance(node, ast.FunctionDef)
        }
        assert {"HELP", "configure", "run"} <= defined, path.name


def test_decision_records_are_numbered_without_gaps() -> None:
    numbers = sorted(int(path.name[:4]) for path in (ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    assert numbers == list(range(1, len(numbers) + 1))

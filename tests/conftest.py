"""Fixtures of the whole suite. Servers start when the first test asks for one: unit tests start at once."""

import logging
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from tests.support.brokers import Broker
    from tests.support.databases import TestDatabases

# What the developer's shell has set must not reach the tests; the servers to test on are BAYCAST_TEST_*.
for _name in [
    name for name in os.environ if name.startswith("BAYCAST_") and not name.startswith("BAYCAST_TEST_")
]:
    del os.environ[_name]


# `make soak` takes the second one. No deadline: on a busy machine a slow example says nothing about the code.
settings.register_profile("suite", deadline=None, print_blob=True)
settings.register_profile("soak", parent=settings.get_profile("suite"), max_examples=5000)
settings.load_profile("suite")


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """The command line sets up logging for a whole process, which here is the test run."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    if root.handlers != handlers:
        root.handlers[:] = handlers
    root.setLevel(level)
    # Otherwise warnings would turn into log lines, and no longer fail the test.
    logging.captureWarnings(capture=False)


@pytest.fixture(scope="session")
def databases() -> Iterator["TestDatabases"]:
    """The PostgreSQL server of this test process (of this xdist worker)."""
    from tests.support.databases import running_databases

    with running_databases() as running:
        yield running


@pytest.fixture
def database_url(databases: "TestDatabases") -> Iterator[str]:
    """A fresh, migrated database for this test alone."""
    with databases.fresh() as url:
        yield url


@pytest.fixture(scope="module")
def module_database_url(databases: "TestDatabases") -> Iterator[str]:
    """A fresh, migrated database for the tests of a module that only ask, or are refused."""
    with databases.fresh() as url:
        yield url


@pytest.fixture
def empty_database_url(databases: "TestDatabases") -> Iterator[str]:
    """A fresh database without our schema, for tests of the migration itself."""
    with databases.fresh(migrated=False) as url:
        yield url


@pytest.fixture
def broker() -> Iterator["Broker"]:
    """A fresh mosquitto for this test alone: `.url`, `.port`, `.stop()`, `.start()`, `.kill()`."""
    from tests.support.brokers import running_broker

    with running_broker() as running:
        yield running

"""Staging tables of a migrated warehouse, for tests of `sql/`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from churn import embedded
from churn.config import RolesSection
from churn.migrate import migrate
from churn.warehouse import Database, open_database
from tests.sql.staging_tables import Staging


@pytest.fixture(scope="session")
def staging_database(make_template: Any, server_home: Path) -> Iterator[Database]:
    """A migrated warehouse that the tests of one worker share, each in a transaction that is rolled back."""
    name = make_template(f"staging_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}", _migrate)
    database = open_database(embedded.database_url(server_home, name), "warehouse", role="churn_job")
    yield database
    database.dispose()


@pytest.fixture
def staging(staging_database: Database) -> Iterator[Staging]:
    """Empty staging tables."""
    with staging_database.engine.connect() as connection:
        yield Staging(connection)


def _migrate(url: str) -> None:
    database = open_database(url, "warehouse")
    migrate(database, RolesSection())
    database.dispose()

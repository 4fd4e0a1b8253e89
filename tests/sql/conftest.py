"""Staging tables of a migrated warehouse, for tests of `sql/`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from churn import embedded
from churn.config import RolesSection
from churn.migrate import migrate
from churn.warehouse import Database, open_database, quoted, run_ddl
from tests.sql.staging_tables import Staging


@pytest.fixture(scope="session")
def staging_database(make_template: Any, server_home: Path) -> Iterator[Database]:
    """A migrated warehouse that the tests of one worker share, each in a transaction that is rolled back."""
    name = make_template(f"staging_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}", _migrate)
    database = open_database(embedded.database_url(server_home, name), "warehouse", role="churn_job")
    yield database
    database.dispose()


@pytest.fixture(scope="session")
def ledger_url(make_template: Any, server_home: Path) -> str:
    """Address of a migrated warehouse that the tests of one worker share: ask for `ledger` to find its `ops` empty."""
    name = make_template(f"ledger_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}", _migrate)
    return embedded.database_url(server_home, name)


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Database]:
    """The warehouse at `ledger_url`, opened as its owner; its `ops` is empty but for what the migration made."""
    database = open_database(ledger_url, "warehouse", role="churn_job")
    kept = {"alembic_version", "writer"}
    with database.begin() as connection:
        names = sa.inspect(connection).get_table_names("ops")
        emptied = ", ".join(f"ops.{quoted(name)}" for name in names if name not in kept)
        run_ddl(connection, f"truncate {emptied} restart identity cascade")
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

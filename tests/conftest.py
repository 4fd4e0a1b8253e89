"""What every test may ask for: one embedded Postgres for the run, fresh databases on it, the shared data.

The server is started by the first test that needs it, shared by all workers of pytest-xdist, and deleted
when the run ends. `tests/unit` asks for none of this. `CHURN_TEST_POSTGRES` names the programs of another Postgres
to run it all on (see `tests/other_server.py`).
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

import psycopg2
import pytest
from psycopg2 import sql

from churn import embedded
from churn.config import RolesSection
from churn.migrate import migrate
from churn.warehouse import Database, open_database
from tests import other_server

_HOME = pytest.StashKey[Path]()
_REPOSITORY = Path(__file__).resolve().parent.parent


class MakeDatabase(Protocol):
    """Makes a database for one test and gives its SQLAlchemy address."""

    def __call__(self, template: str | None = None) -> str: ...


class MakeTemplate(Protocol):
    """Makes a template once a run, by a function that is given its address, and gives its name."""

    def __call__(self, name: str, fill: Callable[[str], object]) -> str: ...


# ---------------------------------------------------------------- the server


def pytest_configure(config: pytest.Config) -> None:
    other_server.use_from_environment()
    worker: dict[str, Any] | None = getattr(config, "workerinput", None)
    home = tempfile.mkdtemp(prefix="churn-test-") if worker is None else worker["churn_home"]
    config.stash[_HOME] = Path(home)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist which home all share."""
    node.workerinput["churn_home"] = str(node.config.stash[_HOME])


def pytest_unconfigure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        return
    embedded.destroy(config.stash[_HOME])
    shutil.rmtree(config.stash[_HOME])


@pytest.fixture(scope="session")
def server_home(request: pytest.FixtureRequest) -> Path:
    """The `.churn` folder of the run's embedded Postgres, which is up.

    It forgets everything at the end of the run, so it need not wait for the disk nor survive a crash, and its
    databases live too short a time to be tidied up.
    """
    home = request.config.stash[_HOME]
    embedded.start(home)
    for name in ("fsync", "synchronous_commit", "full_page_writes", "autovacuum"):
        _run(home, f"alter system set {name} = off")
    _run(home, "select pg_reload_conf()")
    return home


# ---------------------------------------------------------------- databases


@pytest.fixture(scope="session")
def make_template(server_home: Path) -> MakeTemplate:
    """Make a template database the first time any worker asks for it; `make_database(name)` copies it.

    `fill` must close its connections: Postgres copies no database that is in use.
    """

    def make(name: str, fill: Callable[[str], object]) -> str:
        partial = f"{name}_partial"
        with _one_worker_at_a_time(server_home):
            if not _exists(server_home, name):
                _run(server_home, "drop database if exists {}", partial)
                _run(server_home, "create database {}", partial)
                fill(embedded.database_url(server_home, partial))
                _run(server_home, "alter database {} rename to {}", partial, name)
        return name

    return make


@pytest.fixture
def make_database(server_home: Path) -> Iterator[MakeDatabase]:
    """Make databases that are this test's alone, empty or copied from a template; dropped after the test."""
    made: list[str] = []

    def make(template: str | None = None) -> str:
        name = f"test_{uuid.uuid4().hex}"
        # Files as they are: quicker than by the log where nothing waits for the disk.
        _run(server_home, "create database {} template {} strategy file_copy", name, template or "template0")
        made.append(name)
        return embedded.database_url(server_home, name)

    yield make
    for name in made:
        _run(server_home, "drop database {} with (force)", name)


@pytest.fixture
def empty_database(make_database: MakeDatabase) -> str:
    """SQLAlchemy address of a database with nothing in it."""
    return make_database()


@pytest.fixture
def warehouse_url(make_template: MakeTemplate, make_database: MakeDatabase) -> str:
    """SQLAlchemy address of a migrated, empty warehouse that is this test's alone."""
    return make_database(make_template("migrated_warehouse", _migrate))


@pytest.fixture
def warehouse(warehouse_url: str) -> Iterator[Database]:
    """A migrated, empty warehouse, opened as the role that owns it."""
    database = open_database(warehouse_url, "warehouse", role="churn_job")
    yield database
    database.dispose()


def _migrate(url: str) -> None:
    database = open_database(url, "warehouse")
    migrate(database, RolesSection())
    database.dispose()


# ---------------------------------------------------------------- data


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the public data sets: `../shared/data` beside the checkout, or `$CHURN_SHARED/data`."""
    folder = Path(os.environ.get("CHURN_SHARED", _REPOSITORY.parent / "shared")) / "data"
    if not folder.is_dir():
        pytest.skip(f"the public data sets are not at {folder}; set CHURN_SHARED to the folder that holds data/")
    return folder


# ---------------------------------------------------------------- helpers


def _run(home: Path, statement: str, *names: str) -> None:
    with closing(_superuser(home)) as connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def _exists(home: Path, name: str) -> bool:
    with closing(_superuser(home)) as connection, connection.cursor() as cursor:
        cursor.execute("select 1 from pg_database where datname = %s", (name,))
        return cursor.fetchone() is not None


def _superuser(home: Path) -> Any:
    connection = psycopg2.connect(embedded.database_url(home, "postgres", libpq=True))
    connection.autocommit = True
    return connection


@contextmanager
def _one_worker_at_a_time(home: Path) -> Iterator[None]:
    with (home / "templates.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield

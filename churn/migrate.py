"""Bringing a warehouse up to date: roles, schemas, tables by Alembic, views from `sql/views`, grants."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from churn.config import RolesSection, UsageFeature
from churn.errors import LockedError, WarehouseError
from churn.feature_view import VIEW as FEATURE_VIEW
from churn.feature_view import replace_feature_view
from churn.roles import grant_reading, make_roles
from churn.sqlfiles import SqlFile, read_sql, resource_folder, sql_folder
from churn.warehouse import Database, comment_on, lock_in_transaction, quoted, run_ddl
from churn.warehouse.locks import TRY_LATER

VERSION_SCHEMA = "ops"
OLDEST_POSTGRES = 15
_EARLIER_LOCK = 0x636875726E  # "churn": the key of the advisory lock that releases up to 0004 took
INNER_VIEWS = {
    "staging.subscription_periods": "staging/subscription_periods.sql",
    "scores.kpi_figures": "kpis/kpi_figures.sql",
}
"""Views that others are built on; the migration that makes their tables drops them."""


def migrate(warehouse: Database, roles: RolesSection, usage: Sequence[UsageFeature] = ()) -> list[str]:
    """Bring the warehouse to this release, in one transaction, under the writer lock.

    Parameters
    ----------
    warehouse : Database
        Opened as the login itself, not as the owner role, which this makes.
    roles : RolesSection
    usage : sequence of UsageFeature
        `[[features.usage]]`, for what the columns of their features mean.

    Returns
    -------
    list of str
        SQL for an administrator, where `roles.manage` is off and roles are missing.
    """
    with warehouse.begin() as connection:
        _lock_out_others(connection)
        _refuse_old_postgres(connection)
        _refuse_newer(revisions(connection)[0])
        left_to_do = make_roles(connection, roles)
        if connection.scalar(
            sa.text("select pg_catalog.pg_has_role(oid, 'member') from pg_catalog.pg_roles where rolname = :role"),
            {"role": roles.churn_job},
        ):
            run_ddl(connection, f"set local role {quoted(roles.churn_job)}")
        command.upgrade(_alembic(connection), "head")
        replace_views(connection, usage)
        grant_reading(connection, roles)
    return left_to_do


def downgrade(warehouse: Database) -> None:
    """Drop everything that `migrate` made but the roles and schemas; for tests and for starting over."""
    with warehouse.begin() as connection:
        _lock_out_others(connection)
        for view in bi_views():
            run_ddl(connection, f"drop view if exists bi.{quoted(view.name)}")
        command.downgrade(_alembic(connection), "base")


def _lock_out_others(connection: Connection) -> None:
    """Take the writer lock, and the one that releases before `ops.writer` took, until the end of this transaction.

    Raises
    ------
    LockedError
        Another job is writing, or another migration is running.
    """
    lock_in_transaction(connection)
    if not connection.scalar(sa.text("select pg_try_advisory_xact_lock(:key)"), {"key": _EARLIER_LOCK}):
        raise LockedError("Another job of an earlier release, or another migration, is at work here.", TRY_LATER)


def require_current(connection: Connection) -> None:
    """Refuse to work on a warehouse of another release.

    Raises
    ------
    WarehouseError
        It is not migrated, or to another revision than this release's.
    """
    found, wanted = revisions(connection)
    _refuse_newer(found)
    if found != wanted:
        raise WarehouseError(
            f"The warehouse is at revision {found or 'none'}, this release needs {wanted}.",
            "Run `churn migrate`.",
        )


def revisions(connection: Connection) -> tuple[str | None, str | None]:
    """Return the revision that the warehouse is at, and the one that this release needs."""
    context = MigrationContext.configure(
        connection, opts={"version_table": "alembic_version", "version_table_schema": VERSION_SCHEMA}
    )
    found = context.get_current_revision() if connection.dialect.has_schema(connection, VERSION_SCHEMA) else None
    return found, _scripts().get_current_head()


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(resource_folder("migrations")))


def _refuse_newer(revision: str | None) -> None:
    """Refuse a warehouse that a newer release has migrated: nobody here knows what is in it."""
    if revision is not None and revision not in {script.revision for script in _scripts().walk_revisions()}:
        raise WarehouseError(
            f"The warehouse is at revision {revision}, which this release does not know: a newer release made it.",
            "Install that newer release of churn.",
        )


def pending(warehouse: Database) -> tuple[str | None, str | None]:
    """Return the same for `churn migrate --dry-run`."""
    with warehouse.begin() as connection:
        return revisions(connection)


def bi_views() -> list[SqlFile]:
    """Return the files of the `bi` views, by name."""
    return list(sql_folder("views"))


def replace_views(connection: Connection, usage: Sequence[UsageFeature] = ()) -> None:
    """Make every view anew from its file, with its comments; grants and views built upon them stay."""
    for target, path in INNER_VIEWS.items():
        run_ddl(connection, f"create or replace view {target} as {read_sql(path).body}")
    for view in bi_views():
        if view.name == FEATURE_VIEW:
            replace_feature_view(connection, usage)
            continue
        target = f"bi.{quoted(view.name)}"
        run_ddl(connection, f"create or replace view {target} as {view.body}")
        comment_on(connection, f"view {target}", view.header["comment"])
        for key, text in view.header.items():
            if key.startswith("column."):
                comment_on(connection, f"column {target}.{quoted(key.removeprefix('column.'))}", text)


def _alembic(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(resource_folder("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _refuse_old_postgres(connection: Connection) -> None:
    version = connection.scalar(sa.text("select current_setting('server_version_num')::int / 10000"))
    if version is None or version < OLDEST_POSTGRES:
        raise WarehouseError(f"The warehouse runs Postgres {version}; at least {OLDEST_POSTGRES} is needed.")

"""Database roles: one that owns the warehouse and two that read it, with as little as each needs."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn.config import RolesSection
from churn.errors import WarehouseError
from churn.schema import SCHEMAS
from churn.warehouse import quoted, run_ddl

MARKETING_VIEWS = (
    "at_risk_customers",
    "high_value_at_risk",
    "list_exclusions",
    "campaign_lists",
    "campaign_balance",
    "campaign_results",
    "save_rates",
)


def existing_roles(connection: Connection, roles: RolesSection) -> set[str]:
    """Return which of the configured roles there are."""
    wanted = [roles.churn_job, roles.bi_reader, roles.marketing_reader]
    found = connection.execute(
        sa.text("select rolname from pg_catalog.pg_roles where rolname = any(:wanted)"), {"wanted": wanted}
    )
    return set(found.scalars())


def role_statements(roles: RolesSection, database: str, existing: set[str], login: str) -> list[str]:
    """Return the SQL that makes the missing roles, for this tool or for an administrator to run."""
    wanted = [roles.churn_job, roles.bi_reader, roles.marketing_reader]
    statements = [f"create role {quoted(role)} nologin" for role in wanted if role not in existing]
    owner = quoted(roles.churn_job)
    if login != roles.churn_job:
        statements.append(f"grant {owner} to {quoted(login)}")
        # Who may become the owner may well become a reader: `churn serve` looks as one.
        if roles.bi_reader not in existing:
            statements.append(f"grant {quoted(roles.bi_reader)} to {quoted(login)}")
    statements.append(f"grant connect, create, temporary on database {quoted(database)} to {owner}")
    return statements


def make_roles(connection: Connection, roles: RolesSection) -> list[str]:
    """Make the missing roles and schemas, or return the SQL that an administrator has to run.

    Returns
    -------
    list of str
        Empty where `roles.manage` is on, or where nothing is missing.

    Raises
    ------
    WarehouseError
        The login may not create roles; the message says how to go on.
    """
    existing = existing_roles(connection, roles)
    login, database = connection.execute(sa.text("select current_user, current_database()")).one()
    missing = {roles.churn_job, roles.bi_reader, roles.marketing_reader} - existing
    statements = role_statements(roles, database, existing, login)
    if not roles.manage:
        _make_schemas(connection, roles.churn_job if _may_become(connection, roles.churn_job) else login)
        return [f"{statement};" for statement in statements] if missing else []
    if missing and not _may_create_roles(connection):
        raise WarehouseError(
            f"The login {login} may not create the roles {', '.join(sorted(missing))}.",
            "Set roles.manage = false: `churn migrate` then prints the SQL for your administrator.",
        )
    for statement in statements if missing or not _may_become(connection, roles.churn_job) else statements[-1:]:
        run_ddl(connection, statement)
    _close_database(connection, roles, database)
    _make_schemas(connection, roles.churn_job)
    return []


def _close_database(connection: Connection, roles: RolesSection, database: str) -> None:
    """Let the readers connect, and take temporary tables from everybody, where the database is this login's own."""
    owned = sa.text(
        "select datdba = (select oid from pg_catalog.pg_roles where rolname = current_user) "
        "from pg_catalog.pg_database where datname = current_database()"
    )
    if not connection.scalar(owned):
        return
    readers = f"{quoted(roles.bi_reader)}, {quoted(roles.marketing_reader)}"
    run_ddl(connection, f"grant connect on database {quoted(database)} to {readers}")
    run_ddl(connection, f"revoke temporary on database {quoted(database)} from public")


def _may_create_roles(connection: Connection) -> bool:
    return bool(
        connection.scalar(
            sa.text("select rolsuper or rolcreaterole from pg_catalog.pg_roles where rolname = current_user")
        )
    )


def _may_become(connection: Connection, role: str) -> bool:
    return bool(
        connection.scalar(
            sa.text("select pg_catalog.pg_has_role(oid, 'member') from pg_catalog.pg_roles where rolname = :role"),
            {"role": role},
        )
    )


def _make_schemas(connection: Connection, owner: str) -> None:
    for schema in SCHEMAS:
        if not connection.dialect.has_schema(connection, schema):
            run_ddl(connection, f"create schema {quoted(schema)} authorization {quoted(owner)}")


def grant_reading(connection: Connection, roles: RolesSection) -> None:
    """Let the readers that exist read what they may: all of `bi`, or the lists alone."""
    existing = existing_roles(connection, roles)
    statements = []
    if roles.bi_reader in existing:
        reader = quoted(roles.bi_reader)
        statements += [
            f"grant usage on schema bi to {reader}",
            f"grant select on all tables in schema bi to {reader}",
        ]
    if roles.marketing_reader in existing:
        reader = quoted(roles.marketing_reader)
        statements.append(f"grant usage on schema bi to {reader}")
        statements += [f"grant select on bi.{quoted(view)} to {reader}" for view in MARKETING_VIEWS]
    for statement in statements:
        run_ddl(connection, statement)

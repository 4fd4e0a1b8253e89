"""Migrations build what schema.py says, can be undone, and done again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from churn.config import RolesSection
from churn.migrate import bi_views, downgrade, migrate
from churn.schema import SCHEMAS, metadata
from churn.warehouse import Database, open_database

ROLES = RolesSection()

COLUMNS = sa.text(
    """
    select n.nspname, c.relname, c.relkind, c.relpersistence, pg_get_partkeydef(c.oid), a.attname,
        format_type(a.atttypid, a.atttypmod), a.attnotnull
    from pg_class as c
    inner join pg_namespace as n on c.relnamespace = n.oid
    inner join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where n.nspname in ('staging', 'scores', 'ops') and c.relkind in ('r', 'p') and c.relname <> 'alembic_version'
    order by 1, 2, a.attname
    """
)
CONSTRAINTS = sa.text(
    """
    select n.nspname, k.conname, pg_get_constraintdef(k.oid)
    from pg_constraint as k
    inner join pg_namespace as n on k.connamespace = n.oid
    where n.nspname in ('staging', 'scores', 'ops') and k.conname not like '%alembic%'
    order by 1, 2
    """
)
INDEXES = sa.text(
    "select indexdef from pg_indexes where schemaname in ('staging', 'scores', 'ops') "
    "and tablename <> 'alembic_version' order by 1"
)


def _picture(database: Database) -> list[list[tuple]]:
    with database.begin() as connection:
        return [[tuple(row) for row in connection.execute(query)] for query in (COLUMNS, CONSTRAINTS, INDEXES)]


def test_migrations_and_schema_build_the_same_tables(warehouse, make_database):
    direct = open_database(make_database(), "warehouse")
    with direct.begin() as connection:
        for schema in SCHEMAS:
            connection.exec_driver_sql(f"create schema {schema}")
        metadata.create_all(connection)
    assert _picture(warehouse) == _picture(direct)


def test_alembic_sees_no_difference(warehouse):
    with warehouse.begin() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True,
                "version_table_schema": "ops",
                "include_object": lambda _object, name, kind, *_: not (kind == "table" and name == "alembic_version"),
            },
        )
        assert compare_metadata(context, metadata) == []


def test_up_down_and_up_again(empty_database):
    database = open_database(empty_database, "warehouse")
    migrate(database, ROLES)
    first = _picture(database)
    downgrade(database)
    assert all(not part for part in _picture(database))
    migrate(database, ROLES)
    assert _picture(database) == first


def test_migrating_twice_changes_nothing(warehouse_url):
    database = open_database(warehouse_url, "warehouse")
    before = _picture(database)
    assert migrate(database, ROLES) == []
    assert _picture(database) == before


def test_every_view_and_column_has_a_comment(warehouse):
    with warehouse.begin() as connection:
        bare = connection.execute(
            sa.text(
                """
                select c.relname || coalesce('.' || a.attname, '')
                from pg_class as c
                left join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0
                where c.relnamespace = 'bi'::regnamespace
                    and (obj_description(c.oid) is null or col_description(c.oid, a.attnum) is null)
                """
            )
        ).scalars()
        assert list(bare) == []
        views = set(connection.execute(sa.text("select viewname from pg_views where schemaname = 'bi'")).scalars())
    assert views == {view.name for view in bi_views()}


def test_the_warehouse_belongs_to_the_job_role(warehouse):
    with warehouse.begin() as connection:
        owners = connection.execute(
            sa.text(
                "select distinct pg_get_userbyid(relowner) from pg_class "
                "where relnamespace::regnamespace::text in ('staging', 'scores', 'ops', 'bi')"
            )
        ).scalars()
        assert set(owners) == {"churn_job"}

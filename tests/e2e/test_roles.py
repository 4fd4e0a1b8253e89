"""Each role, in a session of a login that has nothing but that role, tries what it must not do."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import psycopg2.errors
import pytest

from churn import embedded
from churn.config import RolesSection
from churn.migrate import bi_views, migrate
from churn.roles import MARKETING_VIEWS
from churn.schema import SCHEMAS
from churn.warehouse import open_database, quoted, run_ddl
from tests.conftest import MakeDatabase

ROLES = RolesSection()
READERS = (ROLES.bi_reader, ROLES.marketing_reader)
HIDDEN = ("staging", "scores", "ops")

Try = Callable[[str], Any]

TABLES_AND_VIEWS = """
select format('%%I.%%I', n.nspname, c.relname) from pg_class as c inner join pg_namespace as n on c.relnamespace = n.oid
where n.nspname = any(%s) and c.relkind in ('r', 'p', 'v') and not c.relispartition order by 1
"""
WAYS_TO_WRITE = (
    "insert into {} default values",
    "delete from {}",
    "truncate {}",
    "drop view {}",
    "alter view {} rename to x",
    "comment on view {} is 'x'",
)
LOCKS_OF_WRITERS = ("row exclusive", "share update exclusive", "share", "access exclusive")
OUT_OF_THE_DATABASE = (
    "copy (select 1) to program 'true'",
    "copy (select 1) to '/nowhere/x'",
    "select pg_read_file('postgresql.conf')",
    "select pg_ls_dir('.')",
    "select lo_import('/etc/hosts')",
    "select rolpassword from pg_authid",
    "alter system set fsync = off",
    "create role intruder",
    "create database intruder",
    "alter role {me} superuser",
    "set role postgres",
    "set session authorization postgres",
    "create extension file_fdw",
    "create language plpython3u",
    "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'postgres'",
)
REFUSED = (
    psycopg2.errors.InsufficientPrivilege,
    psycopg2.errors.UndefinedFile,  # no such extension here; one that is there is refused
    psycopg2.errors.FeatureNotSupported,
    psycopg2.errors.UndefinedObject,
    psycopg2.errors.ObjectNotInPrerequisiteState,  # a view that nobody could write to
    psycopg2.errors.WrongObjectType,
)


class Sessions:
    """Logins that have one role each, and their sessions."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.logins: list[str] = []

    def of(self, role: str, database: str | None = None) -> Any:
        """A new session of a new login of a role."""
        login = f"login_{uuid.uuid4().hex}"
        with open_database(self.url, "warehouse").begin() as connection:
            run_ddl(connection, f"create role {quoted(login)} login in role {quoted(role)}")
        self.logins.append(login)
        parts = psycopg2.extensions.parse_dsn(self.url.replace("postgresql+psycopg2", "postgresql"))
        session = psycopg2.connect(**{**parts, "user": login, **({"dbname": database} if database else {})})
        session.autocommit = True
        return session

    def close(self) -> None:
        with open_database(self.url, "warehouse").begin() as connection:
            for login in self.logins:
                run_ddl(connection, f"drop owned by {quoted(login)}; drop role {quoted(login)}")


@pytest.fixture
def sessions(warehouse_url: str) -> Iterator[Sessions]:
    made = Sessions(warehouse_url)
    yield made
    made.close()


def column(session: Any, query: str, *params: Any) -> list[Any]:
    with session.cursor() as cursor:
        cursor.execute(query, params)
        return [row[0] for row in cursor.fetchall()]


def allowed(session: Any, *statements: str) -> list[str]:
    """Those of the statements that are not refused; a table of the wrong kind is refused, too."""
    found = []
    for statement in statements:
        try:
            with session.cursor() as cursor:
                cursor.execute(statement)
        except REFUSED:
            continue
        except psycopg2.Error as error:
            found.append(f"{statement}: {error}")
        else:
            found.append(statement)
    return found


def all_of(session: Any, *schemas: str) -> list[str]:
    return column(session, TABLES_AND_VIEWS, list(schemas))


# ---------------------------------------------------------------- the readers


@pytest.mark.parametrize("role", READERS)
def test_a_reader_reads_its_views_and_no_other(sessions, role):
    with closing(sessions.of(role)) as session:
        views = all_of(session, "bi")
        assert len(views) == len(bi_views())
        mine = views if role == ROLES.bi_reader else [f"bi.{name}" for name in MARKETING_VIEWS]
        assert set(mine) <= set(views)
        assert sorted(allowed(session, *(f"select * from {view}" for view in views))) == sorted(
            f"select * from {view}" for view in mine
        )


@pytest.mark.parametrize("role", READERS)
def test_a_reader_sees_nothing_of_what_lies_below_the_views(sessions, role):
    with closing(sessions.of(role)) as session:
        hidden = all_of(session, *HIDDEN)
        assert len(hidden) > 40
        assert allowed(session, *(f"select * from {table}" for table in hidden)) == []
        assert allowed(session, *(f"create table {schema}.mine (n int)" for schema in (*SCHEMAS, "public"))) == []


@pytest.mark.parametrize("role", READERS)
def test_a_reader_writes_nowhere(sessions, role):
    with closing(sessions.of(role)) as session:
        for way in WAYS_TO_WRITE:
            assert allowed(session, *(way.format(view) for view in all_of(session, "bi"))) == []
        tables = all_of(session, *HIDDEN)
        for way in WAYS_TO_WRITE[:3]:
            assert allowed(session, *(way.format(table) for table in tables)) == []
        assert allowed(session, "create schema mine", "create view bi.mine as select 1") == []


@pytest.mark.parametrize("role", READERS)
def test_a_reader_keeps_no_job_waiting(sessions, role):
    """What a job waits for is a table, and no number that anybody may lock."""
    with closing(sessions.of(role)) as session:
        things = all_of(session, *HIDDEN, "bi")
        assert {"ops.writer", "ops.tombstones", "ops.alerts"} <= set(things)
        ways = [f"do $$ begin lock table {{}} in {mode} mode; end $$" for mode in LOCKS_OF_WRITERS]
        ways.append("select 1 from {} for share")
        assert allowed(session, *(way.format(thing) for thing in things for way in ways)) == []


@pytest.mark.parametrize("role", READERS)
def test_a_reader_becomes_nobody_else_and_gets_nowhere_outside(sessions, role):
    with closing(sessions.of(role)) as session:
        others = [f"set role {quoted(other)}" for other in (ROLES.churn_job, *READERS) if other != role]
        me = column(session, "select quote_ident(current_user)")[0]
        assert allowed(session, *others, *(way.format(me=me) for way in OUT_OF_THE_DATABASE)) == []


MINE_FOR_A_WHILE = "create temporary table mine (n int)"


def migrate_again(url: str, owner: str = "postgres") -> None:
    """Migrate a database that has a certain owner; a copied one has the rights of a new one."""
    database = open_database(url, "warehouse")
    with database.begin() as connection:
        name = quoted(str(connection.exec_driver_sql("select current_database()").scalar()))
        run_ddl(connection, f"alter database {name} owner to {quoted(owner)}")
    migrate(database, ROLES)
    database.dispose()


def test_marketing_reads_what_its_offers_have_saved(sessions):
    with closing(sessions.of(ROLES.marketing_reader)) as session:
        assert column(session, "select count(*) from bi.save_rates") == [0]


@pytest.mark.parametrize("role", READERS)
def test_a_reader_makes_no_temporary_table_once_the_database_is_migrated(sessions, role):
    migrate_again(sessions.url)
    with closing(sessions.of(role)) as session:
        assert allowed(session, MINE_FOR_A_WHILE) == []
    with closing(sessions.of(ROLES.churn_job)) as session:
        assert allowed(session, MINE_FOR_A_WHILE) == [MINE_FOR_A_WHILE]


def test_readers_may_connect_where_the_public_may_not(sessions):
    migrate_again(sessions.url)
    with open_database(sessions.url, "warehouse").begin() as connection:
        name = quoted(str(connection.exec_driver_sql("select current_database()").scalar()))
        run_ddl(connection, f"revoke connect on database {name} from public")
        run_ddl(connection, "create role nobody_there nologin")
    try:
        for role in READERS:
            sessions.of(role).close()
        with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
            sessions.of("nobody_there")
    finally:
        sessions.close()
        sessions.logins.clear()
        with open_database(sessions.url, "warehouse").begin() as connection:
            run_ddl(connection, "drop role nobody_there")


def test_a_database_of_somebody_else_keeps_its_rights(sessions):
    with open_database(sessions.url, "warehouse").begin() as connection:
        run_ddl(connection, "drop role if exists landlord; create role landlord")
    migrate_again(sessions.url, "landlord")
    with closing(sessions.of(ROLES.bi_reader)) as session:
        assert allowed(session, MINE_FOR_A_WHILE) == [MINE_FOR_A_WHILE]
    migrate_again(sessions.url)
    with open_database(sessions.url, "warehouse").begin() as connection:
        run_ddl(connection, "drop role landlord")


# ---------------------------------------------------------------- the job


def test_the_job_writes_the_warehouse_and_nothing_outside_it(sessions):
    with closing(sessions.of(ROLES.churn_job)) as session:
        assert allowed(session, "delete from scores.insights") == ["delete from scores.insights"]
        me = column(session, "select quote_ident(current_user)")[0]
        wanted = [way.format(me=me) for way in OUT_OF_THE_DATABASE]
        assert allowed(session, *wanted, "create table public.mine (n int)") == []
        for attribute in ("rolsuper", "rolcreaterole", "rolcreatedb", "rolreplication", "rolbypassrls", "rolcanlogin"):
            query = f"select {attribute} from pg_roles where rolname = %s"
            assert column(session, query, ROLES.churn_job) == [False], attribute


def test_the_job_reads_no_other_database(sessions, make_database: MakeDatabase, server_home: Path):
    other = make_database()
    with open_database(other, "warehouse").begin() as connection:
        run_ddl(connection, "create table public.secrets as select 'swordfish' as word; create schema inner_room")
    name = psycopg2.extensions.parse_dsn(other.replace("postgresql+psycopg2", "postgresql"))["dbname"]
    with closing(sessions.of(ROLES.churn_job, name)) as session:
        tried = ["select * from secrets", "create table inner_room.x (n int)", "create schema x", "drop table secrets"]
        assert allowed(session, *tried) == []
    assert embedded.database_url(server_home, name)


# ---------------------------------------------------------------- everybody


def test_a_login_without_any_role_has_nothing(sessions):
    with open_database(sessions.url, "warehouse").begin() as connection:
        run_ddl(connection, "create role nobody_at_all nologin")
    try:
        with closing(sessions.of("nobody_at_all")) as session:
            things = all_of(session, *SCHEMAS)
            assert allowed(session, *(f"select * from {thing}" for thing in things)) == []
            assert allowed(session, *(f"create table {schema}.mine (n int)" for schema in SCHEMAS)) == []
    finally:
        sessions.close()
        sessions.logins.clear()
        with open_database(sessions.url, "warehouse").begin() as connection:
            run_ddl(connection, "drop role nobody_at_all")


def test_nothing_is_granted_to_everybody(sessions):
    with closing(sessions.of(ROLES.churn_job)) as session:
        schemas = list(SCHEMAS)
        to_all = """
        select c.relname::text from pg_class as c, aclexplode(c.relacl) as a
        where a.grantee = 0 and c.relnamespace::regnamespace::text = any(%s)
        union all
        select n.nspname::text from pg_namespace as n, aclexplode(n.nspacl) as a
        where a.grantee = 0 and n.nspname = any(%s)
        union all
        select p.proname::text from pg_proc as p where p.pronamespace::regnamespace::text = any(%s)
        union all
        select d.defaclobjtype::text from pg_default_acl as d, aclexplode(d.defaclacl) as a where a.grantee = 0
        """
        assert column(session, to_all, schemas, schemas, schemas) == []

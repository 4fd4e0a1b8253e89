"""The at-risk list in a table of the company's choice, for the tools that send campaigns."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn.config import Settings
from churn.connections import open_warehouse, tls_parameters
from churn.errors import UsageError, WarehouseError
from churn.night_rows import Delivery, FieldType, NightRows, record
from churn.schema import SCHEMAS
from churn.warehouse import Database, open_database, quoted, run_ddl

KEY = ("as_of_date", "customer_id")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_$]{0,62}")
_OURS = (*SCHEMAS, "information_schema")
_TYPES: dict[FieldType, str] = {
    "text": "text",
    "date": "date",
    "integer": "bigint",
    "double": "double precision",
    "money": "numeric",
    "boolean": "boolean",
}
_ALSO_FIT = {"text": ("character varying",)}


@dataclass(frozen=True)
class Destination:
    """A table by schema and name."""

    schema: str
    table: str

    @classmethod
    def parse(cls, text: str) -> Destination:
        """Read SCHEMA.TABLE.

        Raises
        ------
        UsageError
            It is not that, or a schema that this product or Postgres keeps for itself.
        """
        schema, dot, table = text.partition(".")
        if not (dot and _IDENTIFIER.fullmatch(schema) and _IDENTIFIER.fullmatch(table)):
            raise UsageError(
                f"{text!r} is not the name of a table.",
                "Write --table SCHEMA.TABLE: letters, digits and _, at most 63 each, in the database's own case.",
            )
        if schema.lower() in _OURS or schema.lower().startswith("pg_"):
            raise UsageError(
                f"The schema {schema} is not yours to write to.", "Choose one of your own, such as marketing."
            )
        return cls(schema, table)

    @property
    def quoted(self) -> str:
        """The name as it stands in a statement."""
        return f"{quoted(self.schema)}.{quoted(self.table)}"

    def __str__(self) -> str:
        """Return SCHEMA.TABLE."""
        return f"{self.schema}.{self.table}"


def open_activation(settings: Settings) -> Database:
    """Open the database that the table is in: `activation.url`, or else the warehouse."""
    if settings.activation.url is None:
        return open_warehouse(settings, job="activation")
    url = settings.activation.url.get_secret_value()
    return open_database(
        url,
        "activation",
        application_name="churn activation",
        connection=tls_parameters(settings, "activation", url),
    )


def activate(warehouse: Database, target: Database, night: NightRows, into: Destination, *, at: datetime) -> int:
    """Put a night's list into a table: what the table held of that night goes, the list comes, in one transaction.

    Done twice, it leaves the same rows.

    Parameters
    ----------
    warehouse : Database
        Gets the ledger's row.
    target : Database
        Of `open_activation`.
    night : NightRows
    into : Destination
        Made if it is not there; the company may add columns of its own.
    at : datetime
        The current time, for the ledger.

    Returns
    -------
    int
        Rows written.

    Raises
    ------
    UsageError, WarehouseError
        There is no such schema, the table is none or lacks a column, or the login may not write there.
    """
    fields = night.selection.fields
    table = sa.table(into.table, *(sa.column(name) for name in fields), schema=into.schema)
    with target.begin() as connection:
        database = _prepared(connection, into, fields)
        connection.execute(sa.delete(table).where(table.c.as_of_date == night.as_of))
        rows = 0
        for part in night.batches():
            connection.execute(sa.insert(table), [dict(zip(fields, row, strict=True)) for row in part])
            rows += len(part)
    record(warehouse, night, Delivery("table", f"{into} of database {database}", rows, None), at)
    return rows


def _prepared(connection: Connection, into: Destination, fields: dict[str, FieldType]) -> str:
    """Make the table or check it, keep other writers off it, and return the database's name."""
    login, database = connection.execute(sa.text("select current_user, current_database()")).one()
    if not connection.scalar(sa.text("select to_regnamespace(:name) is not null"), {"name": quoted(into.schema)}):
        raise UsageError(
            f"The database {database} has no schema {into.schema}.",
            f"Make it: create schema {quoted(into.schema)}; grant usage, create on schema {quoted(into.schema)} "
            f"to {quoted(login)};",
        )
    _require_access(connection, into, login)
    kind = connection.scalar(sa.text("select relkind from pg_class where oid = to_regclass(:t)"), {"t": into.quoted})
    if kind is None:
        columns = [f"{quoted(name)} {_TYPES[type_]}" for name, type_ in fields.items()]
        key = ", ".join(map(quoted, KEY))
        run_ddl(connection, f"create table {into.quoted} ({', '.join(columns)}, primary key ({key}))")
    elif kind not in {"r", "p"}:
        raise UsageError(f"{into} is there and is no table.", "Choose another name, or drop it.")
    else:
        _check_columns(connection, into, fields)
    run_ddl(connection, f"lock table {into.quoted} in share row exclusive mode")
    return str(database)


def _require_access(connection: Connection, into: Destination, login: str) -> None:
    """Refuse what the login may not do there before anything is tried."""
    row = connection.execute(
        sa.text(
            "select has_schema_privilege(:schema, 'usage') as usage, has_schema_privilege(:schema, 'create') as make, "
            "exists (select 1 from pg_class as c inner join pg_namespace as n on c.relnamespace = n.oid "
            "where n.nspname = :schema and c.relname = :name) as there"
        ),
        {"schema": into.schema, "name": into.table},
    ).one()
    if not row.usage or not (row.there or row.make):
        lacking = "usage" if row.there else "usage, create"
        raise WarehouseError(
            f"{login} may not write to the schema {into.schema}.",
            f"Its owner grants that: grant {lacking} on schema {quoted(into.schema)} to {quoted(login)};",
        )
    if row.there:
        _require_writing(connection, into, login)


def _require_writing(connection: Connection, into: Destination, login: str) -> None:
    wanted = ("select", "insert", "delete")
    may = [
        connection.scalar(
            sa.text("select has_table_privilege(to_regclass(:t), :what)"), {"t": into.quoted, "what": what}
        )
        for what in wanted
    ]
    lacking = [what for what, allowed in zip(wanted, may, strict=True) if not allowed]
    if lacking:
        raise WarehouseError(
            f"{login} may not write to {into}.",
            f"Its owner grants that: grant {', '.join(lacking)} on {into.quoted} to {quoted(login)};",
        )


def _check_columns(connection: Connection, into: Destination, fields: dict[str, FieldType]) -> None:
    """Refuse a table that lacks one of our columns, or has it of another type."""
    found = connection.execute(
        sa.text(
            "select a.attname, format_type(a.atttypid, null) as type from pg_attribute as a "
            "where a.attrelid = to_regclass(:t) and a.attnum > 0 and not a.attisdropped"
        ),
        {"t": into.quoted},
    )
    types: dict[str, str] = {row.attname: row.type for row in found}
    lacking = [f"add column {quoted(name)} {_TYPES[kind]}" for name, kind in fields.items() if name not in types]
    if lacking:
        raise UsageError(
            f"The table {into} lacks {len(lacking)} columns of the list.",
            f"Add them: alter table {into.quoted} {', '.join(lacking)};",
        )
    other = [
        f"{name} is {types[name]}, not {_TYPES[kind]}"
        for name, kind in fields.items()
        if types[name] not in chain((_TYPES[kind],), _ALSO_FIT.get(kind, ()))
    ]
    if other:
        raise UsageError(f"The table {into} has other types: {'; '.join(other)}.", "Mend them, or choose another name.")

"""The files of `sql/features` and `sql/labels` give the same values and kinds of value on another engine."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from churn import schema
from churn.sqlfiles import SqlFile, read_sql, sql_folder
from tests.reference.random_company import fill
from tests.sql.staging_tables import AS_OF, Staging

duckdb = pytest.importorskip("duckdb")

TABLES = ("customers", "subscriptions", "payments", "support_tickets", "customer_attributes", "usage_daily")
PARAMS = {
    "as_of": AS_OF,
    "learned_before": dt.date(9999, 12, 31),
    "inactivity_days": 90,
    "horizon_days": 30,
    "grace_days": 14,
}
FILES = [*sql_folder("features"), *sql_folder("labels")]
NOT_PORTABLE = (
    r"percentile_cont|\bavg\(|\bage\(|generate_series|make_interval|array_agg|unnest|::|\bany\s*\(|\bround\(|to_char"
    r"|extract\((?!day|month|year)"
)


def run(other: Any, file: SqlFile) -> list[tuple[Any, ...]]:
    body = re.sub(r"(?<!:):([a-z_]+)", r"$\1", file.body)
    rows = other.execute(body, {name: PARAMS[name] for name in file.params}).fetchall()
    return sorted((tuple(map(_plain, row)) for row in rows), key=repr)


def _plain(value: Any) -> Any:
    """Fractions to twelve digits, with their kind: a whole number never equals a fraction."""
    if isinstance(value, Decimal):
        return "decimal", float(value)
    return (type(value).__name__, float(f"{value:.12g}")) if isinstance(value, float) else value


def copied(staging: Staging) -> Any:
    other = duckdb.connect()
    other.execute("create schema staging")
    for name in TABLES:
        table = schema.metadata.tables[f"staging.{name}"]
        kinds = ", ".join(f'"{column.name}" {_kind(column)}' for column in table.columns)
        other.execute(f"create table staging.{name} ({kinds})")
        rows = [tuple(row) for row in staging.connection.execute(sa.select(table))]
        marks = ", ".join("?" for _ in table.columns)
        for row in rows:
            values = ["{}" if isinstance(value, dict) else value for value in row]
            other.execute(f"insert into staging.{name} values ({marks})", values)
    view = read_sql("staging/subscription_periods.sql").body
    other.execute(f"create view staging.subscription_periods as {view}")
    return other


def _kind(column: sa.Column[Any]) -> str:
    kind = column.type.compile(sa.dialects.postgresql.dialect())
    return {"NUMERIC": "decimal(18, 4)", "JSONB": "text", "TIMESTAMP WITHOUT TIME ZONE": "timestamp"}.get(kind, kind)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_file_gives_the_same_on_duckdb(staging, seed):
    fill(staging, seed)
    staging.attribute(1, "size", 2.5)
    staging.attribute(1, "country", "DE")
    other = copied(staging)
    for file in FILES:
        values = {name: PARAMS[name] for name in file.params}
        ours = staging.connection.execute(file.statement, values)
        expected = sorted((tuple(map(_plain, row)) for row in ours), key=repr)
        assert run(other, file) == expected, file.path
        assert expected, file.path
    other.close()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.path)
def test_a_file_keeps_to_the_portable_subset(file):
    assert not re.search(NOT_PORTABLE, file.body)

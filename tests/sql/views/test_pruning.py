"""A view of one night reads that night's month of each big table, however many years there are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

from churn import schema
from churn.feature_view import replace_feature_view
from churn.migrate import bi_views
from churn.partitions import ensure_month
from churn.sqlfiles import SqlFile
from churn.warehouse import Database
from churn.windows import add_months

FIRST = date(2023, 7, 15)
MONTHS = [add_months(FIRST, months) for months in range(24)]
LATEST = MONTHS[-1]
CUSTOMERS = 300
TABLES = {name: table for name, table in schema.MONTHLY_TABLES.items() if table.schema == "scores"}

# Of views that show many nights: what a reader asks of the latest, and the months before that this takes.
ASKED = {
    "customer_scores_history": f"where as_of_date = '{LATEST}'",
    "campaign_lists": f"where as_of_date = '{LATEST}'",
    "week_changes": f"where as_of_date = '{LATEST}'",
    "segment_migration": f"where to_date = '{LATEST}'",
}
MONTHS_BEFORE = {"segments": 1, "segment_migration": 1}


def nightly(view: SqlFile) -> bool:
    """Whether a view reads a table that is parted by month."""
    return any(part.strip().removeprefix("scores.") in TABLES for part in view.header["reads"].split(","))


def value(column: sa.Column[Any]) -> str:
    """What a made-up row has in a column, as SQL: `n` counts the rows of a night, `m` the nights."""
    named = {
        "as_of_date": "d.day", "run_id": "m", "snapshot_id": "m", "value_tier": "'high'", "risk_band": "'high'",
        "dimension": "case when n = 1 then 'all' else 'plan' end",
    }  # fmt: skip
    if column.name in named:
        return named[column.name]
    kind = str(column.type.compile(dialect=sa.dialects.postgresql.dialect())).lower()
    values = {"text": "'x' || n", "date": "d.day", "boolean": "false", "jsonb": "'{}'", "text[]": "'{a}'"}
    return "'{1}'" if kind == "real[]" else values.get(kind, "n")


@pytest.fixture(scope="module")
def two_years(staging_database: Database) -> Iterator[sa.Connection]:
    """A night a month for two years, of some hundred rows in each table; nothing of it stays."""
    with staging_database.engine.connect() as connection:
        for name in TABLES:
            for month in MONTHS:
                ensure_month(connection, name, month)
        days = "unnest(cast(:days as date[])) with ordinality as d (day, m)"
        params = {"days": MONTHS, "customers": CUSTOMERS}
        for table in TABLES.values():
            names = ", ".join(f'"{column.name}"' for column in table.columns)
            values = ", ".join(value(column) for column in table.columns)
            connection.execute(
                sa.text(
                    f"insert into {table.fullname} ({names}) select {values} "
                    f"from {days} cross join generate_series(1, :customers) as n"
                ),
                params,
            )
        for statement in (
            "insert into ops.runs (job, as_of_date, status, started_at, config_digest, run_id) overriding system value "
            f"select 'nightly', d.day, 'succeeded', d.day, 'x', m from {days} where :customers > 0",
            f"insert into ops.published select d.day, m, m, d.day, false from {days} where :customers > 0",
            "insert into ops.feature_sets (digest, numbers, categories, families, definitions) "
            "select 'x', '{a}', '{b}', '{}', '{}' where :customers > 0 and cast(:days as date[]) is not null",
            "insert into ops.snapshots (snapshot_id, as_of_date, origin, population, basis_digest, feature_set_id, "
            "customers, is_current, run_id, created_at) overriding system value "
            "select m, d.day, 'captured', 'contractual', 'x', (select max(feature_set_id) from ops.feature_sets), 1, "
            f"true, m, d.day from {days} where :customers > 0",
            "insert into staging.customer_keys (customer_key, customer_id) overriding system value "
            "select n, 'c' || n from generate_series(1, :customers) as n where cast(:days as date[]) is not null",
            "insert into staging.customers select 'c' || n, n, '2020-01-01', '2020-01-01', null, '{}', null, "
            "'0001-01-01', '9999-12-31', '0001-01-01' from generate_series(1, :customers) as n "
            "where cast(:days as date[]) is not null",
        ):
            connection.execute(sa.text(statement), params)
        for name in (*(table.fullname for table in TABLES.values()), "staging.customers", "staging.customer_keys"):
            connection.exec_driver_sql(f"analyze {name}")
        replace_feature_view(connection)
        yield connection


def partitions_read(connection: sa.Connection, query: str) -> set[tuple[str, str]]:
    """Table and month of each partition that a query really reads."""
    explained = connection.scalar(sa.text(f"explain (analyze, timing off, summary off, format json) {query}"))
    found = set()
    nodes = [explained[0]["Plan"]]
    while nodes:
        node = nodes.pop()
        nodes += node.get("Plans", [])
        name = node.get("Relation Name", "")
        table = name[: -len("_2025_01")]
        if node.get("Actual Loops", 0) and table in TABLES:
            found.add((table, name[len(table) + 1 :].replace("_", "-")))
    return found


@pytest.mark.parametrize("view", [view for view in bi_views() if nightly(view)], ids=lambda view: view.name)
def test_only_the_nights_own_month_is_read(two_years, view):
    read = partitions_read(two_years, f"select * from bi.{view.name} {ASKED.get(view.name, '')}")
    wanted = {add_months(LATEST, -months).isoformat()[:7] for months in range(MONTHS_BEFORE.get(view.name, 0) + 1)}
    assert {month for _, month in read} == wanted
    assert len(two_years.execute(sa.text(f"select 1 from bi.{view.name} {ASKED.get(view.name, '')}")).all()) > 0


@pytest.mark.parametrize("view", ["customer_scores", "customer_features", "at_risk_customers", "high_value_at_risk"])
def test_one_customer_of_a_night_is_looked_up_by_index(two_years, view):
    two_years.exec_driver_sql("set local enable_seqscan = off")
    plan = "\n".join(two_years.scalars(sa.text(f"explain select * from bi.{view} where customer_id = 'c7'")))
    assert not re.search(
        r"Seq Scan on (customer_keys|customers|(customer_scores|feature_snapshots|at_risk_list)_\d)", plan
    )
    assert "uq_customer_keys_customer_id" in plan


def test_a_customers_history_is_looked_up_by_index_in_every_month(two_years):
    query = "select * from bi.customer_scores_history where customer_id = 'c7'"
    plan = two_years.scalar(sa.text(f"explain (analyze, timing off, summary off, format json) {query}"))
    text = str(plan)
    assert text.count("_pkey'") + text.count("_idx'") >= len(MONTHS)
    assert two_years.scalar(sa.text(query.replace("*", "count(*)"))) == len(MONTHS)

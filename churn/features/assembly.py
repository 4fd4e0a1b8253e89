"""From the families' SQL to one row a customer: temporary tables, then a single ordered insert."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, REAL, array
from sqlalchemy.engine import Connection

from churn.features.catalogue import FAMILIES, Feature
from churn.features.families import family_select
from churn.features.request import SnapshotRequest
from churn.schema import feature_snapshots
from churn.sqlfiles import read_sql
from churn.warehouse import literal_sql, quoted, run_ddl

_FOREVER = date(9999, 12, 31)
_LARGEST_REAL = 3.4e38
_SMALLEST_REAL = 1.2e-38


def assemble(connection: Connection, wanted: SnapshotRequest, snapshot_id: int, is_captured: bool) -> int:
    """Compute every family and write the snapshot's rows, ordered by customer.

    Returns
    -------
    int
        Customers written.
    """
    run_ddl(connection, "set local enable_partitionwise_aggregate = on")
    population = _population(connection, wanted)
    learned_before = _FOREVER if is_captured else wanted.as_of + timedelta(days=1)
    params = {"as_of": wanted.as_of, "learned_before": learned_before}
    families: dict[str, sa.FromClause] = {}
    for family in FAMILIES:
        features = [feature for feature in wanted.features if feature.family == family]
        if features:
            query = family_select(family, features, wanted.usage_entries, wanted.attributes, params)
            families[family] = _temporary(connection, f"features_{family}", query)
    query = _rows(population, families, wanted, snapshot_id)
    written = connection.execute(
        sa.insert(feature_snapshots).from_select([column.name for column in query.selected_columns], query)
    )
    for table in (population, *families.values()):
        run_ddl(connection, f"drop table pg_temp.{quoted(str(table.description))}")
    return written.rowcount


def _population(connection: Connection, wanted: SnapshotRequest) -> sa.FromClause:
    file = read_sql(f"features/population_{wanted.population}.sql")
    values = {"as_of": wanted.as_of, "inactivity_days": wanted.inactivity_days}
    statement = file.statement.bindparams(**{name: values[name] for name in file.params})
    rows = statement.columns(sa.column("customer_key", sa.BigInteger), sa.column("mrr", sa.Numeric))
    return _temporary(connection, "features_population", sa.select(rows.subquery("population")))


def _temporary(connection: Connection, name: str, query: sa.Select[Any]) -> sa.FromClause:
    """Keep a query's rows until the end of the transaction; the planner learns how many customers there are."""
    run_ddl(connection, f"create temporary table {quoted(name)} on commit drop as {literal_sql(query)}")
    run_ddl(connection, f"analyze pg_temp.{quoted(name)} (customer_key)")
    return sa.table(name, *(sa.column(c.name, c.type) for c in query.selected_columns))


def _rows(
    population: sa.FromClause, families: dict[str, sa.FromClause], wanted: SnapshotRequest, snapshot_id: int
) -> sa.Select[Any]:
    """Make the SELECT of the snapshot's rows."""
    joined: sa.FromClause = population
    for table in families.values():
        joined = joined.outerjoin(table, table.c.customer_key == population.c.customer_key)
    numbers = [_number(families[f.family].c[f.name], f) for f in wanted.features if f.kind == "number"]
    categories = [families[f.family].c[f.name] for f in wanted.features if f.kind == "category"]
    return (
        sa.select(
            sa.literal(wanted.as_of).label("as_of_date"),
            sa.literal(snapshot_id, sa.BigInteger).label("snapshot_id"),
            population.c.customer_key,
            population.c.mrr,
            _array(numbers, REAL()).label("numbers"),
            _array(categories, sa.Text()).label("categories"),
        )
        .select_from(joined)
        .order_by(population.c.customer_key)
    )


def _array(values: Sequence[sa.ColumnElement[Any]], kind: sa.types.TypeEngine[Any]) -> sa.Cast[Any]:
    return sa.cast(array(values, type_=kind), ARRAY(kind))


def _number(column: sa.ColumnElement[Any], feature: Feature) -> sa.ColumnElement[Any]:
    """Write a number as `real`: what is missing as NaN or 0, what `real` can't hold at its nearest."""
    if feature.empty_is_zero:
        column = sa.func.coalesce(column, sa.literal_column("0"))
    if feature.unit in {"money", "quantity", "as mapped"}:
        column = sa.case(
            (column.is_(None), sa.null()),
            (sa.func.abs(column) < sa.literal_column(str(_SMALLEST_REAL)), sa.literal_column("0")),
            else_=sa.func.greatest(
                sa.func.least(column, sa.literal_column(str(_LARGEST_REAL))),
                sa.literal_column(str(-_LARGEST_REAL)),
            ),
        )
    return sa.func.coalesce(sa.cast(column, REAL()), sa.literal_column("'NaN'::real"))

"""One relation per feature family: the file's columns, or for the long families a pivot of them, by name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa

from churn.features.catalogue import ATTRIBUTES_FAMILY, CATALOGUE_FAMILY, Feature, Kind, UsageEntry
from churn.sqlfiles import read_sql

_CATALOGUE_SUFFIXES = ("7d", "28d", "90d", "trend_28d")


def family_select(
    family: str,
    features: Sequence[Feature],
    usage_entries: Sequence[UsageEntry],
    attributes: Sequence[tuple[str, Kind]],
    params: dict[str, date],
) -> sa.Select[Any]:
    """Make the SELECT of a family: `customer_key` and one column for each of its features.

    Parameters
    ----------
    family : str
    features : sequence of Feature
        Those of this family that are wanted.
    usage_entries : sequence of UsageEntry
    attributes : sequence of (name, kind)
    params : dict of str to date
        Values for the file's parameters, by name; others are left alone.
    """
    file = read_sql(f"features/{family}.sql")
    statement = file.statement.bindparams(**{name: params[name] for name in file.params})
    if family == CATALOGUE_FAMILY:
        return _catalogue_select(statement, usage_entries)
    if family == ATTRIBUTES_FAMILY:
        return _attributes_select(statement, attributes)
    rows = statement.columns(
        sa.column("customer_key", sa.BigInteger), *(sa.column(f.name, _type(f)) for f in features)
    ).subquery(family)
    return sa.select(rows)


def _catalogue_select(statement: sa.TextClause, entries: Sequence[UsageEntry]) -> sa.Select[Any]:
    measures = sorted({entry.measure for entry in entries})
    rows = statement.columns(
        sa.column("customer_key", sa.BigInteger),
        sa.column("event_type", sa.Text),
        *(sa.column(f"{measure}_{suffix}", sa.Double) for measure in measures for suffix in _CATALOGUE_SUFFIXES),
    ).subquery(CATALOGUE_FAMILY)
    columns = [
        sa.func.max(rows.c[f"{entry.measure}_{suffix}"])
        .filter(rows.c.event_type == entry.event_type)
        .label(f"usage_{entry.name}_{suffix}")
        for entry in entries
        for suffix in _CATALOGUE_SUFFIXES
    ]
    wanted = rows.c.event_type.in_(sorted({entry.event_type for entry in entries}))
    return sa.select(rows.c.customer_key, *columns).where(wanted).group_by(rows.c.customer_key)


def _attributes_select(statement: sa.TextClause, attributes: Sequence[tuple[str, Kind]]) -> sa.Select[Any]:
    rows = statement.columns(
        sa.column("customer_key", sa.BigInteger),
        sa.column("name", sa.Text),
        sa.column("text_value", sa.Text),
        sa.column("number_value", sa.Double),
    ).subquery(ATTRIBUTES_FAMILY)
    columns = [
        sa.func.max(rows.c.number_value if kind == "number" else rows.c.text_value)
        .filter(rows.c.name == name)
        .label(f"attribute_{name}")
        for name, kind in attributes
    ]
    wanted = rows.c.name.in_([name for name, _ in attributes])
    return sa.select(rows.c.customer_key, *columns).where(wanted).group_by(rows.c.customer_key)


def _type(feature: Feature) -> sa.types.TypeEngine[Any]:
    return sa.Text() if feature.kind == "category" else sa.Double()

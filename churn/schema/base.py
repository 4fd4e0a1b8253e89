"""Conventions that the tables of every schema share."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

BEGINNING = datetime(1, 1, 1)
FOREVER = datetime(9999, 12, 31)

SCHEMAS = ("staging", "scores", "ops", "bi")

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Money = sa.Numeric()
LocalTime = sa.DateTime()
Instant = sa.DateTime(timezone=True)
Type = TypeEngine[Any] | type[TypeEngine[Any]]


def column(name: str, kind: Type, *, null: bool = False, **options: Any) -> sa.Column[Any]:
    """Make a column, not null unless said."""
    return sa.Column(name, kind, nullable=null, **options)


def monthly(name: str, *columns: sa.Column[Any], key: tuple[str, ...]) -> sa.Table:
    """Make a table of nightly rows, partitioned by month of `as_of_date` (`churn.partitions` makes the months)."""
    return sa.Table(
        name,
        metadata,
        column("as_of_date", sa.Date),
        *columns,
        sa.PrimaryKeyConstraint("as_of_date", *key),
        schema="scores",
        postgresql_partition_by="RANGE (as_of_date)",
    )

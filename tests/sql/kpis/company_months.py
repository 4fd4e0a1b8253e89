"""A company of a few customers, its months as `bi` shows them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Literal

import sqlalchemy as sa

from churn.config import Settings
from churn.config.sections import ChurnSection
from churn.kpis import store_kpis
from churn.partitions import ensure_month
from churn.sqlfiles import read_sql
from tests.sql.nights import Nights
from tests.sql.staging_tables import Staging

Definition = Literal["contractual", "inactivity"]
MONEY = ("start", "new", "reactivated", "expansion", "contraction", "churned", "end")


class Months(Nights):
    """Stores the figures of a night, published, and shows them."""

    def __init__(self, staging: Staging) -> None:
        super().__init__(staging)
        self.staging = staging

    def store(
        self, as_of: date, definition: Definition = "contractual", *, run_id: int | None = None, **churn: Any
    ) -> int:
        """Store a night's figures and return its run; grace is 14 days, the horizon 30."""
        found = self.run(as_of) if run_id is None else run_id
        for table in ("kpi_months", "cohort_months", "clv_totals"):
            ensure_month(self.connection, table, as_of)
        store_kpis(self.connection, Settings(churn=ChurnSection(definition=definition, **churn)), as_of, found)
        for check in ("kpi_months", "cohort_months"):
            problems = read_sql(f"checks/{check}.sql").statement
            assert self.connection.scalars(problems, {"as_of": as_of, "run_id": found}).all() == []
        return found

    def rows(self, view: str, where: str = "true") -> list[dict[str, Any]]:
        found = self.connection.execute(sa.text(f"select * from bi.{view} where {where} order by 1, 2, 3"))
        return [dict(row) for row in found.mappings()]

    def figures(self, first: date) -> dict[str, Any]:
        (row,) = self.rows("kpi_monthly", f"month = '{first}'")
        return row

    def counts(self, first: date) -> tuple[Any, ...]:
        """Customers of a month: at its start, new, reactivated, churned, at its end."""
        row = self.figures(first)
        return tuple(row[name] for name in ("customers_start", "new", "reactivated", "churned", "customers_end"))

    def mrr(self, first: date) -> tuple[Any, ...]:
        """Its mrr: start, new, reactivated, expansion, contraction, churned, end."""
        row = self.figures(first)
        return tuple(row[f"mrr_{name}"] for name in MONEY)

    def by(self, dimension: str, first: date, *columns: str) -> dict[str, Any]:
        """Some columns of a month by the values of a dimension."""
        rows = self.rows("kpi_monthly_by", f"dimension = '{dimension}' and month = '{first}'")
        return {row["value"]: tuple(row[column] for column in columns) for row in rows}


def money(*amounts: str) -> tuple[Decimal, ...]:
    return tuple(Decimal(amount) for amount in amounts)

"""A small company whose tables a test fills and edits, and a warehouse that it is extracted into."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from churn.config import Settings
from churn.extract import ExtractionReport, extract
from churn.warehouse import Database, open_database

START = datetime(2026, 11, 22, 3, 15, tzinfo=UTC)

TABLES = """
create table customers (customer_id text, signed_up_at timestamptz, contactable boolean, updated_at timestamptz);
create table subscriptions (subscription_id text, customer_id text, plan text, mrr double precision,
    started_at timestamptz, ended_at timestamptz, billing_months int, discount_until date, updated_at timestamptz,
    currency text);
create table payments (payment_id text, customer_id text, paid_at timestamptz, amount double precision, status text,
    updated_at timestamptz, currency text);
create table usage_events (event_id text, customer_id text, occurred_at timestamptz, event_type text,
    quantity double precision);
create table support_tickets (ticket_id text, customer_id text, opened_at timestamptz, closed_at timestamptz,
    severity text, satisfaction double precision, updated_at timestamptz);
"""

SELECTS = {
    "customers": "select customer_id, signed_up_at, contactable from customers",
    "subscriptions": "select subscription_id, customer_id, plan, mrr, started_at, ended_at, billing_months, "
    "discount_until from subscriptions",
    "payments": "select payment_id, customer_id, paid_at, amount, status from payments",
    "usage_events": "select customer_id, occurred_at, event_type, quantity from usage_events",
    "support_tickets": "select ticket_id, customer_id, opened_at, closed_at, severity, satisfaction "
    "from support_tickets",
}


@dataclass
class Company:
    """A source, its mapping, the warehouse, and a run's clock that only moves when told."""

    owner: sa.Engine
    source: Database
    warehouse: Database
    folder: Path
    sections: dict[str, dict[str, Any]] = field(default_factory=dict)
    now: datetime = START
    runs: int = 0

    @property
    def settings(self) -> Settings:
        defaults: dict[str, dict[str, Any]] = {
            "extract": {"max_quarantined_share": 1.0},
            "business": {"timezone": "UTC"},
        }
        sections: dict[str, Any] = {
            name: defaults.get(name, {}) | self.sections.get(name, {}) for name in defaults | self.sections
        }
        return Settings(**sections).model_copy(update={"base_dir": self.folder})

    def map(self, **selects: str | None) -> None:
        """Write mapping files; None removes one."""
        for name, select in selects.items():
            file = self.folder / "source" / f"{name}.sql"
            if select is None:
                file.unlink()
            else:
                file.write_text(select, encoding="utf-8")

    def map_updates(self) -> None:
        """Map `updated_at` of every entity that may have one."""
        for name, select in SELECTS.items():
            if name != "usage_events":
                self.map(**{name: select.replace(" from ", ", updated_at from ")})

    def run(self, statement: str, **params: Any) -> None:
        """Change the source."""
        with self.owner.begin() as connection:
            if params:
                connection.execute(sa.text(statement), params)
            else:
                connection.exec_driver_sql(statement, execution_options={"no_parameters": True})

    def extract(self, days: float = 0, **options: Any) -> ExtractionReport:
        """Extract and commit, so many days after the last time."""
        self.now += timedelta(days=days)
        with self.extracting(**options) as report:
            return report

    @contextmanager
    def extracting(self, **options: Any) -> Iterator[ExtractionReport]:
        """Extract, and commit unless the body raises."""
        self.runs += 1
        progress = options.pop("progress", lambda _entity, _rows: None)
        with self.warehouse.begin() as connection:
            yield extract(
                self.source,
                connection,
                self.settings,
                run_id=self.runs,
                started_at=self.now,
                progress=progress,
                **{"warehouse": self.warehouse, **options},
            )

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Look into the warehouse."""
        with self.warehouse.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(query))]

    def value(self, query: str) -> Any:
        """Look at one value in the warehouse."""
        return self.rows(query)[0][0]

    def reasons(self, entity: str) -> dict[str, int]:
        """Rows put aside by the last run, by reason."""
        query = "select reason, rows from ops.quarantine where entity = '{}' and run_id = {}"
        return {row[0]: row[1] for row in self.rows(query.format(entity, self.runs))}


@pytest.fixture
def make_company(
    make_database: Callable[[], str], warehouse: Database, tmp_path: Path
) -> Iterator[Callable[..., Company]]:
    """Make a company of these tables, mapped by these SELECTs."""
    opened: list[Any] = []

    def make(tables: str = TABLES, selects: dict[str, str] = SELECTS) -> Company:
        url = make_database()
        source = open_database(url, "source")
        owner = sa.create_engine(url, poolclass=sa.NullPool)
        opened.extend([source, owner])
        (tmp_path / "source").mkdir()
        company = Company(owner, source, warehouse, tmp_path)
        company.run(tables)
        company.map(**selects)
        return company

    yield make
    for one in opened:
        one.dispose()


@pytest.fixture
def company(make_company: Callable[..., Company]) -> Company:
    """A company with all five entities and two customers, A and B."""
    made = make_company()
    made.run("insert into customers values ('A', '2025-01-01 10:00+00', true), ('B', '2025-02-01 10:00+00', null)")
    return made

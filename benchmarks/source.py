"""The company that a night is timed on: N customers and 100 N usage events, made by SQL within its Postgres."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn.warehouse import Database, run_ddl

FOLDER = Path(__file__).resolve().parent
MAPPING = FOLDER / "mapping"
EVENTS_A_CUSTOMER = 100
_TABLES = ("customers", "subscriptions", "payments", "usage_events", "support_tickets")
_DAILY = ("usage_events", "payments", "support_tickets", "subscriptions")


@dataclass(frozen=True)
class BenchCompany:
    """What is made.

    Attributes
    ----------
    customers : int
    as_of : date
        The year before it is told at once, the days from it on one at a time.
    session_events : int
        Events of a session, 1 to 60: a customer's events of a day. With 1 the staging grain saves nothing.
    """

    customers: int
    as_of: date
    session_events: int = 4

    @property
    def churn_share(self) -> float:
        """Share of the customers that leave within the year: 12 %, more where those would be too few to learn from."""
        return min(0.5, max(0.12, 400 / self.customers))

    @property
    def params(self) -> dict[str, Any]:
        """Parameters of the SQL files: events are planned so that, with what leavers don't do, 100 N remain."""
        events = math.ceil(EVENTS_A_CUSTOMER / (1 - 0.58 * self.churn_share))
        return {
            "customers": self.customers,
            "as_of": self.as_of,
            "churn_share": self.churn_share,
            "events": events,
            "session_events": self.session_events,
        }


def statement(name: str) -> sa.TextClause:
    """Return a statement of `benchmarks/sql`."""
    return sa.text((FOLDER / "sql" / f"{name}.sql").read_text(encoding="utf-8"))


def tell_the_year(source: Database, company: BenchCompany) -> dict[str, int]:
    """Make the tables, fill them with the year before `as_of`, index and analyse them; return rows by table."""
    written = {}
    with source.begin() as connection:
        run_ddl(connection, (FOLDER / "sql" / "tables.sql").read_text(encoding="utf-8"))
        for table in _TABLES:
            written[table] = _run(connection, f"year_{table}", company.params)
        run_ddl(connection, (FOLDER / "sql" / "indexes.sql").read_text(encoding="utf-8"))
    with source.connect() as connection:
        run_ddl(connection, "vacuum analyze")
        run_ddl(connection, "checkpoint")
    return written


def tell_a_day(source: Database, company: BenchCompany, day: date) -> dict[str, int]:
    """Add what happened on a day from `as_of` on; return rows by table."""
    with source.begin() as connection:
        return {table: _run(connection, f"day_{table}", company.params | {"day": day}) for table in _DAILY}


def _run(connection: Connection, name: str, params: dict[str, Any]) -> int:
    found = statement(name)
    wanted = found.compile().params
    return int(connection.execute(found, {key: params[key] for key in wanted}).rowcount)

"""Staging tables of a few rows, written as a test reads: dates in days before (negative) or from `as_of`."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn import schema
from churn.partitions import ensure_month
from churn.sqlfiles import read_sql

AS_OF = date(2025, 7, 1)
BEGINNING = datetime(1, 1, 1)
FOREVER = datetime(9999, 12, 31)
LEARNED_BEFORE = date(9999, 12, 31)


def day(offset: int | date) -> date:
    """The date `offset` days from as_of."""
    return offset if isinstance(offset, date) else AS_OF + timedelta(days=offset)


def moment(offset: int | date | None) -> datetime | None:
    """Noon of the day `offset` days from as_of; a moment as it is."""
    if isinstance(offset, datetime):
        return offset
    return None if offset is None else datetime.combine(day(offset), time(12))


class Staging:
    """Fills staging tables and runs files of `sql/` on them."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._numbers = count(1)
        self._months: set[date] = set()

    def add(self, table: str, rows: list[dict[str, Any]]) -> None:
        """Insert whole rows."""
        if rows:
            self.connection.execute(sa.insert(schema.metadata.tables[f"staging.{table}"]), rows)

    def customer(self, key: int, signed_up: int, **columns: Any) -> None:
        self.add(
            "customers",
            [
                {
                    "customer_id": f"c{key}",
                    "customer_key": key,
                    "signed_up_at": moment(signed_up),
                    "signed_up_date": day(signed_up),
                    "attributes": {},
                    **_version(columns),
                }
            ],
        )

    def subscription(
        self, key: int, started: int | date, ended: int | date | None = None, mrr: float | Decimal = 50, **columns: Any
    ) -> None:
        """Add a paid subscription; `discount` is a day."""
        discount = columns.pop("discount", None)
        row = {
            "subscription_id": columns.pop("subscription_id", f"s{next(self._numbers)}"),
            "customer_key": key,
            "plan": "basic",
            "mrr": mrr,
            "started_at": moment(started),
            "started_date": day(started),
            "ended_at": moment(ended),
            "ended_date": None if ended is None else day(ended),
            "billing_months": 1,
            "discount_until": None if discount is None else day(discount),
        }
        self.add("subscriptions", [{**row, **_version(columns)}])

    def payment(
        self, key: int, paid: int | date, amount: float | Decimal = 10, status: str = "paid", **columns: Any
    ) -> None:
        row = {
            "payment_id": columns.pop("payment_id", f"p{next(self._numbers)}"),
            "customer_key": key,
            "paid_at": moment(paid),
            "paid_date": day(paid),
            "amount": amount,
            "status": status,
        }
        self.add("payments", [{**row, **_version(columns)}])

    def ticket(self, key: int, opened: int, closed: int | None = None, **columns: Any) -> None:
        row = {
            "ticket_id": columns.pop("ticket_id", f"t{next(self._numbers)}"),
            "customer_key": key,
            "opened_at": moment(opened),
            "opened_date": day(opened),
            "closed_at": moment(closed),
            "closed_date": None if closed is None else day(closed),
            "severity": None,
            "is_severe": False,
            "satisfaction": None,
        }
        self.add("support_tickets", [{**row, **_version(columns)}])

    def usage(self, key: int, used: int, events: int = 1, quantity: float = 0, event_type: str = "login") -> None:
        month = day(used).replace(day=1)
        if month not in self._months:
            ensure_month(self.connection, "usage_daily", month)
            self._months.add(month)
        row = {
            "customer_key": key,
            "usage_date": day(used),
            "event_type": event_type,
            "events": events,
            "quantity": quantity,
        }
        self.add("usage_daily", [row])

    def attribute(self, key: int, name: str, value: str | float | None, **columns: Any) -> None:
        is_text = isinstance(value, str)
        row = {
            "customer_key": key,
            "name": name,
            "text_value": value if is_text else None,
            "number_value": None if is_text else value,
        }
        version = _version(columns)
        version.pop("updated_at")
        self.add("customer_attributes", [{**row, **version}])

    def run(self, path: str, **params: Any) -> list[dict[str, Any]]:
        """Rows of a file, ordered."""
        file = read_sql(path)
        values = {"as_of": AS_OF, "learned_before": LEARNED_BEFORE, **params}
        found = self.connection.execute(file.statement, {name: values[name] for name in file.params})
        return sorted((dict(row) for row in found.mappings()), key=lambda row: [str(v) for v in row.values()][:2])

    def columns(self, path: str) -> list[str]:
        """Names of a file's columns."""
        file = read_sql(path)
        return list(self.connection.execute(file.statement, {"as_of": AS_OF}).keys())

    def features(self, family: str, key: int = 1, **params: Any) -> dict[str, Any]:
        """One customer's features of a family; empty where the family knows nothing of them."""
        found = [row for row in self.run(f"features/{family}.sql", **params) if row["customer_key"] == key]
        assert len(found) <= 1
        return found[0] if found else {}


def _version(columns: dict[str, Any]) -> dict[str, Any]:
    """Columns of a version that always held, or between the given days."""
    bounds = {name: columns.pop(name) for name in ("valid_from", "valid_to", "learned") if name in columns}
    return {
        "updated_at": None,
        "valid_from": moment(bounds["valid_from"]) if "valid_from" in bounds else BEGINNING,
        "valid_to": moment(bounds["valid_to"]) if "valid_to" in bounds else FOREVER,
        "learned_at": moment(bounds.get("learned", 0)),
        **columns,
    }

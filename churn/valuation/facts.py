"""What CLV needs of a night beyond its features: running discounts, and what refunds left of purchases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from churn.columns import read_numbers
from churn.config import Settings
from churn.sqlfiles import read_sql
from churn.warehouse import literal_sql


@dataclass(frozen=True)
class ByCustomer:
    """One number for some customers.

    Attributes
    ----------
    keys : ndarray of int64, shape (m,)
        Ascending.
    values : ndarray of float64, shape (m,)
    """

    keys: NDArray[np.int64]
    values: NDArray[np.float64]

    @classmethod
    def nobody(cls) -> ByCustomer:
        """Return what holds for no customer."""
        return cls(np.empty(0, np.int64), np.empty(0, np.float64))

    def of(self, customer_keys: NDArray[np.int64], otherwise: float) -> NDArray[np.float64]:
        """Return each customer's number, shape (n,); `otherwise` for those who have none."""
        if not len(self.keys):
            return np.full(len(customer_keys), otherwise)
        place = np.minimum(np.searchsorted(self.keys, customer_keys), len(self.keys) - 1)
        return np.where(self.keys[place] == customer_keys, self.values[place], otherwise)


@dataclass(frozen=True)
class Facts:
    """What staging knows of customers as of a date, and no feature says.

    Attributes
    ----------
    days_to_discount_end : ByCustomer
        Of customers with a discount that runs.
    net_share : ByCustomer
        Of customers with refunds, the share of their purchases' value that was left, 0 to 1.
    draw_key : ByCustomer
        Whole numbers below 2 ** 52 that belong to the customers' ids, whatever their keys; only for a night, whose
        intervals are published.
    """

    days_to_discount_end: ByCustomer
    net_share: ByCustomer
    draw_key: ByCustomer

    def draw_keys(self, customer_keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return what to draw intervals with, shape (n,): the same in every warehouse over the same source."""
        known = self.draw_key.of(customer_keys, -1.0).astype(np.int64)
        return np.where(known < 0, customer_keys, known)


NO_FACTS = Facts(ByCustomer.nobody(), ByCustomer.nobody(), ByCustomer.nobody())


def read_facts(connection: Connection, settings: Settings, as_of: date, *, with_draw_keys: bool = False) -> Facts:
    """Read what CLV of the configured kind needs beyond features, as of a date.

    Training holds the facts of many months and publishes no interval, so it leaves the draw keys out.
    """
    draw_key = read_by_customer(connection, "clv/draw_keys.sql", "draw_key") if with_draw_keys else ByCustomer.nobody()
    if settings.churn.definition == "contractual":
        ends = read_by_customer(connection, "clv/discount_ends.sql", "days_to_discount_end", as_of=as_of)
        return Facts(ends, ByCustomer.nobody(), draw_key)
    net_share = read_by_customer(connection, "clv/refunded_customers.sql", "net_share", as_of=as_of)
    return Facts(ByCustomer.nobody(), net_share, draw_key)


def read_by_customer(connection: Connection, path: str, column: str, **params: object) -> ByCustomer:
    """Read a file of `sql/` that gives one number a customer, ordered by customer."""
    rows = read_numbers(
        connection, literal_sql(read_sql(path).statement, **params), {"customer_key": np.int64, column: np.float64}
    )
    return ByCustomer(rows["customer_key"], rows[column])

"""CLV models fitted on what staging knows before a date."""

from __future__ import annotations

from datetime import date

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.engine import Connection
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from churn import clv
from churn.columns import read_numbers
from churn.config import Settings
from churn.sqlfiles import read_sql
from churn.warehouse import literal_sql

HISTORY_COLUMNS = ("frequency", "recency_days", "t_days", "monetary_value")

Histories = dict[str, NDArray[np.float64]]


def fit_model(
    connection: Connection,
    settings: Settings,
    as_of: date,
    *,
    panel: clv.Panel | None = None,
    before: clv.ClvModel | None = None,
) -> clv.ClvModel:
    """Fit a CLV model of the configured kind; nothing dated on or after `as_of` is used.

    Parameters
    ----------
    connection : sqlalchemy.Connection
    settings : Settings
    as_of : date
    panel : Panel, optional
        Month-end snapshots from training, with out-of-sample probabilities.
    before : ClvModel, optional
        The model in force: without a panel, what training taught it stays and only the curves are renewed.

    Raises
    ------
    ModelError
        There is too little to fit.
    """
    if settings.churn.definition == "inactivity":
        return fit_purchases(read_histories(connection, as_of))
    if panel is None and isinstance(before, clv.ContractualModel):
        life = read_life_table(connection, settings, as_of)
        with threadpool_limits(limits=1, user_api="blas"):
            return before.with_curves(life)
    return fit_contracts(connection, settings, as_of, panel)


def fit_contracts(
    connection: Connection, settings: Settings, as_of: date, panel: clv.Panel | None
) -> clv.ContractualModel:
    """Fit contractual CLV to the life table as of a date and, where there is one, to a panel known by then."""
    life = read_life_table(connection, settings, as_of)
    # With the cores at hand, products of matrices end otherwise in the last bits, and so would the SHA-256.
    with threadpool_limits(limits=1, user_api="blas"):
        return clv.fit_contractual(life, panel, horizon_days=settings.churn.horizon_days, until=as_of)


def fit_purchases(histories: Histories) -> clv.InactivityModel:
    """Fit CLV by inactivity to purchase histories, as `read_histories` gives them."""
    with threadpool_limits(limits=1, user_api="blas"):
        return clv.fit_inactivity(*(histories[name] for name in HISTORY_COLUMNS))


def read_histories(connection: Connection, as_of: date) -> Histories:
    """Read frequency, recency, age and monetary value net of refunds of every buyer, by `customer_key`."""
    statement = literal_sql(read_sql("clv/purchase_histories.sql").statement, as_of=as_of)
    columns: dict[str, type] = {"customer_key": np.int64, **dict.fromkeys(HISTORY_COLUMNS, np.float64)}
    return read_numbers(connection, statement, columns)


def read_life_table(connection: Connection, settings: Settings, as_of: date) -> clv.LifeTable:
    """Read how many contracts came up for renewal and how many ended, by plan, billing and completed renewals."""
    table = read_sql("clv/retention_table.sql")
    rows = connection.execute(table.statement, {"as_of": as_of, "grace_days": settings.grace_days}).all()

    def numbers(name: str) -> NDArray[np.float64]:
        return np.array([getattr(row, name) for row in rows], dtype=np.float64)

    return clv.LifeTable(
        [row.plan or "" for row in rows],
        numbers("billing_months"),
        numbers("renewals"),
        numbers("at_risk"),
        numbers("churned"),
    )

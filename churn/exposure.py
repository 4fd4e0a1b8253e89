"""Whom a campaign was to touch: they leave training and realised performance, the held-out stand for them.

A list's treatment is meant to change who leaves, so the outcome of a treated customer says nothing about the model
(methods.md, "Snapshots and splits"). It counts by assignment, whether they were reached or not; so do campaigns that
were drawn elsewhere, and whoever is recorded as contacted was treated, held out or not.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from churn.columns import read_numbers
from churn.sqlfiles import read_sql
from churn.warehouse import literal_sql, run_ddl

WEIGHTS_TABLE = "campaign_weights"

_weights = sa.table(
    WEIGHTS_TABLE,
    sa.column("customer_key", sa.BigInteger),
    sa.column("weight", sa.Double),
    sa.column("has_holdout", sa.Boolean),
    schema="pg_temp",
)


@dataclass(frozen=True)
class Exposure:
    """Customers of campaigns whose effect overlaps a label window.

    Attributes
    ----------
    treated : int
        Customers left out: assigned to treatment by some campaign, or contacted.
    held_out : int
        Customers who stand for them and for themselves.
    unrepresented : int
        Treated customers of campaigns that held nobody out: nobody stands for them.
    """

    treated: int
    held_out: int
    unrepresented: int


def assigned_weights(connection: Connection, as_of: date, horizon_days: int) -> Exposure:
    """Fill the temporary table `campaign_weights` until the transaction ends or another call takes its place.

    Its columns are `customer_key`, `weight` (0: leave out; else 1 / share held out) and `has_holdout`; a customer who
    isn't in it weighs 1.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        In a transaction.
    as_of : date
        Start of the label window.
    horizon_days : int
        Its length, and for how long a list or contact is taken to have an effect, in days.
    """
    query = literal_sql(read_sql("monitoring/campaign_weights.sql").statement, as_of=as_of, horizon_days=horizon_days)
    run_ddl(connection, f"drop table if exists pg_temp.{WEIGHTS_TABLE}")
    run_ddl(connection, f"create temporary table {WEIGHTS_TABLE} on commit drop as {query}")
    run_ddl(connection, f"analyze pg_temp.{WEIGHTS_TABLE}")
    counts = connection.execute(
        sa.select(
            sa.func.count().filter(_weights.c.weight == 0).label("treated"),
            sa.func.count().filter(_weights.c.weight > 0).label("held_out"),
            sa.func.count().filter(~_weights.c.has_holdout).label("unrepresented"),
        )
    ).one()
    return Exposure(counts.treated, counts.held_out, counts.unrepresented)


def weights_of(connection: Connection, customer_keys: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the weights of some customers, after `assigned_weights`.

    Parameters
    ----------
    connection : sqlalchemy.Connection
    customer_keys : ndarray of int64, shape (n,)

    Returns
    -------
    ndarray of float64, shape (n,)
        0: leave out; 1: no campaign touched them; more: held out.
    """
    query = sa.select(_weights.c.customer_key, _weights.c.weight).order_by(_weights.c.customer_key)
    listed = read_numbers(connection, literal_sql(query), {"customer_key": np.int64, "weight": np.float64})
    weights = np.ones(len(customer_keys))
    if len(listed["customer_key"]) == 0:
        return weights
    place = np.searchsorted(listed["customer_key"], customer_keys)
    place = np.minimum(place, len(listed["customer_key"]) - 1)
    found = listed["customer_key"][place] == customer_keys
    weights[found] = listed["weight"][place[found]]
    return weights

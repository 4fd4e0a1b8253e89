"""What was predicted of a published night's customers, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from scipy.special import logit
from sqlalchemy.engine import Connection

from churn import exposure, labels
from churn.columns import read_numbers
from churn.config import Settings
from churn.features.snapshot import find_snapshot
from churn.features.store import drawn, read_batches
from churn.matrix import FeatureNames
from churn.risk import Predictions
from churn.risk.evaluation import BASE_RATE, MODEL
from churn.risk.recency import RECENCY_FEATURES, days_since_activity
from churn.schema import segment_nights
from churn.sqlfiles import read_sql
from churn.warehouse import literal_sql

Floats = NDArray[np.float64]

_COLUMNS = {
    "customer_key": np.int64,
    "churned": np.int64,
    "churn_probability": np.float64,
    "segment_id": np.int64,
    "stake": np.float64,
    "weight": np.float64,
}
_ROW_ARRAYS = ("as_of", "customer_keys", "segment_ids", "churned", "probability", "stake", "weight")


@dataclass(frozen=True)
class PublishedRun:
    """A published night and the model that scored it."""

    as_of: date
    run_id: int
    model_version: str


@dataclass(frozen=True)
class NightCounts:
    """All customers of a night whose outcome is known, whatever share of them is read.

    Attributes
    ----------
    customers, churners : int
        Those who count, and those of them who left.
    treated_left_out, unrepresented : int
        Customers left out because a campaign was to contact them; those of campaigns that held nobody out.
    """

    customers: int
    churners: int
    treated_left_out: int
    unrepresented: int


@dataclass(frozen=True)
class RealisedRows:
    """Customers of some nights whose outcome is known, ordered by (as_of, customer_key); the treated left out.

    Attributes
    ----------
    as_of, customer_keys, segment_ids : ndarray of int64, shape (n,)
        `as_of` as ordinals.
    churned : ndarray of bool, shape (n,)
    probability, stake, weight : ndarray of float64, shape (n,)
        Stake is in money, NaN where no value is known; weight is 1, or 1 / share held out, over the share read.
    """

    as_of: NDArray[np.int64]
    customer_keys: NDArray[np.int64]
    segment_ids: NDArray[np.int64]
    churned: NDArray[np.bool_]
    probability: Floats
    stake: Floats
    weight: Floats

    def __len__(self) -> int:
        """Return the number of customer-nights."""
        return len(self.customer_keys)

    @property
    def has_both_classes(self) -> bool:
        """Whether somebody left and somebody stayed: else no figure is defined."""
        return 0 < int(self.churned.sum()) < len(self)

    def predictions(self, base_rate: float | None = None) -> Predictions:
        """Return the model's predictions, and those of its training's base rate where that is known."""
        score = {MODEL: logit(self.probability)}
        probability = {MODEL: self.probability}
        if base_rate is not None:
            score[BASE_RATE] = np.zeros(len(self))
            probability[BASE_RATE] = np.full(len(self), base_rate)
        weights = None if bool((self.weight == 1).all()) else self.weight
        return Predictions(self.as_of, self.customer_keys, self.churned, score, probability, weights)


def learn_outcome(
    connection: Connection, settings: Settings, night: PublishedRun, *, data_through: date
) -> NightCounts:
    """Fill the temporary tables `churn_labels` and `campaign_weights` for a night, and count its customers.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        In a transaction.
    settings : Settings
    night : PublishedRun
    data_through : date
        What happened before this date is known, and nothing else.

    Raises
    ------
    DataContractError
        The labels are not known yet.
    """
    labels.make_labels(connection, settings, night.as_of, data_through=data_through)
    exposed = exposure.assigned_weights(connection, night.as_of, settings.churn.horizon_days)
    query = read_sql("monitoring/realised_counts.sql").statement
    counts = connection.execute(query, {"as_of": night.as_of, "run_id": night.run_id}).one()
    return NightCounts(counts.customers, counts.churners, counts.treated_left_out, exposed.unrepresented)


def read_rows(connection: Connection, night: PublishedRun, *, share: float, seed: int) -> RealisedRows:
    """Read a night's scores with what became of its customers, after `learn_outcome`.

    Parameters
    ----------
    connection : sqlalchemy.Connection
    night : PublishedRun
    share, seed : float, int
        Share of the customers to read, in (0, 1], and the seed of their draw, by a hash: the same customers of every
        night. Their weights are divided by it, so that they stand for all.
    """
    values = {"as_of": night.as_of, "run_id": night.run_id}
    statement = read_sql("monitoring/realised_rows.sql").statement.bindparams(**values)
    outcomes = statement.columns(*(sa.column(name) for name in _COLUMNS)).subquery("outcomes")
    query = sa.select(outcomes).order_by(outcomes.c.customer_key)
    if share < 1:
        query = query.where(drawn(outcomes.c.customer_key, share, seed))
    read = read_numbers(connection, literal_sql(query), _COLUMNS)
    return RealisedRows(
        as_of=np.full(len(read["customer_key"]), night.as_of.toordinal(), np.int64),
        customer_keys=read["customer_key"],
        segment_ids=read["segment_id"],
        churned=read["churned"] == 1,
        probability=read["churn_probability"],
        stake=read["stake"],
        weight=read["weight"] / share,
    )


def joined(parts: Sequence[RealisedRows]) -> RealisedRows:
    """Return the rows of several nights, at least one, as one; the nights ascending by date."""

    def whole(name: str) -> NDArray[np.generic]:
        return np.concatenate([getattr(part, name) for part in parts])

    return RealisedRows(**{name: whole(name) for name in _ROW_ARRAYS})  # type: ignore[arg-type]


def days_silent(
    connection: Connection, settings: Settings, as_of: date, customer_keys: NDArray[np.int64], *, share: float
) -> Floats:
    """Return the recency rule's score of some customers on a night, shape (n,); NaN where its snapshot is gone.

    Parameters
    ----------
    connection : sqlalchemy.Connection
    settings : Settings
    as_of : date
    customer_keys : ndarray of int64, shape (n,)
        Ascending.
    share : float
        The share that they were read by.
    """
    days = np.full(len(customer_keys), np.nan)
    snapshot = find_snapshot(connection, as_of, settings.churn.definition)
    if snapshot is None or len(customer_keys) == 0:
        return days
    names = FeatureNames(tuple(name for name in RECENCY_FEATURES if name in snapshot.feature_set.numbers))
    for batch in read_batches(connection, snapshot, names, share=share, seed=settings.train.seed):
        place = np.minimum(np.searchsorted(customer_keys, batch.customer_keys), len(customer_keys) - 1)
        found = customer_keys[place] == batch.customer_keys
        days[place[found]] = days_since_activity(names, batch.numbers)[found]
    return days


def segment_names(connection: Connection, night: PublishedRun, segment_ids: NDArray[np.int64]) -> NDArray[np.str_]:
    """Return the name of each row's segment on its night, shape (n,)."""
    query = sa.select(segment_nights.c.segment_id, segment_nights.c.segment).where(
        segment_nights.c.as_of_date == night.as_of, segment_nights.c.run_id == night.run_id
    )
    names = {row.segment_id: row.segment for row in connection.execute(query)}
    ids, place = np.unique(segment_ids, return_inverse=True)
    return np.array([names.get(one, "") for one in ids.tolist()] or [""], dtype=np.str_)[place]

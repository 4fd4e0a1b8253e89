"""Drift: a sample of tonight's customers against the rows that the model learned from."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Protocol

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from churn.columns import read_numbers
from churn.config import Settings
from churn.features.snapshot import Snapshot
from churn.features.store import category_levels, drawn, read_batches
from churn.matrix import Batch, FeatureNames
from churn.risk.drift import Drift, measure_drift
from churn.risk.reference import Reference
from churn.schema import customer_scores, feature_drift
from churn.warehouse import literal_sql

SAMPLED_CUSTOMERS = 20_000
UNSEEN_WARN = 0.05


class Night(Protocol):
    """What monitoring needs to know of the night that is being scored."""

    @property
    def settings(self) -> Settings:
        """The configuration."""

    @property
    def run_id(self) -> int:
        """Run that scores the night."""

    @property
    def snapshot(self) -> Snapshot:
        """Features of the night."""

    @property
    def churn_version(self) -> str:
        """Model that scored it."""

    @property
    def reference(self) -> Reference | None:
        """What the model learned from; None where the night has no model, or it kept none."""


def watch_drift(reader: Connection, connection: Connection, night: Night) -> int:
    """Store how far each feature of the model, and its score, has moved; return the number of rows.

    At most about `SAMPLED_CUSTOMERS` customers are read, drawn by a hash: the same ones every time.

    Parameters
    ----------
    reader, connection : sqlalchemy.Connection
        One streams the snapshot, the other reads the scores and writes.
    night : Night
        Its scores stand in `scores.customer_scores` under its run.
    """
    if night.reference is None:
        return 0
    share = min(1.0, SAMPLED_CUSTOMERS / max(night.snapshot.customers, 1))
    reference = _comparable(night.reference, night.snapshot)
    names = _names(connection, night.snapshot, reference)
    probabilities = _probabilities(connection, night, share)
    drifts = measure_drift(reference, names, _sample(reader, night, names, share, probabilities))
    if drifts:
        connection.execute(sa.insert(feature_drift), [_row(night, drift) for drift in drifts])
    return len(drifts)


def status_of(drift: Drift, settings: Settings) -> str:
    """Say `ok`, `warn` or `fail`; what chance does to a small night, and what the model never learned, is `ok`."""
    if np.isnan(drift.psi):
        return "ok"
    limits, has_moved = settings.monitoring, drift.psi > drift.chance_psi
    if has_moved and drift.psi >= limits.psi_fail:
        return "fail"
    if (has_moved and drift.psi >= limits.psi_warn) or drift.unseen_share >= UNSEEN_WARN:
        return "warn"
    return "ok"


def _row(night: Night, drift: Drift) -> dict[str, object]:
    return {
        "run_id": night.run_id,
        "feature": drift.feature,
        "as_of_date": night.snapshot.as_of,
        "model_version": night.churn_version,
        "psi": None if np.isnan(drift.psi) else drift.psi,
        "unseen_share": drift.unseen_share,
        "missing_share": drift.missing_share,
        "missing_share_trained": drift.missing_share_trained,
        "status": status_of(drift, night.settings),
    }


def _comparable(reference: Reference, snapshot: Snapshot) -> Reference:
    """Leave out what the night did not compute: scoring has refused a night that lacks what the model needs."""
    features = snapshot.feature_set
    return dataclasses.replace(
        reference,
        numbers=tuple(spread for spread in reference.numbers if spread.name in features.numbers),
        categories=tuple(spread for spread in reference.categories if spread.name in features.categories),
    )


def _names(connection: Connection, snapshot: Snapshot, reference: Reference) -> FeatureNames:
    """Return the columns of the reference, with the levels that categories have that night."""
    levels = dict(zip(snapshot.feature_set.categories, category_levels(connection, [snapshot]), strict=True))
    categories = tuple(spread.name for spread in reference.categories)
    numbers = tuple(spread.name for spread in reference.numbers)
    return FeatureNames(numbers, categories, tuple(levels[name] for name in categories))


def _probabilities(connection: Connection, night: Night, share: float) -> dict[str, NDArray[np.float64]]:
    query = sa.select(customer_scores.c.customer_key, customer_scores.c.churn_probability).where(
        customer_scores.c.as_of_date == night.snapshot.as_of, customer_scores.c.run_id == night.run_id
    )
    if share < 1:
        query = query.where(drawn(customer_scores.c.customer_key, share, night.settings.train.seed))
    ordered = query.order_by(customer_scores.c.customer_key)
    return read_numbers(connection, literal_sql(ordered), {"customer_key": np.int64, "churn_probability": np.float64})


def _sample(
    reader: Connection,
    night: Night,
    names: FeatureNames,
    share: float,
    probabilities: dict[str, NDArray[np.float64]],
) -> Iterator[tuple[Batch, NDArray[np.float64]]]:
    """Yield the sampled customers with their probabilities; NaN where one was not scored."""
    seed = night.settings.train.seed
    scored = dict(zip(probabilities["customer_key"].tolist(), probabilities["churn_probability"].tolist(), strict=True))
    for batch in read_batches(reader, night.snapshot, names, share=share, seed=seed):
        yield batch, np.array([scored.get(key, np.nan) for key in batch.customer_keys.tolist()])

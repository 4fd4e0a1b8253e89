"""The clv stage: every customer valued, with the calibrated probability spliced in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from churn import clv
from churn.columns import read_numbers
from churn.features.store import read_batches
from churn.matrix import FeatureNames
from churn.schema import attempt_clv, attempt_risk
from churn.scoring.night import ScoredNight, names_of, refill
from churn.valuation import clv_model_in_force, value_batch
from churn.warehouse import literal_sql


def score_clv(reader: Connection, connection: Connection, night: ScoredNight) -> int:
    """Value every customer, splicing the calibrated churn probability with what the whole history says."""
    names = names_of(connection, night.snapshot)
    model = clv_model_in_force(connection, night.settings, night.author, as_of=night.as_of)
    order = sa.select(attempt_risk.c.customer_key, attempt_risk.c.churn_probability).order_by(
        attempt_risk.c.customer_key
    )
    known = read_numbers(connection, literal_sql(order), {"customer_key": np.int64, "churn_probability": np.float64})
    return refill(connection, attempt_clv, _valued(reader, night, names, model, known))


def _valued(
    reader: Connection,
    night: ScoredNight,
    names: FeatureNames,
    model: clv.ClvModel,
    known: dict[str, NDArray[Any]],
) -> Iterator[dict[str, Any]]:
    for batch in read_batches(reader, night.snapshot, names):
        p = known["churn_probability"][np.searchsorted(known["customer_key"], batch.customer_keys)]
        values, expected_purchases = value_batch(night.settings, names, batch, model, p)
        yield {
            "customer_key": batch.customer_keys,
            "clv": values.clv,
            "clv_if_retained": values.clv_if_retained,
            "value_if_churned": values.value_if_churned,
            "expected_purchases": expected_purchases,
        }

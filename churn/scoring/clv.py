"""The clv stage: every customer valued, with the calibrated probability spliced in; and the totals of the night."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.engine import Connection
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from churn.columns import read_numbers
from churn.features.store import read_batches
from churn.matrix import FeatureNames
from churn.registry import stored
from churn.schema import attempt_clv, attempt_risk, attempt_segments
from churn.scoring.night import ScoredNight, names_of, plan_place, refill
from churn.segments import Segmenter
from churn.sqlfiles import read_sql
from churn.valuation import (
    ClvInForce,
    Facts,
    clv_model_in_force,
    read_facts,
    value_batch,
)
from churn.warehouse import literal_sql

Known = dict[str, NDArray[Any]]


def score_clv(reader: Connection, connection: Connection, night: ScoredNight) -> int:
    """Value every customer, splicing the calibrated churn probability with what the whole history says."""
    names = names_of(connection, night.snapshot)
    in_force = clv_model_in_force(connection, night.settings, night.author, as_of=night.as_of)
    night.clv_version, night.clv_method = in_force.model_version, in_force.method(night.settings)
    night.notes.extend(in_force.notes(night.settings))
    facts = read_facts(connection, night.settings, night.as_of, with_draw_keys=True)
    known, segments = _known(connection), _names(connection, night)
    # With the cores at hand, products of matrices end otherwise in the last bits.
    with threadpool_limits(limits=1, user_api="blas"):
        return refill(connection, attempt_clv, _valued(reader, night, names, in_force, facts, known, segments))


def store_totals(connection: Connection, night: ScoredNight) -> None:
    """Sum the night's scores to `scores.clv_totals`, with an 80 % interval where the method gives one.

    Called once `scores.customer_scores` holds the night, in the same transaction.
    """
    connection.execute(
        read_sql("clv/totals.sql").statement,
        {
            "as_of": night.as_of,
            "run_id": night.run_id,
            "snapshot_id": night.snapshot.snapshot_id,
            "plan_place": plan_place(night),
        },
    )


def _known(connection: Connection) -> Known:
    """Read each customer's churn probability and segment in this attempt, by key."""
    order = (
        sa.select(attempt_risk.c.customer_key, attempt_risk.c.churn_probability, attempt_segments.c.segment_id)
        .join(attempt_segments, attempt_segments.c.customer_key == attempt_risk.c.customer_key)
        .order_by(attempt_risk.c.customer_key)
    )
    columns = {"customer_key": np.int64, "churn_probability": np.float64, "segment_id": np.int64}
    return read_numbers(connection, literal_sql(order), columns)


def _names(connection: Connection, night: ScoredNight) -> dict[int, str] | None:
    """Return the segments' names by id, only where values are taken from the segments' averages."""
    if night.settings.clv.method != "segment_average":
        return None
    model = stored(connection, night.segments_version)
    found = Segmenter.from_text(model.artifact, model.sha256).segments
    return {segment.segment_id: segment.name for segment in found}


def _valued(
    reader: Connection,
    night: ScoredNight,
    names: FeatureNames,
    in_force: ClvInForce,
    facts: Facts,
    known: Known,
    segments: dict[int, str] | None,
) -> Iterator[dict[str, Any]]:
    for batch in read_batches(reader, night.snapshot, names):
        place = np.searchsorted(known["customer_key"], batch.customer_keys)
        p, ids = known["churn_probability"][place], known["segment_id"][place]
        named = None if segments is None else np.array([segments[int(one)] for one in ids], dtype=np.str_)
        valued = value_batch(night.settings, names, batch, in_force, p, facts=facts, segments=named)
        values = valued.values
        yield {
            "customer_key": batch.customer_keys,
            "clv": values.clv,
            "clv_if_retained": values.clv_if_retained,
            "value_if_churned": values.value_if_churned,
            "expected_purchases": valued.expected_purchases,
            "clv_low": values.low,
            "clv_high": values.high,
            "p_alive": valued.p_alive,
            "variance": values.variance,
            "shifts": _arrays(values.shifts),
        }


def _arrays(shifts: NDArray[np.float64]) -> list[str | None]:
    """Write each row of shifts as Postgres writes an array; null where it is not known."""
    if not shifts.shape[1]:
        return [None] * len(shifts)
    return ["{" + ",".join(map(repr, row)) + "}" if isfinite(sum(row)) else None for row in shifts.tolist()]

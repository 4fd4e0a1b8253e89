"""The clv stage: every customer valued, with the calibrated probability spliced in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from churn import clv, registry
from churn.columns import read_numbers
from churn.config import Settings
from churn.features.store import read_batches
from churn.matrix import Batch, FeatureNames, number_column
from churn.schema import attempt_clv, attempt_risk
from churn.scoring.night import ScoredNight, names_of, refill
from churn.sqlfiles import read_sql
from churn.warehouse import literal_sql

CLV_MODEL_DAYS = 28


def score_clv(reader: Connection, connection: Connection, night: ScoredNight) -> int:
    """Value every customer, splicing the calibrated churn probability with what the whole history says."""
    names = names_of(connection, night.snapshot)
    model = _clv_model(connection, night)
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
        values, expected_purchases = _value_batch(night.settings, names, batch, model, p)
        yield {
            "customer_key": batch.customer_keys,
            "clv": values.clv,
            "clv_if_retained": values.clv_if_retained,
            "value_if_churned": values.value_if_churned,
            "expected_purchases": expected_purchases,
        }


def _value_batch(
    settings: Settings, names: FeatureNames, batch: Batch, model: clv.ClvModel, p: NDArray[np.float64]
) -> tuple[clv.ClvValues, NDArray[np.float64]]:
    def column(name: str) -> NDArray[np.float64]:
        return number_column(names, batch, name)

    terms = {
        "horizon_days": settings.churn.horizon_days,
        "horizon_months": settings.clv.horizon_months,
        "annual_discount_rate": settings.clv.annual_discount_rate,
        "gross_margin": settings.clv.gross_margin,
    }
    if isinstance(model, clv.ContractualModel):
        values = clv.contractual_clv(p, column("mrr"), column("paid_tenure_days"), model.curve, **terms)  # type: ignore[arg-type]
        return values, np.full(len(batch), np.nan)
    bought = clv.inactivity_clv(
        p,
        column("frequency"),
        column("recency_days"),
        column("t_days"),
        column("monetary_value"),
        model,
        **terms,  # type: ignore[arg-type]
    )
    return bought.values, bought.expected_purchases


def _clv_model(connection: Connection, night: ScoredNight) -> clv.ClvModel:
    wanted = clv.ContractualModel if night.settings.churn.definition == "contractual" else clv.InactivityModel
    stored = registry.in_force(connection, registry.CLV, night.as_of)
    if stored is not None and stored.trained_as_of > night.as_of - timedelta(days=CLV_MODEL_DAYS):
        model = clv.model_from_text(stored.artifact, stored.sha256)
        if isinstance(model, wanted):
            return model
    model = (
        _fit_contractual(connection, night) if wanted is clv.ContractualModel else _fit_inactivity(connection, night)
    )
    text = clv.model_to_text(model)
    registry.adopt(
        connection,
        registry.NewModel(registry.CLV, text, night.as_of, details=json.loads(text)),
        run_id=night.run_id,
        created_at=night.started_at,
        reason="fitted by the first night that needed it",
    )
    return model


def _fit_contractual(connection: Connection, night: ScoredNight) -> clv.ClvModel:
    table = read_sql("clv/retention_table.sql")
    rows = read_numbers(
        connection,
        literal_sql(table.statement, as_of=night.as_of, grace_days=night.settings.grace_days),
        {"tenure_months": np.float64, "at_risk": np.float64, "churned": np.float64},
    )
    return clv.ContractualModel(clv.fit_retention_curve(rows["tenure_months"], rows["at_risk"], rows["churned"]))


def _fit_inactivity(connection: Connection, night: ScoredNight) -> clv.ClvModel:
    histories = read_sql("clv/purchase_histories.sql")
    rows = read_numbers(
        connection,
        literal_sql(histories.statement, as_of=night.as_of),
        {
            "frequency": np.float64,
            "recency_days": np.float64,
            "t_days": np.float64,
            "monetary_value": np.float64,
        },
    )
    return clv.fit_inactivity(rows["frequency"], rows["recency_days"], rows["t_days"], rows["monetary_value"])

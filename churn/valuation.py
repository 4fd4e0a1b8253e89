"""What customers are worth: the CLV model in force, and the values it gives to a batch of customers."""

from __future__ import annotations

import json
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from churn import clv, registry
from churn.columns import read_numbers
from churn.config import Settings
from churn.matrix import Batch, FeatureNames, number_column
from churn.sqlfiles import read_sql
from churn.warehouse import literal_sql

CLV_MODEL_DAYS = 28


def clv_model_in_force(
    connection: Connection, settings: Settings, author: registry.Author, *, as_of: date
) -> clv.ClvModel:
    """Return the CLV model in force as of a date, fitting one where there is none or where it is four weeks old.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        In a transaction: a new model is stored.
    settings : Settings
    author : Author
        Who is said to have fitted it.
    as_of : date
        Nothing dated on or after it is used.
    """
    wanted = clv.ContractualModel if settings.churn.definition == "contractual" else clv.InactivityModel
    stored = registry.in_force(connection, registry.CLV, as_of)
    if stored is not None and stored.trained_as_of > as_of - timedelta(days=CLV_MODEL_DAYS):
        model = clv.model_from_text(stored.artifact, stored.sha256)
        if isinstance(model, wanted):
            return model
    model = (
        _fit_contractual(connection, settings, as_of)
        if wanted is clv.ContractualModel
        else _fit_inactivity(connection, as_of)
    )
    text = clv.model_to_text(model)
    new = registry.NewModel(registry.CLV, text, as_of, details=json.loads(text))
    registry.adopt(connection, new, author, f"fitted as of {as_of}, by the first run that needed it")
    return model


def value_batch(
    settings: Settings, names: FeatureNames, batch: Batch, model: clv.ClvModel, p: NDArray[np.float64]
) -> tuple[clv.ClvValues, NDArray[np.float64]]:
    """Value a batch of customers.

    Parameters
    ----------
    settings : Settings
    names : FeatureNames
    batch : Batch
        n customers.
    model : ClvModel
    p : ndarray of float64, shape (n,)
        Calibrated churn probability; NaN where there is none.

    Returns
    -------
    ClvValues
        Arrays of shape (n,), in `business.currency`.
    ndarray of float64, shape (n,)
        Expected purchases within the CLV horizon; NaN where churn is contractual.
    """

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


def stakes(
    settings: Settings, names: FeatureNames, batch: Batch, model: clv.ClvModel, p: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return what a customer's staying is worth, V^S - V^L, shape (n,) (methods.md B); 0 where it is not known."""
    values, _ = value_batch(settings, names, batch, model, p)
    return np.nan_to_num(values.clv_if_retained - values.value_if_churned, nan=0.0)


def _fit_contractual(connection: Connection, settings: Settings, as_of: date) -> clv.ClvModel:
    table = read_sql("clv/retention_table.sql")
    rows = read_numbers(
        connection,
        literal_sql(table.statement, as_of=as_of, grace_days=settings.grace_days),
        {"tenure_months": np.float64, "at_risk": np.float64, "churned": np.float64},
    )
    return clv.ContractualModel(clv.fit_retention_curve(rows["tenure_months"], rows["at_risk"], rows["churned"]))


def _fit_inactivity(connection: Connection, as_of: date) -> clv.ClvModel:
    histories = read_sql("clv/purchase_histories.sql")
    columns = ("frequency", "recency_days", "t_days", "monetary_value")
    rows = read_numbers(connection, literal_sql(histories.statement, as_of=as_of), dict.fromkeys(columns, np.float64))
    return clv.fit_inactivity(*(rows[name] for name in columns))

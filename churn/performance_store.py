"""What one evaluation of one model found, into the tables that `bi` shows; storing it again replaces it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn.risk.evaluation import BASE_RATE, LOGISTIC, MODEL
from churn.risk.judgement import Judgement
from churn.schema import (
    calibration_bins,
    model_curves,
    model_performance,
    performance_figures,
    threshold_tradeoff,
)


def store_judgement(connection: Connection, model_version: str, evaluation: str, judgement: Judgement) -> None:
    """Store all figures of one evaluation of a model in place of those that were there.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        In a transaction.
    model_version : str
    evaluation : str
        `out_of_time` or `realised`.
    judgement : Judgement
        NaN is stored as null.
    """
    named = {"model_version": model_version, "evaluation": evaluation}
    rows: dict[sa.Table, Sequence[Any]] = {
        performance_figures: judgement.figures,
        threshold_tradeoff: judgement.tradeoff,
        calibration_bins: judgement.calibration,
        model_curves: judgement.curves,
    }
    _replace(connection, model_performance, named, [_performance(judgement)])
    for table, found in rows.items():
        columns = [name for name in table.columns.keys() if name not in named]  # noqa: SIM118
        _replace(connection, table, named, [{name: getattr(row, name) for name in columns} for row in found])


def json_safe(values: dict[str, Any]) -> dict[str, Any]:
    """Write NaN as null and dates as text, as JSON needs it."""
    return {name: value.isoformat() if isinstance(value, date) else plain(value) for name, value in values.items()}


def plain(value: Any) -> Any:
    """Return a NumPy scalar as Python's own, and what is not finite as None."""
    own = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(own, float) and not np.isfinite(own) else own


def _replace(connection: Connection, table: sa.Table, named: dict[str, str], rows: Sequence[dict[str, Any]]) -> None:
    connection.execute(sa.delete(table).where(*(table.c[name] == value for name, value in named.items())))
    values = [named | {name: plain(value) for name, value in row.items()} for row in rows]
    if values:
        connection.execute(sa.insert(table).values(values))


def _performance(judgement: Judgement) -> dict[str, Any]:
    """Return the model's row of figures, the baselines' beside them where they were judged too."""
    figures = {found.predictor: found for found in judgement.evaluations}
    model, logistic, base_rate = figures[MODEL], figures.get(LOGISTIC), figures.get(BASE_RATE)
    beside = {
        "from_as_of_date": model.first_as_of,
        "to_as_of_date": model.last_as_of,
        "customer_months": model.rows,
        "churners": model.churners,
        "logistic_regression_auc": logistic and logistic.auc_roc,
        "logistic_regression_log_loss": logistic and logistic.log_loss,
        "base_rate_log_loss": base_rate and base_rate.log_loss,
    }
    columns = {column.name for column in model_performance.columns} - {"model_version", "evaluation"}
    return {name: value for name, value in asdict(model).items() if name in columns} | beside

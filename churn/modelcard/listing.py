"""All models of a kind in a table."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn.modelcard.facts import OUT_OF_TIME, REALISED
from churn.schema import model_performance, models
from churn.terminal import figure_text

COLUMNS = ("model", "status", "trained as of", "AUC-ROC", "realised")


def list_models(connection: Connection, kind: str) -> tuple[list[str], list[list[Any]], list[str]]:
    """Return columns and rows of the models of a kind, the newest first, and for each why it is where it is."""
    tested, realised = model_performance.alias("tested"), model_performance.alias("realised")
    query = (
        sa.select(
            models.c.model_version,
            models.c.status,
            models.c.trained_as_of,
            tested.c.auc_roc,
            tested.c.auc_roc_low,
            tested.c.auc_roc_high,
            realised.c.auc_roc.label("realised_auc"),
            models.c.reason,
        )
        .outerjoin(tested, _evaluated(tested, OUT_OF_TIME))
        .outerjoin(realised, _evaluated(realised, REALISED))
        .where(models.c.kind == kind)
        .order_by(models.c.trained_as_of.desc(), models.c.created_at.desc(), models.c.model_version)
    )
    found = connection.execute(query).all()
    rows = [
        [
            row.model_version,
            row.status,
            row.trained_as_of,
            figure_text(row.auc_roc, row.auc_roc_low, row.auc_roc_high),
            row.realised_auc,
        ]
        for row in found
    ]
    return list(COLUMNS), rows, [f"{row.model_version}: {row.reason}" for row in found]


def _evaluated(performance: Any, evaluation: str) -> sa.ColumnElement[bool]:
    return sa.and_(performance.c.model_version == models.c.model_version, performance.c.evaluation == evaluation)

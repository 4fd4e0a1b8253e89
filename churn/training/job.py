"""Train on the snapshots, judge, store, and promote."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn import registry
from churn.config import Settings
from churn.features.snapshot import Snapshot
from churn.ledger import Run
from churn.risk import Evaluation, TrainSettings
from churn.risk.evaluation import BASE_RATE, LOGISTIC, MODEL
from churn.risk.training import train_model
from churn.schema import model_performance
from churn.training.contest import contest
from churn.training.data import training_set
from churn.training.report import TrainingReport
from churn.training.snapshots import known_until
from churn.warehouse import Database

MONTHS_A_YEAR = 12


def train(warehouse: Database, settings: Settings, snapshots: Sequence[Snapshot], run: Run) -> TrainingReport:
    """Train on the snapshots, judge out of time, store, and promote where the figures say so.

    Raises
    ------
    ModelError
        There is too little to learn from; the champion stays.
    """
    until = known_until(settings, run)
    with warehouse.begin() as connection:
        data = training_set(connection, settings, snapshots, until)
    result = train_model(data, train_settings(settings), until=until)
    origins = Counter(snapshot.origin for snapshot in snapshots)
    notes = (
        *result.notes,
        "Snapshots: " + ", ".join(f"{count} {origin}" for origin, count in sorted(origins.items())) + ".",
        *_season_notes(snapshots),
    )
    with warehouse.begin() as connection:
        model = registry.NewModel(
            kind=registry.CHURN,
            artifact=result.model.to_text(),
            trained_as_of=run.as_of,
            labels_end_date=result.model.labels_end,
            details={
                "figures": {e.predictor: _json_safe(asdict(e)) for e in result.evaluations},
                "features": [*result.model.names.numbers, *result.model.names.categories],
                "notes": list(notes),
                "snapshots": dict(origins),
            },
        )
        version = registry.register(connection, model, run_id=run.run_id, created_at=run.started_at)
        _store_performance(connection, version, result.evaluations)
        promoted, reason = contest(connection, result, data)
        if promoted:
            registry.promote(connection, version, registry.CHURN, reason)
    run.note_versions({"churn": version})
    return TrainingReport(version, promoted, result.evaluations, (*notes, reason), len(data), result.predictions)


def train_settings(settings: Settings) -> TrainSettings:
    """Take what training needs from the configuration."""
    return TrainSettings(
        horizon_days=settings.churn.horizon_days,
        grace_days=settings.grace_days,
        seed=settings.train.seed,
        list_size=settings.retention.list_size,
        max_rows=settings.train.max_rows,
        min_churners=settings.train.min_churners,
        threads=settings.train.threads,
    )


def _store_performance(connection: Connection, version: str, evaluations: Sequence[Evaluation]) -> None:
    figures = {evaluation.predictor: evaluation for evaluation in evaluations}
    model = figures[MODEL]
    logistic = figures.get(LOGISTIC)
    values: dict[str, Any] = {
        "model_version": version,
        "evaluation": model.evaluation,
        "from_as_of_date": model.first_as_of,
        "to_as_of_date": model.last_as_of,
        "customer_months": model.rows,
        "churners": model.churners,
        "logistic_regression_auc": None if logistic is None else logistic.auc_roc,
        "logistic_regression_log_loss": None if logistic is None else logistic.log_loss,
        "base_rate_log_loss": figures[BASE_RATE].log_loss,
    }
    columns = {column.name for column in model_performance.columns}
    values |= {name: value for name, value in asdict(model).items() if name in columns and name not in values}
    connection.execute(
        sa.dialects.postgresql.insert(model_performance)
        .values(**{name: _finite(value) for name, value in values.items()})
        .on_conflict_do_nothing()
    )


def _finite(value: Any) -> Any:
    """Write NaN as null."""
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _json_safe(values: dict[str, Any]) -> dict[str, Any]:
    """Write NaN as null and dates as text, as JSON needs it."""
    return {name: value.isoformat() if isinstance(value, date) else _finite(value) for name, value in values.items()}


def _season_notes(snapshots: Sequence[Snapshot]) -> list[str]:
    """Say so where no month of the year was seen twice: then nobody can tell season from level (methods.md)."""
    years_of: dict[int, set[int]] = {}
    for snapshot in snapshots:
        years_of.setdefault(snapshot.as_of.month, set()).add(snapshot.as_of.year)
    seen_twice = sum(len(years) > 1 for years in years_of.values())
    if seen_twice == MONTHS_A_YEAR:
        return []
    return [
        f"The level is not validated across seasons: {seen_twice} of {MONTHS_A_YEAR} months of the year were seen in "
        "two years or more."
    ]

"""What models are worth: figures, curves, realised performance, drift, reasons, and who promoted which model."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from churn.warehouse import run_ddl

revision = "0002"
down_revision = "0001"

_STATEMENTS = Path(__file__).with_suffix(".sql")
_TABLES = (
    "ops.model_events",
    "ops.performance_figures",
    "ops.threshold_tradeoff",
    "ops.calibration_bins",
    "ops.model_curves",
    "ops.realised_nights",
    "ops.realised_figures",
    "ops.feature_drift",
    "scores.churn_drivers",
    "scores.attempt_reasons",
)
_COLUMNS = {
    "ops.model_performance": (
        "list_size",
        "recall_at_list",
        "precision_at_list",
        "ece_perfect_p95",
        "expected_net_value",
    ),
    "scores.customer_scores": ("reason_1", "reason_2", "reason_3"),
    "scores.at_risk_list": ("reason_1", "reason_2", "reason_3"),
}


def upgrade() -> None:
    """Make the tables and columns of the second release."""
    run_ddl(op.get_bind(), _STATEMENTS.read_text(encoding="utf-8"))


def downgrade() -> None:
    """Drop them, with all that they hold; views that show them must be gone."""
    for table in _TABLES:
        run_ddl(op.get_bind(), f"drop table {table}")
    for table, columns in _COLUMNS.items():
        run_ddl(op.get_bind(), f"alter table {table} " + ", ".join(f"drop column {name}" for name in columns))

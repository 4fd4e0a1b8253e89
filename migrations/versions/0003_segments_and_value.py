"""Segments that keep their identity, and customer lifetime value with intervals and a backtest."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from churn.warehouse import run_ddl

revision = "0003"
down_revision = "0002"

_STATEMENTS = Path(__file__).with_suffix(".sql")
_TABLES = ("ops.segment_events", "ops.clv_backtests", "ops.clv_deciles", "scores.clv_totals")
_COLUMNS = {
    "scores.customer_scores": (
        "clv_low",
        "clv_high",
        "p_alive",
        "value_tier",
        "lifecycle_stage",
        "recency_quintile",
        "frequency_quintile",
        "monetary_quintile",
        "previous_segment",
        "segment_since_date",
    ),
    "scores.attempt_clv": ("clv_low", "clv_high", "p_alive", "variance", "shifts"),
}


def upgrade() -> None:
    """Make the tables and columns of the third release."""
    run_ddl(op.get_bind(), _STATEMENTS.read_text(encoding="utf-8"))


def downgrade() -> None:
    """Drop them, with all that they hold; views that show them must be gone."""
    for table in _TABLES:
        run_ddl(op.get_bind(), f"drop table {table}")
    for table, columns in _COLUMNS.items():
        run_ddl(op.get_bind(), f"alter table {table} " + ", ".join(f"drop column {name}" for name in columns))

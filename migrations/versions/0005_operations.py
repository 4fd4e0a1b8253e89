"""Who writes, how runs fare, alerts, the figures of tables, who was forgotten, loads that go on."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from churn.warehouse import run_ddl

revision = "0005"
down_revision = "0004"

_STATEMENTS = Path(__file__).with_suffix(".sql")
_TABLES = (
    "ops.alerts",
    "ops.past_nights",
    "ops.table_figures",
    "ops.tombstones",
    "ops.writer",
)
_COLUMNS = {
    "ops.runs": (
        "heartbeat_at",
        "host",
        "pid",
        "attempts",
        "inputs_digest",
    ),
    "ops.run_stages": (
        "attempts",
        "error",
        "state",
    ),
    "ops.extractions": ("rows_forgotten",),
    "scores.month_segments": ("run_id",),
}


def upgrade() -> None:
    """Make the tables and columns of the fifth release."""
    run_ddl(op.get_bind(), _STATEMENTS.read_text(encoding="utf-8"))


def downgrade() -> None:
    """Drop them, with all that they hold; views that show them must be gone."""
    for table in _TABLES:
        run_ddl(op.get_bind(), f"drop table {table}")
    for table, columns in _COLUMNS.items():
        run_ddl(op.get_bind(), f"alter table {table} " + ", ".join(f"drop column {name}" for name in columns))

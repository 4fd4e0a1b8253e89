"""Offers, campaigns with a holdout, business figures by month, insights, exports."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from churn.warehouse import run_ddl

revision = "0004"
down_revision = "0003"

_STATEMENTS = Path(__file__).with_suffix(".sql")
_TABLES = (
    "ops.campaigns",
    "ops.campaign_recordings",
    "ops.campaign_members",
    "ops.campaign_contacts",
    "ops.campaign_outcomes",
    "ops.campaign_results",
    "ops.exports",
    "scores.customer_offers",
    "scores.list_exclusions",
    "scores.campaign_lists",
    "scores.campaign_balance",
    "scores.save_rates",
    "scores.kpi_months",
    "scores.cohort_months",
    "scores.month_segments",
    "scores.insights",
    "scores.group_outcomes",
    "scores.week_changes",
)
_INDEXES = ("payments", "subscriptions", "support_tickets")
_COLUMNS = {
    "scores.customer_scores": (
        "plan",
        "driver_1",
        "driver_2",
        "driver_3",
    ),
    "scores.at_risk_list": (
        "value_tier",
        "plan",
        "offer",
        "recommended_action",
        "expected_net_value",
        "offer_cost",
        "save_rate",
        "why",
        "entered_as_of_date",
    ),
    "scores.attempt_reasons": (
        "driver_1",
        "driver_2",
        "driver_3",
    ),
}


def upgrade() -> None:
    """Make the tables, columns and indexes of the fourth release."""
    run_ddl(op.get_bind(), _STATEMENTS.read_text(encoding="utf-8"))


def downgrade() -> None:
    """Drop them, with all that they hold; views that show them must be gone."""
    run_ddl(op.get_bind(), "drop view if exists scores.kpi_figures")
    for table in _INDEXES:
        run_ddl(op.get_bind(), f"drop index staging.ix_{table}_customer_key")
    for table in _TABLES:
        run_ddl(op.get_bind(), f"drop table {table}")
    for table, columns in _COLUMNS.items():
        run_ddl(op.get_bind(), f"alter table {table} " + ", ".join(f"drop column {name}" for name in columns))

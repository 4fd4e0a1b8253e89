"""Tables of `scores`: what runs write, by night."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, REAL

from churn.schema.base import Money, column, metadata


def _monthly(name: str, *columns: sa.Column[Any], key: tuple[str, ...]) -> sa.Table:
    """Make a table of nightly rows, partitioned by month of `as_of_date` (`churn.partitions` makes the months)."""
    return sa.Table(
        name,
        metadata,
        column("as_of_date", sa.Date),
        *columns,
        sa.PrimaryKeyConstraint("as_of_date", *key),
        schema="scores",
        postgresql_partition_by="RANGE (as_of_date)",
    )


feature_snapshots = _monthly(
    "feature_snapshots",
    column("snapshot_id", sa.BigInteger),
    column("customer_key", sa.BigInteger),
    column("mrr", Money, null=True),
    column("numbers", ARRAY(REAL)),
    column("categories", ARRAY(sa.Text)),
    key=("snapshot_id", "customer_key"),
)


def _scored() -> list[sa.Column[Any]]:
    return [
        column("customer_key", sa.BigInteger),
        column("segment_id", sa.Integer),
        column("risk_score", sa.Double),
        column("churn_probability", sa.Double, null=True),
        column("risk_percentile", sa.Double),
        column("risk_band", sa.Text),
        column("mrr", Money, null=True),
        column("clv", Money, null=True),
        column("clv_if_retained", Money, null=True),
        column("value_at_risk", Money, null=True),
    ]


def _reasons() -> list[sa.Column[Any]]:
    return [column(f"reason_{place}", sa.Text, null=True) for place in (1, 2, 3)]


def _drivers() -> list[sa.Column[Any]]:
    return [column(f"driver_{place}", sa.Text, null=True) for place in (1, 2, 3)]


customer_scores = _monthly(
    "customer_scores",
    column("run_id", sa.BigInteger),
    *_scored(),
    column("expected_purchases", sa.Double, null=True),
    *_reasons(),
    column("clv_low", Money, null=True),
    column("clv_high", Money, null=True),
    column("p_alive", sa.Double, null=True),
    column("value_tier", sa.Text, null=True),
    column("lifecycle_stage", sa.Text, null=True),
    *(column(f"{name}_quintile", sa.SmallInteger, null=True) for name in ("recency", "frequency", "monetary")),
    column("previous_segment", sa.Text, null=True),
    column("segment_since_date", sa.Date, null=True),
    column("plan", sa.Text, null=True),
    *_drivers(),
    key=("run_id", "customer_key"),
)

customer_offers = _monthly(
    "customer_offers",
    column("run_id", sa.BigInteger),
    column("customer_key", sa.BigInteger),
    column("list_status", sa.Text),
    column("offer", sa.Text, null=True),
    column("expected_net_value", Money, null=True),
    column("offer_cost", Money, null=True),
    column("save_rate", sa.Double, null=True),
    key=("run_id", "customer_key"),
)

at_risk_list = _monthly(
    "at_risk_list",
    column("run_id", sa.BigInteger),
    column("priority_rank", sa.Integer),
    *_scored(),
    column("segment", sa.Text),
    column("campaign", sa.Text),
    column("campaign_group", sa.Text),
    *_reasons(),
    column("value_tier", sa.Text, null=True),
    column("plan", sa.Text, null=True),
    column("offer", sa.Text, null=True),
    column("recommended_action", sa.Text, null=True),
    column("expected_net_value", Money, null=True),
    column("offer_cost", Money, null=True),
    column("save_rate", sa.Double, null=True),
    column("why", sa.Text, null=True),
    column("entered_as_of_date", sa.Date, null=True),
    key=("run_id", "customer_key"),
)

list_exclusions = _monthly(
    "list_exclusions",
    column("run_id", sa.BigInteger),
    column("list_status", sa.Text),
    column("customers", sa.BigInteger),
    column("value_at_risk", Money, null=True),
    column("expected_net_value", Money, null=True),
    key=("run_id", "list_status"),
)

campaign_lists = _monthly(
    "campaign_lists",
    column("run_id", sa.BigInteger),
    column("campaign", sa.Text),
    column("listed", sa.BigInteger),
    column("treatment", sa.BigInteger),
    column("holdout", sa.BigInteger),
    column("entering", sa.BigInteger),
    column("members_to_date", sa.BigInteger),
    column("expected_churn_rate", sa.Double, null=True),
    column("expected_save_rate", sa.Double, null=True),
    column("detectable_effect", sa.Double, null=True),
    column("detectable_save_rate", sa.Double, null=True),
    column("detectable_effect_to_date", sa.Double, null=True),
    column("planned_cost", Money, null=True),
    column("expected_net_value", Money, null=True),
    column("smallest_balance_p", sa.Double, null=True),
    column("statement", sa.Text),
    key=("run_id", "campaign"),
)

campaign_balance = _monthly(
    "campaign_balance",
    column("run_id", sa.BigInteger),
    column("campaign", sa.Text),
    column("dimension", sa.Text),
    column("value", sa.Text),
    column("treatment", sa.BigInteger),
    column("holdout", sa.BigInteger),
    column("expected_holdout", sa.Double),
    column("p_value", sa.Double, null=True),
    key=("run_id", "campaign", "dimension", "value"),
)

save_rates = _monthly(
    "save_rates",
    column("run_id", sa.BigInteger),
    column("offer", sa.Text),
    column("dimension", sa.Text),
    column("value", sa.Text),
    column("assumed", sa.Double),
    column("campaigns", sa.Integer),
    column("treatment", sa.BigInteger),
    column("holdout", sa.BigInteger),
    column("measured", sa.Double, null=True),
    column("variance", sa.Double, null=True),
    column("between_variance", sa.Double, null=True),
    column("save_rate", sa.Double),
    column("probability_harmful", sa.Double),
    key=("run_id", "offer", "dimension", "value"),
)

kpi_months = _monthly(
    "kpi_months",
    column("run_id", sa.BigInteger),
    column("month", sa.Date),
    column("dimension", sa.Text),
    column("value", sa.Text),
    *(column(name, sa.BigInteger) for name in ("customers_start", "new", "reactivated")),
    column("churned", sa.BigInteger, null=True),
    column("customers_end", sa.BigInteger, null=True),
    *(
        column(f"mrr_{name}", Money, null=True)
        for name in ("start", "new", "expansion", "contraction", "churned", "reactivated", "end")
    ),
    column("revenue", Money, null=True),
    column("avg_clv", Money, null=True),
    column("horizon_customers", sa.BigInteger, null=True),
    column("horizon_churned", sa.BigInteger, null=True),
    column("is_provisional", sa.Boolean),
    key=("run_id", "month", "dimension", "value"),
)

cohort_months = _monthly(
    "cohort_months",
    column("run_id", sa.BigInteger),
    column("signup_month", sa.Date),
    column("months_since", sa.Integer),
    column("customers", sa.BigInteger),
    column("retained", sa.BigInteger),
    column("revenue", Money, null=True),
    column("is_provisional", sa.Boolean),
    key=("run_id", "signup_month", "months_since"),
)

month_segments = _monthly(
    "month_segments",
    column("customer_key", sa.BigInteger),
    column("segment_id", sa.Integer),
    column("segment", sa.Text),
    key=("customer_key",),
)

insights = _monthly(
    "insights",
    column("run_id", sa.BigInteger),
    column("priority", sa.Integer),
    column("insight", sa.Text),
    column("question", sa.Text),
    column("subject", sa.Text),
    column("finding", sa.Text),
    column("evidence", JSONB),
    column("recommendation", sa.Text),
    column("effect", sa.Double, null=True),
    column("p_value", sa.Double, null=True),
    key=("run_id", "priority"),
)

group_outcomes = _monthly(
    "group_outcomes",
    column("run_id", sa.BigInteger),
    column("dimension", sa.Text),
    column("value", sa.Text),
    column("outcome_as_of_date", sa.Date),
    column("customers", sa.BigInteger),
    column("churned", sa.BigInteger),
    column("others", sa.BigInteger),
    column("others_churned", sa.BigInteger),
    key=("run_id", "dimension", "value"),
)

week_changes = _monthly(
    "week_changes",
    column("run_id", sa.BigInteger),
    column("measure", sa.Text),
    column("value", sa.Text),
    column("compared_date", sa.Date),
    column("customers", sa.BigInteger),
    column("figure_before", sa.Double, null=True),
    column("figure", sa.Double),
    column("change", sa.Double, null=True),
    column("standard_error", sa.Double, null=True),
    key=("run_id", "measure", "value"),
)

segment_nights = _monthly(
    "segment_nights",
    column("run_id", sa.BigInteger),
    column("segment_id", sa.Integer),
    column("segment", sa.Text),
    column("description", sa.Text),
    column("customers", sa.BigInteger),
    column("share", sa.Double),
    column("mrr", Money, null=True),
    column("avg_clv", Money, null=True),
    column("avg_churn_probability", sa.Double, null=True),
    column("realised_churn_rate", sa.Double, null=True),
    column("realised_as_of_date", sa.Date, null=True),
    key=("run_id", "segment_id"),
)

clv_totals = _monthly(
    "clv_totals",
    column("run_id", sa.BigInteger),
    column("dimension", sa.Text),
    column("value", sa.Text),
    column("customers", sa.BigInteger),
    column("clv", Money),
    column("clv_low", Money, null=True),
    column("clv_high", Money, null=True),
    column("clv_if_retained", Money),
    key=("run_id", "dimension", "value"),
)

churn_drivers = _monthly(
    "churn_drivers",
    column("run_id", sa.BigInteger),
    column("segment", sa.Text),
    column("driver", sa.Text),
    column("direction", sa.Text),
    column("importance", sa.Double),
    column("customers_affected", sa.BigInteger),
    column("description", sa.Text),
    key=("run_id", "segment", "driver"),
)


def _attempt(name: str, *columns: sa.Column[Any]) -> sa.Table:
    """Make an unlogged table that one attempt of one run fills and the next empties (under the writer lock)."""
    return sa.Table(
        name,
        metadata,
        column("customer_key", sa.BigInteger),
        *columns,
        schema="scores",
        prefixes=["UNLOGGED"],
    )


attempt_segments = _attempt("attempt_segments", column("segment_id", sa.Integer))
attempt_risk = _attempt(
    "attempt_risk", column("risk_score", sa.Double), column("churn_probability", sa.Double, null=True)
)
attempt_clv = _attempt(
    "attempt_clv",
    column("clv", sa.Double, null=True),
    column("clv_if_retained", sa.Double, null=True),
    column("value_if_churned", sa.Double, null=True),
    column("expected_purchases", sa.Double, null=True),
    column("clv_low", sa.Double, null=True),
    column("clv_high", sa.Double, null=True),
    column("p_alive", sa.Double, null=True),
    column("variance", sa.Double, null=True),
    column("shifts", ARRAY(sa.Double), null=True),
)

attempt_reasons = _attempt("attempt_reasons", *_reasons(), *_drivers())

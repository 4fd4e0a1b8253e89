"""Tables of `scores`: what runs write, by night."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, REAL

from churn.schema.base import Money, column, metadata, monthly

feature_snapshots = monthly(
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


customer_scores = monthly(
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

customer_offers = monthly(
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

at_risk_list = monthly(
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

segment_nights = monthly(
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

clv_totals = monthly(
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

churn_drivers = monthly(
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

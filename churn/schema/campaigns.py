"""Tables of `ops` that outlive the nights: campaigns, who is in them, what was sent, what came of it; exports."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from churn.schema.base import Instant, Money, column, metadata

campaigns = sa.Table(
    "campaigns",
    metadata,
    column("campaign", sa.Text, primary_key=True),
    column("kind", sa.Text),
    column("seed", sa.BigInteger, null=True),
    column("holdout_share", sa.Double, null=True),
    column("started_as_of_date", sa.Date),
    column("created_at", Instant),
    column("run_id", sa.BigInteger),
    sa.CheckConstraint("kind in ('list', 'recorded')", name="kind"),
    schema="ops",
)

campaign_members = sa.Table(
    "campaign_members",
    metadata,
    column("campaign", sa.Text),
    column("customer_key", sa.BigInteger),
    column("as_of_date", sa.Date),
    column("campaign_group", sa.Text),
    column("offer", sa.Text, null=True),
    column("segment", sa.Text, null=True),
    column("risk_band", sa.Text, null=True),
    column("churn_probability", sa.Double, null=True),
    column("clv_if_retained", Money, null=True),
    column("value_at_risk", Money, null=True),
    column("mrr", Money, null=True),
    column("offer_cost", Money, null=True),
    column("save_rate", sa.Double, null=True),
    column("expected_net_value", Money, null=True),
    column("list_run_id", sa.BigInteger, null=True),
    column("recording_id", sa.BigInteger, null=True),
    sa.PrimaryKeyConstraint("campaign", "customer_key"),
    sa.CheckConstraint("campaign_group in ('treatment', 'holdout')", name="campaign_group"),
    sa.Index("ix_campaign_members_customer_key", "customer_key"),
    sa.Index("ix_campaign_members_as_of_date", "as_of_date"),
    schema="ops",
)

campaign_contacts = sa.Table(
    "campaign_contacts",
    metadata,
    column("campaign", sa.Text),
    column("customer_key", sa.BigInteger),
    column("sent_date", sa.Date),
    column("offer", sa.Text, server_default=""),
    column("channel", sa.Text, null=True),
    column("cost", Money, null=True),
    column("recording_id", sa.BigInteger),
    sa.PrimaryKeyConstraint("campaign", "customer_key", "sent_date", "offer"),
    sa.Index("ix_campaign_contacts_customer_key", "customer_key"),
    schema="ops",
)

campaign_recordings = sa.Table(
    "campaign_recordings",
    metadata,
    sa.Column("recording_id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    column("campaign", sa.Text),
    column("source", sa.Text),
    column("sha256", sa.Text),
    column("rows_read", sa.BigInteger),
    column("rows_used", sa.BigInteger),
    column("rows_known", sa.BigInteger),
    column("rows_refused", sa.BigInteger),
    column("refused", JSONB),
    column("at", Instant),
    column("run_id", sa.BigInteger),
    schema="ops",
)

campaign_outcomes = sa.Table(
    "campaign_outcomes",
    metadata,
    column("campaign", sa.Text),
    column("customer_key", sa.BigInteger),
    column("as_of_date", sa.Date),
    column("matured_date", sa.Date),
    column("churned", sa.Boolean, null=True),
    column("revenue", Money, null=True),
    column("is_active", sa.Boolean, null=True),
    column("run_id", sa.BigInteger),
    sa.PrimaryKeyConstraint("campaign", "customer_key"),
    schema="ops",
)

_INTERVALS = ("", "_low", "_high")
_RESULT_FIGURES = [
    "retained_rate_treatment",
    "retained_rate_holdout",
    *(f"incremental_retention{end}" for end in _INTERVALS),
    *(f"save_rate{end}" for end in _INTERVALS),
    "active_rate_treatment",
    "active_rate_holdout",
    *(f"incremental_active_rate{end}" for end in _INTERVALS),
    "detectable_effect",
    *(f"roi{end}" for end in _INTERVALS),
]
_RESULT_AMOUNTS = [
    "revenue_per_treatment",
    "revenue_per_holdout",
    *(f"incremental_revenue_each{end}" for end in _INTERVALS),
    *(f"incremental_revenue{end}" for end in _INTERVALS),
    *(f"incremental_value{end}" for end in _INTERVALS),
    "cost",
    "cost_measured",
]

campaign_results = sa.Table(
    "campaign_results",
    metadata,
    column("campaign", sa.Text),
    column("arm", sa.Text),
    column("as_of_date", sa.Date),
    column("first_as_of_date", sa.Date),
    column("last_as_of_date", sa.Date),
    column("assigned_treatment", sa.BigInteger),
    column("assigned_holdout", sa.BigInteger),
    column("contacted_treatment", sa.BigInteger),
    column("contacted_holdout", sa.BigInteger),
    column("measured_treatment", sa.BigInteger),
    column("measured_holdout", sa.BigInteger),
    column("not_measured", sa.BigInteger),
    *(column(name, sa.Double, null=True) for name in _RESULT_FIGURES),
    *(column(name, Money, null=True) for name in _RESULT_AMOUNTS),
    column("cost_basis", sa.Text, null=True),
    column("verdict", sa.Text),
    column("computed_at", Instant),
    column("run_id", sa.BigInteger),
    sa.PrimaryKeyConstraint("campaign", "arm"),
    schema="ops",
)

exports = sa.Table(
    "exports",
    metadata,
    sa.Column("export_id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    column("what", sa.Text),
    column("as_of_date", sa.Date),
    column("run_id", sa.BigInteger),
    column("format", sa.Text),
    column("target", sa.Text),
    column("with_holdout", sa.Boolean),
    column("rows", sa.BigInteger),
    column("sha256", sa.Text, null=True),
    column("exported_at", Instant),
    sa.Index("ix_exports_target", "target"),
    schema="ops",
)

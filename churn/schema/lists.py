"""Tables of `scores`: what surrounds a night's list: who is left out, its campaign, its balance, its save rates."""

from __future__ import annotations

import sqlalchemy as sa

from churn.schema.base import Money, column, monthly

list_exclusions = monthly(
    "list_exclusions",
    column("run_id", sa.BigInteger),
    column("list_status", sa.Text),
    column("customers", sa.BigInteger),
    column("value_at_risk", Money, null=True),
    column("expected_net_value", Money, null=True),
    key=("run_id", "list_status"),
)

campaign_lists = monthly(
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
    column("is_rehearsal", sa.Boolean, server_default=sa.false()),
    key=("run_id", "campaign"),
)

campaign_balance = monthly(
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

save_rates = monthly(
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

"""Tables of `scores`: the business's figures by month, and what a night has to say."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from churn.schema.base import Money, column, monthly

kpi_months = monthly(
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

cohort_months = monthly(
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

month_segments = monthly(
    "month_segments",
    column("customer_key", sa.BigInteger),
    column("segment_id", sa.Integer),
    column("segment", sa.Text),
    column("run_id", sa.BigInteger, null=True),
    key=("customer_key",),
)

insights = monthly(
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

group_outcomes = monthly(
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

week_changes = monthly(
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

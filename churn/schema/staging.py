"""Tables of `staging`: what was extracted, with each row's past versions."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from churn.schema.base import LocalTime, Money, column, metadata


def _versioned(name: str, key: str, *columns: sa.Column[Any]) -> sa.Table:
    """Make a staging table that keeps each row's past versions."""
    return sa.Table(
        name,
        metadata,
        column(key, sa.Text),
        *columns,
        column("updated_at", LocalTime, null=True),
        column("valid_from", LocalTime),
        column("valid_to", LocalTime),
        column("learned_at", LocalTime),
        sa.PrimaryKeyConstraint(key, "valid_from"),
        sa.Index(f"uq_{name}_current", key, unique=True, postgresql_where=sa.text("valid_to = '9999-12-31'")),
        schema="staging",
    )


customer_keys = sa.Table(
    "customer_keys",
    metadata,
    sa.Column("customer_key", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    column("customer_id", sa.Text, unique=True),
    sa.CheckConstraint("length(customer_id) between 1 and 200", name="customer_id_length"),
    schema="staging",
)

customers = _versioned(
    "customers",
    "customer_id",
    column("customer_key", sa.BigInteger),
    column("signed_up_at", LocalTime),
    column("signed_up_date", sa.Date),
    column("contactable", sa.Boolean, null=True),
    column("attributes", JSONB),
)

subscriptions = _versioned(
    "subscriptions",
    "subscription_id",
    column("customer_key", sa.BigInteger),
    column("plan", sa.Text, null=True),
    column("mrr", Money),
    column("started_at", LocalTime),
    column("started_date", sa.Date),
    column("ended_at", LocalTime, null=True),
    column("ended_date", sa.Date, null=True),
    column("billing_months", sa.Integer, null=True),
    column("discount_until", sa.Date, null=True),
)
sa.Index("ix_subscriptions_customer_key", subscriptions.c.customer_key)

payments = _versioned(
    "payments",
    "payment_id",
    column("customer_key", sa.BigInteger),
    column("paid_at", LocalTime),
    column("paid_date", sa.Date),
    column("amount", Money),
    column("status", sa.Text),
)
sa.Index("ix_payments_paid_date", payments.c.paid_date)
sa.Index("ix_payments_customer_key", payments.c.customer_key)

support_tickets = _versioned(
    "support_tickets",
    "ticket_id",
    column("customer_key", sa.BigInteger),
    column("opened_at", LocalTime),
    column("opened_date", sa.Date),
    column("closed_at", LocalTime, null=True),
    column("closed_date", sa.Date, null=True),
    column("severity", sa.Text, null=True),
    column("is_severe", sa.Boolean),
    column("satisfaction", sa.Numeric, null=True),
)
sa.Index("ix_support_tickets_customer_key", support_tickets.c.customer_key)

customer_attributes = sa.Table(
    "customer_attributes",
    metadata,
    column("customer_key", sa.BigInteger),
    column("name", sa.Text),
    column("text_value", sa.Text, null=True),
    column("number_value", sa.Double, null=True),
    column("valid_from", LocalTime),
    column("valid_to", LocalTime),
    column("learned_at", LocalTime),
    sa.PrimaryKeyConstraint("customer_key", "name", "valid_from"),
    schema="staging",
)

usage_daily = sa.Table(
    "usage_daily",
    metadata,
    column("customer_key", sa.BigInteger),
    column("usage_date", sa.Date),
    column("event_type", sa.Text),
    column("events", sa.BigInteger),
    column("quantity", sa.Numeric),
    sa.PrimaryKeyConstraint("customer_key", "usage_date", "event_type"),
    schema="staging",
    postgresql_partition_by="RANGE (usage_date)",
)

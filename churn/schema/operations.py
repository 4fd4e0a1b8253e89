"""Tables of `ops` that keep the warehouse in order: the writer, alerts, the figures of tables, who was forgotten."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from churn.schema.base import Instant, column, metadata

writer = sa.Table(
    "writer",
    metadata,
    sa.Column("only_row", sa.Boolean, primary_key=True, server_default="true"),
    column("fence", sa.BigInteger),
    column("job", sa.Text, null=True),
    column("as_of_date", sa.Date, null=True),
    column("run_id", sa.BigInteger, null=True),
    column("host", sa.Text, null=True),
    column("pid", sa.Integer, null=True),
    column("backend_pid", sa.Integer, null=True),
    column("since", Instant, null=True),
    sa.CheckConstraint("only_row", name="only_row"),
    schema="ops",
)

alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("alert_id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    column("cause", sa.Text),
    column("severity", sa.Text),
    column("title", sa.Text),
    column("detail", sa.Text),
    column("opened_at", Instant),
    column("opened_run_id", sa.BigInteger, null=True),
    column("last_seen_at", Instant),
    column("last_run_id", sa.BigInteger, null=True),
    column("closed_at", Instant, null=True),
    column("closed_run_id", sa.BigInteger, null=True),
    column("sent_to", ARRAY(sa.Text), server_default="{}"),
    sa.CheckConstraint("severity in ('fail', 'warn')", name="severity"),
    sa.Index("uq_alerts_open", "cause", unique=True, postgresql_where=sa.text("closed_at is null")),
    schema="ops",
)

table_figures = sa.Table(
    "table_figures",
    metadata,
    column("run_id", sa.BigInteger),
    column("as_of_date", sa.Date),
    column("table_name", sa.Text),
    column("figure", sa.Text),
    column("value", sa.Double, null=True),
    column("usual", sa.Double, null=True),
    sa.PrimaryKeyConstraint("as_of_date", "run_id", "table_name", "figure"),
    schema="ops",
)

tombstones = sa.Table(
    "tombstones",
    metadata,
    column("digest", sa.LargeBinary, primary_key=True),
    column("key_mark", sa.LargeBinary),
    column("forgotten_at", Instant),
    column("run_id", sa.BigInteger),
    column("rows", JSONB),
    schema="ops",
)

past_nights = sa.Table(
    "past_nights",
    metadata,
    column("as_of_date", sa.Date, primary_key=True),
    column("run_id", sa.BigInteger),
    column("list_run_id", sa.BigInteger),
    column("published_at", Instant),
    column("in_sample", sa.Boolean),
    column("withdrawn_at", Instant),
    schema="ops",
)

"""Tables of `ops`: the ledger, watermarks, quarantine, feature sets, models, what is published."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from churn.schema.base import Instant, LocalTime, column, metadata

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("run_id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    column("job", sa.Text),
    column("as_of_date", sa.Date),
    column("status", sa.Text),
    column("stage", sa.Text, null=True),
    column("started_at", Instant),
    column("finished_at", Instant, null=True),
    column("rows", JSONB, server_default="{}"),
    column("versions", JSONB, server_default="{}"),
    column("config_digest", sa.Text),
    column("exit_code", sa.Integer, null=True),
    column("error", sa.Text, null=True),
    column("is_swept", sa.Boolean, server_default="false"),
    column("heartbeat_at", Instant, null=True),
    column("host", sa.Text, null=True),
    column("pid", sa.Integer, null=True),
    column("attempts", sa.Integer, server_default="1"),
    column("inputs_digest", sa.Text, null=True),
    sa.CheckConstraint("status in ('running', 'succeeded', 'failed', 'died')", name="status"),
    schema="ops",
)

run_stages = sa.Table(
    "run_stages",
    metadata,
    column("run_id", sa.BigInteger),
    column("stage", sa.Text),
    column("started_at", Instant),
    column("finished_at", Instant, null=True),
    column("rows", sa.BigInteger, null=True),
    column("attempts", sa.Integer, server_default="1"),
    column("error", sa.Text, null=True),
    column("state", JSONB, null=True),
    sa.PrimaryKeyConstraint("run_id", "stage"),
    schema="ops",
)

extractions = sa.Table(
    "extractions",
    metadata,
    column("run_id", sa.BigInteger),
    column("entity", sa.Text),
    column("mode", sa.Text),
    column("rows_read", sa.BigInteger),
    column("rows_used", sa.BigInteger),
    column("rows_quarantined", sa.BigInteger),
    column("rows_changed", sa.BigInteger),
    column("rows_deleted", sa.BigInteger),
    column("late_rows", sa.BigInteger),
    column("rows_forgotten", sa.BigInteger, server_default="0"),
    sa.PrimaryKeyConstraint("run_id", "entity"),
    schema="ops",
)

quarantine = sa.Table(
    "quarantine",
    metadata,
    column("run_id", sa.BigInteger),
    column("entity", sa.Text),
    column("reason", sa.Text),
    column("rows", sa.BigInteger),
    column("samples", JSONB),
    sa.PrimaryKeyConstraint("run_id", "entity", "reason"),
    schema="ops",
)

watermarks = sa.Table(
    "watermarks",
    metadata,
    column("entity", sa.Text, primary_key=True),
    column("mapping_digest", sa.Text),
    column("columns", ARRAY(sa.Text)),
    column("read_through", LocalTime, null=True),
    column("updated_through", LocalTime, null=True),
    column("full_read_at", Instant),
    column("extracted_at", Instant),
    column("run_id", sa.BigInteger),
    schema="ops",
)

feature_sets = sa.Table(
    "feature_sets",
    metadata,
    sa.Column("feature_set_id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    column("digest", sa.Text, unique=True),
    column("numbers", ARRAY(sa.Text)),
    column("categories", ARRAY(sa.Text)),
    column("families", ARRAY(sa.Text)),
    column("definitions", JSONB),
    schema="ops",
)

snapshots = sa.Table(
    "snapshots",
    metadata,
    sa.Column("snapshot_id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    column("as_of_date", sa.Date),
    column("origin", sa.Text),
    column("population", sa.Text),
    column("basis_digest", sa.Text),
    column("feature_set_id", sa.BigInteger),
    column("customers", sa.BigInteger),
    column("is_current", sa.Boolean),
    column("run_id", sa.BigInteger),
    column("created_at", Instant),
    sa.CheckConstraint("origin in ('captured', 'reconstructed')", name="origin"),
    sa.Index("uq_snapshots_current", "as_of_date", unique=True, postgresql_where=sa.text("is_current")),
    schema="ops",
)

models = sa.Table(
    "models",
    metadata,
    column("model_version", sa.Text, primary_key=True),
    column("kind", sa.Text),
    column("status", sa.Text),
    column("artifact", sa.Text),
    column("sha256", sa.Text),
    column("trained_as_of", sa.Date),
    column("labels_end_date", sa.Date, null=True),
    column("created_at", Instant),
    column("run_id", sa.BigInteger),
    column("reason", sa.Text),
    column("details", JSONB),
    sa.CheckConstraint("kind in ('churn', 'segments', 'clv')", name="kind"),
    sa.CheckConstraint("status in ('champion', 'challenger', 'retired')", name="status"),
    sa.Index("uq_models_champion", "kind", unique=True, postgresql_where=sa.text("status = 'champion'")),
    schema="ops",
)

model_events = sa.Table(
    "model_events",
    metadata,
    sa.Column("event_id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    column("model_version", sa.Text),
    column("kind", sa.Text),
    column("event", sa.Text),
    column("at", Instant),
    column("actor", sa.Text),
    column("reason", sa.Text),
    column("run_id", sa.BigInteger, null=True),
    sa.CheckConstraint("event in ('registered', 'promoted', 'retired', 'rolled_back')", name="event"),
    schema="ops",
)

published = sa.Table(
    "published",
    metadata,
    column("as_of_date", sa.Date, primary_key=True),
    column("run_id", sa.BigInteger),
    column("list_run_id", sa.BigInteger),
    column("published_at", Instant),
    column("in_sample", sa.Boolean),
    schema="ops",
)

check_results = sa.Table(
    "check_results",
    metadata,
    column("run_id", sa.BigInteger),
    column("check_name", sa.Text),
    column("severity", sa.Text),
    column("status", sa.Text),
    column("rows", sa.BigInteger),
    column("detail", sa.Text, null=True),
    sa.PrimaryKeyConstraint("run_id", "check_name"),
    schema="ops",
)

segment_outcomes = sa.Table(
    "segment_outcomes",
    metadata,
    column("model_version", sa.Text),
    column("snapshot_id", sa.BigInteger),
    column("segment_id", sa.Integer),
    column("customers", sa.BigInteger),
    column("churned", sa.BigInteger),
    sa.PrimaryKeyConstraint("model_version", "snapshot_id", "segment_id"),
    schema="ops",
)

segment_events = sa.Table(
    "segment_events",
    metadata,
    sa.Column("event_id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    column("as_of_date", sa.Date),
    column("model_version", sa.Text),
    column("previous_version", sa.Text, null=True),
    column("segment_id", sa.Integer),
    column("segment", sa.Text),
    column("event", sa.Text),
    column("previous_segment", sa.Text, null=True),
    column("related_segments", ARRAY(sa.Text)),
    column("shared_customers", sa.BigInteger, null=True),
    column("shared_share", sa.Double, null=True),
    column("reason", sa.Text),
    column("at", Instant),
    column("run_id", sa.BigInteger),
    sa.CheckConstraint("event in ('born', 'kept', 'renamed', 'split', 'merged', 'retired')", name="event"),
    sa.UniqueConstraint("model_version", "segment_id", "event", name="uq_segment_events_model_version"),
    schema="ops",
)

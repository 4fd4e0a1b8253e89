"""Alembic's entry: `churn.migrate` hands over an open connection; nothing is configured here."""

from __future__ import annotations

from alembic import context

from churn.migrate import VERSION_SCHEMA
from churn.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table="alembic_version",
    version_table_schema=VERSION_SCHEMA,
    include_schemas=True,
)
with context.begin_transaction():
    context.run_migrations()

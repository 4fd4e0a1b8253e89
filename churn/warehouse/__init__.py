"""Talking to Postgres: sessions, transactions, `COPY`, locks, errors in our own words.

The only room that knows the database driver. Everything above it meets `churn.errors` alone.
"""

from __future__ import annotations

from churn.warehouse.copying import CopyFormat, copy_in, copy_out, literal_sql
from churn.warehouse.database import (
    Database,
    Fence,
    cancel_statements,
    comment_on,
    open_database,
    parse_url,
    quoted,
    run_ddl,
)
from churn.warehouse.failures import HIDDEN, Side, sqlstate, translated, without_values
from churn.warehouse.locks import Claim, Writer, lock_in_transaction, writer_lock
from churn.warehouse.sessions import behind_pooler, refuse_pooler

__all__ = [
    "HIDDEN",
    "Claim",
    "CopyFormat",
    "Database",
    "Fence",
    "Side",
    "Writer",
    "behind_pooler",
    "cancel_statements",
    "comment_on",
    "copy_in",
    "copy_out",
    "literal_sql",
    "lock_in_transaction",
    "open_database",
    "parse_url",
    "quoted",
    "refuse_pooler",
    "run_ddl",
    "sqlstate",
    "translated",
    "without_values",
    "writer_lock",
]

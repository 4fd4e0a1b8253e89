"""The company's database as the doctor finds it: session, rights, mapping, rows, freshness."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn.config import Settings
from churn.connections import open_source
from churn.doctor.emptied import emptied
from churn.doctor.findings import Finding, guarded, session_findings
from churn.errors import ChurnError
from churn.extract import describe_source
from churn.extract.doctor import Finding as MappingFinding
from churn.extract.mapping import blaming, describe, load_mappings
from churn.extract.times import Clocks
from churn.ledger import Clock
from churn.sqlfiles import read_sql
from churn.warehouse import Database, sqlstate, translated

COUNTED_UP_TO_ROWS = 200_000
"""Of a bigger entity Postgres's estimate is told."""

TIME_COLUMNS = {
    "customers": "signed_up_at",
    "subscriptions": "started_at",
    "payments": "paid_at",
    "usage_events": "occurred_at",
    "support_tickets": "opened_at",
}
_HAPPENED = ("usage_events", "payments")
"""Entities of what has happened: a time to come is a wrong one. A subscription may be booked ahead."""

_GROWS_DAILY = ("usage_events",)
_PATIENCE = "10s"
_CANCELLED = "57014"
_CLOCKS_APART = timedelta(minutes=10)


def source_findings(settings: Settings, clock: Clock, before: Mapping[str, int]) -> list[Finding]:
    """Look at the source; no row leaves it.

    Parameters
    ----------
    settings : Settings
    clock : callable
    before : mapping of str to int
        Rows that were extracted of each entity before.

    Raises
    ------
    SourceError
        It can't be reached.
    """
    database = open_source(settings)
    with database.connect() as connection:
        findings = [*session_findings(connection, "source", clock), *_rights(connection)]
    for found in describe_source(database, settings):
        status = "ok" if found.status == "absent" else found.status
        what, mend = f"source {found.entity}: {found.message}", found.mend
        if found.status in ("ok", "warn"):
            looked = partial(_looked_at, database, settings, found, clock, before.get(found.entity, 0))
            findings += guarded(f"source {found.entity}", looked)
        else:
            findings.append(Finding(status, what, mend, found.exit_code if found.status == "fail" else 0))
    return findings


def _looked_at(
    database: Database, settings: Settings, found: MappingFinding, clock: Clock, before: int
) -> list[Finding]:
    with database.connect() as connection:
        count, told, odd = _contents(connection, settings, found.entity, found.rows or 0, clock())
    if count == 0 and before and found.status == "ok":
        return [emptied(settings, found.entity, before)]
    return [Finding(found.status, f"source {found.entity}: {found.message}{told}", found.mend), *odd]


def _rights(connection: Connection) -> list[Finding]:
    session = connection.execute(read_sql("doctor/session.sql").statement).one()
    findings = [
        Finding("ok", f"source: session of {session.login} is read only")
        if session.is_read_only
        else Finding("fail", f"source: session of {session.login} could write", "Report it: it is a defect.", 11)
    ]
    if session.is_superuser:
        findings.append(
            Finding(
                "warn",
                f"source: {session.login} is a superuser",
                "Give source.url a login that may SELECT from the mapped tables and nothing else.",
            )
        )
    return findings


def _contents(
    connection: Connection, settings: Settings, entity: str, estimate: int, now: datetime
) -> tuple[int | None, str, list[Finding]]:
    """Return how many rows there are, where they are counted; that and the newest's time in words; what is odd."""
    connection.execute(sa.text("select set_config('statement_timeout', :patience, false)"), {"patience": _PATIENCE})
    try:
        count, newest = _looked_up(connection, settings, entity, estimate, now)
    except ChurnError as error:
        if sqlstate(error) != _CANCELLED:
            raise
        return None, f"; the newest is not known: to look takes longer than {_PATIENCE}", []
    told = "" if count is None else f"; {count:,} counted"
    if newest is None:
        return count, f"{told}; none has a time", []
    clocks = Clocks.of(settings, now)
    today = clocks.learned_at.replace(tzinfo=None)
    return count, f"{told}; the newest of {newest:%Y-%m-%d %H:%M}", _odd(settings, entity, newest, today)


def _looked_up(
    connection: Connection, settings: Settings, entity: str, estimate: int, now: datetime
) -> tuple[int | None, datetime | None]:
    mapped = describe(connection, load_mappings(settings)[entity])
    rows, column = mapped.subquery(), TIME_COLUMNS[entity]
    newest = Clocks.of(settings, now).local_time(sa.func.max(rows.c[column]), mapped.types[column])
    count: sa.ColumnElement[Any] = sa.func.count() if estimate <= COUNTED_UP_TO_ROWS else sa.null()
    with blaming(mapped.mapping.file), translated("source"):
        found = connection.execute(sa.select(count, newest).select_from(rows)).one()
        if found[0] is None and found[1] is None:
            # The estimate may be of before the table was emptied.
            is_empty = not connection.execute(sa.select(sa.exists(sa.select(rows)))).scalar_one()
            return (0 if is_empty else None), None
    return found[0], found[1]


def _odd(settings: Settings, entity: str, newest: datetime, today: datetime) -> list[Finding]:
    ahead, age = newest - today, today - newest
    if entity in _HAPPENED and ahead > _CLOCKS_APART:
        return [
            Finding(
                "warn",
                f"source {entity}: the newest row is {ahead.total_seconds() / 3600:,.1f} hours ahead of the clock",
                f"Check source.timezone ({settings.source_timezone}): times without a zone are read in it.",
            )
        ]
    if entity in _GROWS_DAILY and age > timedelta(days=settings.quality.stale_days):
        return [
            Finding(
                "warn",
                f"source {entity}: nothing new for {age.days} days (quality.stale_days)",
                "Look at the feed of that table.",
            )
        ]
    return []

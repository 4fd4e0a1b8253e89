"""`ops.alerts`: one open row for each cause, and which channels know of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.engine import Connection

from churn.alerts.causes import FAIL, Alert
from churn.ledger import NIGHT_JOBS
from churn.schema import alerts, past_nights, published, runs

RECOVERED = " recovered"
RETRIED = timedelta(days=3)
"""How long after it is over a cause is still told to a channel that could not be reached."""

MISSED_DAYS = 28
"""How long a night that is not published counts as missed."""

_IS_OPEN = alerts.c.closed_at.is_(None)


@dataclass(frozen=True)
class OpenAlert:
    """A cause that has been told and is still there.

    Attributes
    ----------
    alert_id : int
    cause, severity, title, detail : str
        As in `Alert`.
    opened_at, last_seen_at : datetime
        UTC.
    closed_at : datetime or None
        None while it is open.
    sent_to : tuple of str
        Channels that know of it; `NAME recovered` knows that it is over.
    """

    alert_id: int
    cause: str
    severity: str
    title: str
    detail: str
    opened_at: datetime
    last_seen_at: datetime
    closed_at: datetime | None
    sent_to: tuple[str, ...]

    def word_for(self, channel: str) -> str | None:
        """Return what `sent_to` has once this channel was told, or None where it knows."""
        word = channel if self.closed_at is None else f"{channel}{RECOVERED}"
        return None if word in self.sent_to else word


def open_alerts(connection: Connection) -> list[OpenAlert]:
    """Return the causes that are still there, failures first, then the oldest first."""
    found = connection.execute(_chosen().where(_IS_OPEN).order_by(alerts.c.severity, alerts.c.opened_at))
    return [_opened(row) for row in found]


def note(connection: Connection, told: Sequence[Alert], *, at: datetime, run_id: int | None) -> None:
    """Open a row for each cause that has none; where it has one, say that it was seen again.

    The unique index decides between two processes: the second waits for the first, and finds its row.
    """
    for alert in sorted(told, key=lambda one: one.cause):
        _insert(connection, alert, opened_at=at, run_id=run_id, sent_to=())
    connection.execute(
        sa.update(alerts)
        .where(_IS_OPEN, alerts.c.cause.in_([alert.cause for alert in told]))
        .values(last_seen_at=at, last_run_id=run_id)
    )


def take_over(connection: Connection, alert: Alert, *, opened_at: datetime, sent_to: Sequence[str]) -> None:
    """Enter what was told while the warehouse could not be reached."""
    if _insert(connection, alert, opened_at=opened_at, run_id=None, sent_to=sent_to):
        return
    known = sa.select(alerts.c.sent_to).where(_IS_OPEN, alerts.c.cause == alert.cause)
    joined = sorted({*(connection.scalar(known) or ()), *sent_to})
    connection.execute(sa.update(alerts).where(_IS_OPEN, alerts.c.cause == alert.cause).values(sent_to=joined))


def close_failures(connection: Connection, job: str, *, as_of: date, at: datetime) -> None:
    """Close what a success of a job puts an end to.

    That is its failures of the same night or an earlier one. Who publishes or trains has extracted, too. A failure of
    nights of which one is still missing goes on, until that is published or `MISSED_DAYS` old; a backfill that has
    published what nightly missed ends it.
    """
    of_run = runs.c.run_id == alerts.c.last_run_id
    later = sa.exists().where(of_run, runs.c.as_of_date > as_of)
    ended = [_failures_of(job), alerts.c.cause.startswith("extract failed ", autoescape=True)]
    if job == "backfill":
        ended.append(_failures_of("nightly") & alerts.c.last_run_id.is_not(None))
    run_id = sa.select(sa.func.max(runs.c.run_id)).where(runs.c.job == job, runs.c.as_of_date == as_of)
    connection.execute(
        sa.update(alerts)
        .where(
            _IS_OPEN,
            alerts.c.severity == FAIL,
            sa.or_(*ended),
            ~later,
            ~_has_missing_nights(as_of - timedelta(days=MISSED_DAYS)),
        )
        .values(closed_at=at, closed_run_id=run_id.scalar_subquery())
    )


def _failures_of(job: str) -> sa.ColumnElement[bool]:
    return alerts.c.cause.startswith(f"{job} failed ", autoescape=True) | (alerts.c.cause == f"{job} died")


def _has_missing_nights(since: date) -> sa.ColumnElement[bool]:
    """Whether one of the nights that failed from the first run with that cause to the last is still not published."""
    out = sa.union(sa.select(published.c.as_of_date), sa.select(past_nights.c.as_of_date))
    return sa.exists().where(
        runs.c.run_id.between(sa.func.coalesce(alerts.c.opened_run_id, alerts.c.last_run_id), alerts.c.last_run_id),
        runs.c.job.in_(NIGHT_JOBS),
        sa.func.starts_with(alerts.c.cause, runs.c.job + " "),
        runs.c.status != "succeeded",
        runs.c.as_of_date >= since,
        runs.c.as_of_date.not_in(out),
    )


def close_warnings(connection: Connection, still: Sequence[str], *, at: datetime, run_id: int) -> None:
    """Close the warnings that the latest night no longer has."""
    connection.execute(
        sa.update(alerts)
        .where(_IS_OPEN, alerts.c.cause.startswith("night ", autoescape=True), alerts.c.cause.not_in(still))
        .values(closed_at=at, closed_run_id=run_id)
    )


def untold(connection: Connection, channels: Sequence[str], *, at: datetime) -> list[OpenAlert]:
    """Lock and return what some channel does not know yet, the oldest first; what another process tells is left out."""
    knows = alerts.c.sent_to.contains(sa.cast(list(channels), ARRAY(sa.Text)))
    over = alerts.c.sent_to.contains(sa.cast([f"{name}{RECOVERED}" for name in channels], ARRAY(sa.Text)))
    query = _chosen().where(
        sa.or_(_IS_OPEN & ~knows, (alerts.c.closed_at >= at - RETRIED) & ~over),
    )
    found = connection.execute(query.order_by(alerts.c.alert_id).with_for_update(skip_locked=True))
    return [_opened(row) for row in found]


def mark_told(connection: Connection, alert: OpenAlert, word: str) -> None:
    """Keep that a channel knows."""
    enter_word(connection, alert.alert_id, alert.cause, word)


def enter_word(connection: Connection, alert_id: int, cause: str, word: str) -> None:
    """Enter in a row of a cause that a channel knows, unless it says so already."""
    lacks = ~alerts.c.sent_to.contains(sa.cast([word], ARRAY(sa.Text)))
    connection.execute(
        sa.update(alerts)
        .where(alerts.c.alert_id == alert_id, alerts.c.cause == cause, lacks)
        .values(sent_to=sa.func.array_append(alerts.c.sent_to, word))
    )


def _insert(
    connection: Connection, alert: Alert, *, opened_at: datetime, run_id: int | None, sent_to: Sequence[str]
) -> bool:
    made = connection.execute(
        insert(alerts)
        .values(
            cause=alert.cause,
            severity=alert.severity,
            title=alert.title,
            detail=alert.detail,
            opened_at=opened_at,
            opened_run_id=run_id,
            last_seen_at=opened_at,
            last_run_id=run_id,
            sent_to=list(sent_to),
        )
        .on_conflict_do_nothing(index_elements=[alerts.c.cause], index_where=_IS_OPEN)
        .returning(alerts.c.alert_id)
    )
    return made.first() is not None


def _chosen() -> sa.Select[tuple[object, ...]]:
    return sa.select(
        alerts.c.alert_id,
        alerts.c.cause,
        alerts.c.severity,
        alerts.c.title,
        alerts.c.detail,
        alerts.c.opened_at,
        alerts.c.last_seen_at,
        alerts.c.closed_at,
        alerts.c.sent_to,
    )


def _opened(row: sa.Row[tuple[object, ...]]) -> OpenAlert:
    values = dict(row._mapping)
    return OpenAlert(**values | {"sent_to": tuple(values["sent_to"])})

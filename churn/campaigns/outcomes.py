"""What became of a campaign's members within the horizon after they entered."""

from __future__ import annotations

from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn.config import Settings
from churn.labels import make_labels
from churn.schema import campaign_members, campaign_outcomes, past_nights, published, run_stages, runs
from churn.sqlfiles import read_sql
from churn.windows import business_today

_ENTRY = ("campaign", "customer_key", "as_of_date")


def measure_outcomes(connection: Connection, settings: Settings, as_of: date, run_id: int) -> int:
    """Keep the outcome of every member whose horizon has matured by `as_of`; return how many are new.

    An outcome is measured once, by the label that training learns from, and never changes: whoever was no customer on
    the night they entered gets one that says so (`churned` null). What a run that did not succeed has measured is
    removed first, so that nothing of a refused night stays.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        In a transaction; a temporary table is made.
    settings : Settings
    as_of : date
        Everything that happened before it has been extracted.
    run_id : int
        The run that measures.
    """
    _drop_leftovers(connection, run_id)
    wait = timedelta(days=settings.churn.horizon_days + settings.grace_days)
    if as_of - date.min < wait:
        return 0
    due = connection.scalars(read_sql("campaigns/due_entries.sql").statement, {"matured_until": as_of - wait}).all()
    return sum(_measure(connection, settings, entered, wait, data_through=as_of, run_id=run_id) for entered in due)


def data_through(connection: Connection, settings: Settings, as_of: date) -> date:
    """Return up to which date, at most `as_of`, everything has been extracted; the beginning of time without any.

    For runs that do not extract themselves.
    """
    last = connection.scalar(
        sa.select(sa.func.max(run_stages.c.started_at)).where(
            run_stages.c.stage == "extract", run_stages.c.finished_at.is_not(None)
        )
    )
    return min(as_of, business_today(last, settings.business.timezone)) if last else date.min


def withdraw_outcomes(connection: Connection, run_id: int) -> int:
    """Take back what a refused run has measured; return how many."""
    return connection.execute(sa.delete(campaign_outcomes).where(campaign_outcomes.c.run_id == run_id)).rowcount


def _drop_leftovers(connection: Connection, run_id: int) -> None:
    """Drop what runs that did not succeed have measured, and what is of no member, or of one who entered anew.

    What is published counts as good, whatever the ledger says of its run.
    """
    good = sa.union(
        sa.select(runs.c.run_id).where(runs.c.status == "succeeded"),
        *(sa.select(column) for night in (published, past_nights) for column in (night.c.run_id, night.c.list_run_id)),
    )
    measured_by = campaign_outcomes.c.run_id
    connection.execute(sa.delete(campaign_outcomes).where(measured_by != run_id, measured_by.not_in(good)))
    is_member = [campaign_members.c[name] == campaign_outcomes.c[name] for name in _ENTRY]
    connection.execute(sa.delete(campaign_outcomes).where(~sa.exists().where(*is_member)))


def _measure(
    connection: Connection, settings: Settings, entered: date, wait: timedelta, *, data_through: date, run_id: int
) -> int:
    make_labels(connection, settings, entered, data_through=data_through)
    values = {
        "as_of": entered,
        "horizon_days": settings.churn.horizon_days,
        "matured_date": entered + wait,
        "run_id": run_id,
    }
    return connection.execute(read_sql("campaigns/outcomes.sql").statement, values).rowcount

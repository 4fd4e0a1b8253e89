"""What a campaign did, by assignment: retention, revenue, cost, return."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn.campaigns.figures import Stratum, figures_of, summed
from churn.campaigns.verdicts import Terms, verdict_of
from churn.config import Settings
from churn.schema import campaign_results
from churn.sqlfiles import read_sql


def store_results(connection: Connection, settings: Settings, as_of: date, run_id: int, *, at: datetime) -> int:
    """Renew `ops.campaign_results` of every campaign, in the caller's transaction; return the rows written.

    Results never go back in time: a rerun of an earlier night renews them as of the latest date that they were ever
    made for.

    Parameters
    ----------
    connection : sqlalchemy.Connection
    settings : Settings
    as_of : date
        What had matured by then counts.
    run_id : int
    at : datetime
        The current time.
    """
    latest = connection.scalar(sa.select(sa.func.max(campaign_results.c.as_of_date)))
    as_of = max(as_of, latest or as_of)
    terms = Terms(
        as_of=as_of,
        wait_days=settings.churn.horizon_days + settings.grace_days,
        horizon_days=settings.churn.horizon_days,
        currency=settings.business.currency,
    )
    rows = []
    for (campaign, arm), strata in _strata(connection, as_of, terms.horizon_days).items():
        figures = figures_of(strata, settings)
        reached = int(summed(strata, "contacted_measured"))
        keys = {"campaign": campaign, "arm": arm, "as_of_date": as_of, "computed_at": at, "run_id": run_id}
        rows.append({**keys, **figures, "verdict": verdict_of(figures, reached, terms)})
    connection.execute(sa.delete(campaign_results))
    if rows:
        connection.execute(sa.insert(campaign_results), rows)
    return len(rows)


def _strata(connection: Connection, as_of: date, horizon_days: int) -> dict[tuple[str, str], list[Stratum]]:
    found: dict[tuple[str, str], list[Any]] = defaultdict(list)
    statement, values = (
        read_sql("campaigns/result_strata.sql").statement,
        {"as_of": as_of, "horizon_days": horizon_days},
    )
    for row in connection.execute(statement, values).mappings():
        found[row["campaign"], row["arm"]].append(row)
    return found

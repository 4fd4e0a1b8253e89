"""The insights stage: the night is looked at as readers will see it, and what it has to say is kept with the run.

Evidence must be what anybody gets from the `bi` views once the night is published. So the stage moves the pointer
within a savepoint, asks the views themselves, and takes the move back before it writes: nobody else ever sees it, and
the numbers kept are those that the queries kept with them will give.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn import campaigns
from churn.config import Settings
from churn.exposure import assigned_weights
from churn.insights.campaign import campaign_candidates, campaigns_told
from churn.insights.changes import change_candidates
from churn.insights.facts import fact_candidates, model_driver, riskiest_segment
from churn.insights.findings import BEHAVIOUR, SEGMENTS, Finding, Night, believed, claimed, ranked, real_but_small
from churn.insights.tonight import left_off, value_at_risk, whom_to_contact
from churn.labels import make_labels
from churn.partitions import ensure_month
from churn.publish import PublishedNight
from churn.schema import insights, published, runs
from churn.sqlfiles import read_sql

TABLES = ("group_outcomes", "week_changes", "insights")

# A night whose churn has been known for longer than this says little about tonight.
_OLDEST_DAYS = 62


def store_insights(connection: Connection, settings: Settings, as_of: date, run_id: int, list_run_id: int) -> int:
    """Write the run's rows of `scores.insights`, and the counts and changes that they rest on.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        In a transaction, in which the run's scores, segments, list and figures have been written.
    settings : Settings
    as_of : date
    run_id : int
    list_run_id : int
        Run whose list the night shows.

    Returns
    -------
    int
        Rows of `scores.insights`.
    """
    for table in TABLES:
        ensure_month(connection, table, as_of)
    keys = {"as_of": as_of, "run_id": run_id}
    connection.execute(read_sql("insights/segment_outcomes.sql").statement, keys)
    _count_drivers(connection, settings, keys)
    _compare_with_the_week_before(connection, keys)
    pointer = PublishedNight(as_of, run_id, list_run_id, _began_at(connection, run_id), in_sample=False)
    findings = _as_published(connection, settings, pointer)
    rows = [_row(keys, place, finding) for place, finding in enumerate(findings, start=1)]
    connection.execute(sa.insert(insights), rows)
    return len(rows)


def _row(keys: dict[str, Any], place: int, finding: Finding) -> dict[str, Any]:
    return {
        "as_of_date": keys["as_of"],
        "run_id": keys["run_id"],
        "priority": place,
        "insight": finding.insight,
        "question": finding.question,
        "subject": finding.subject,
        "finding": finding.finding,
        "evidence": finding.evidence.as_json(),
        "recommendation": finding.recommendation,
        "effect": finding.effect,
        "p_value": finding.p_value,
    }


def _began_at(connection: Connection, run_id: int) -> datetime:
    """Return when the run began, for what is written and taken back."""
    started_at: datetime = connection.execute(sa.select(runs.c.started_at).where(runs.c.run_id == run_id)).scalar_one()
    return started_at


# ---------------------------------------------------------------- what the findings rest on


def _count_drivers(connection: Connection, settings: Settings, keys: dict[str, Any]) -> None:
    """Count who left, by the behaviours that the model had named on a night whose churn is known; once a month."""
    horizon = settings.churn.horizon_days
    matured = horizon + settings.grace_days
    night = connection.execute(
        read_sql("insights/driver_night.sql").statement,
        {"as_of": keys["as_of"], "matured_days": matured, "oldest_days": matured + _OLDEST_DAYS},
    ).first()
    if night is None:
        return
    outcome = {"outcome_as_of": night.as_of_date}
    if connection.execute(read_sql("insights/driver_outcomes_kept.sql").statement, keys | outcome).rowcount:
        return
    make_labels(connection, settings, night.as_of_date, data_through=keys["as_of"])
    assigned_weights(connection, night.as_of_date, horizon)
    connection.execute(
        read_sql("insights/driver_outcomes.sql").statement,
        keys | outcome | {"outcome_run_id": night.run_id},
    )


def _compare_with_the_week_before(connection: Connection, keys: dict[str, Any]) -> None:
    night = connection.execute(read_sql("insights/compared_night.sql").statement, {"as_of": keys["as_of"]}).first()
    if night is not None:
        connection.execute(
            read_sql("insights/week_changes.sql").statement,
            keys | {"compared_date": night.as_of_date, "compared_run_id": night.run_id},
        )


# ---------------------------------------------------------------- what the night has to say


def _as_published(connection: Connection, settings: Settings, pointer: PublishedNight) -> list[Finding]:
    """Look at the views as they will be once the run is published, and leave everything as it was."""
    with connection.begin_nested() as savepoint:
        connection.execute(sa.delete(published).where(published.c.as_of_date >= pointer.as_of))
        connection.execute(sa.insert(published), _pointer_row(pointer))
        campaigns.admit(connection, settings, pointer.as_of, pointer.list_run_id, at=pointer.published_at)
        campaigns.store_results(connection, settings, pointer.as_of, pointer.run_id, at=pointer.published_at)
        findings = _findings(_night(connection, settings, pointer.as_of))
        savepoint.rollback()
    return ranked(findings)


def _night(connection: Connection, settings: Settings, as_of: date) -> Night:
    horizon = settings.churn.horizon_days
    return Night(connection, as_of, settings.business.currency, horizon, horizon + settings.grace_days)


def _pointer_row(pointer: PublishedNight) -> dict[str, Any]:
    row = asdict(pointer)
    return row | {"as_of_date": row.pop("as_of")}


def _findings(night: Night) -> list[Finding]:
    """Answer the five questions, by claims where there are any; then what changed."""
    proved = believed(fact_candidates(night) + campaign_candidates(night) + change_candidates(night))
    found = claimed(proved)
    answered = {finding.question for finding in found}
    found += [value_at_risk(night), whom_to_contact(night), *left_off(night)]
    for question, otherwise in ((SEGMENTS, riskiest_segment), (BEHAVIOUR, model_driver)):
        if question not in answered:
            small = ranked(real_but_small(proved, question))
            found.append(small[0] if small else otherwise(night))
    return found + campaigns_told(night, proved, {finding.subject for finding in found})

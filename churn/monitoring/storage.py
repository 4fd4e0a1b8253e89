"""What a run found out about past nights, stored with its publication: both are seen, or neither."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn.monitoring.months import series_statuses
from churn.monitoring.realised import Findings, NightFinding
from churn.performance_store import plain, store_judgement
from churn.risk.evaluation import REALISED
from churn.risk.expectation import REALISED_FIGURES, WARNING
from churn.schema import published, realised_figures, realised_nights


def store_findings(connection: Connection, run_id: int, findings: Findings) -> list[str]:
    """Store what was found and return what people should be told of it.

    A night that was evaluated before is replaced; the warnings of all nights are judged anew, since a night in
    between may have come in.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        In the transaction that publishes the run.
    run_id : int
        Run that found it.
    findings : Findings
    """
    for finding in findings.nights:
        _store_night(connection, run_id, finding)
    for version, judgement in findings.judgements.items():
        store_judgement(connection, version, REALISED, judgement)
    if findings.nights:
        _judge_series(connection)
    unread = dict.fromkeys(note for found in findings.nights for note in found.notes)
    warnings = _warning_notes(connection, [found.night.as_of for found in findings.nights])
    return [*unread, *_left_out_notes(findings), *warnings]


def _store_night(connection: Connection, run_id: int, finding: NightFinding) -> None:
    as_of = finding.night.as_of
    for table in (realised_figures, realised_nights):
        connection.execute(sa.delete(table).where(table.c.as_of_date == as_of))
    connection.execute(
        sa.insert(realised_nights).values(
            as_of_date=as_of,
            run_id=finding.night.run_id,
            model_version=finding.night.model_version,
            customers=finding.counts.customers,
            churners=finding.counts.churners,
            treated_left_out=finding.counts.treated_left_out,
            evaluated_run_id=run_id,
        )
    )
    rows = [
        {"as_of_date": as_of} | {name: plain(value) for name, value in asdict(figure).items()}
        for figure in finding.figures
    ]
    connection.execute(sa.insert(realised_figures), rows)


def _judge_series(connection: Connection) -> None:
    """Turn the second breach in consecutive months into a warning, and back where it no longer is one."""
    for figure in REALISED_FIGURES:
        query = _shown(realised_figures.c.as_of_date, realised_figures.c.status).where(
            realised_figures.c.figure == figure
        )
        found = {row.as_of_date: row.status for row in connection.execute(query)}
        for as_of, status in series_statuses(found).items():
            if status != found[as_of]:
                connection.execute(
                    sa.update(realised_figures)
                    .where(realised_figures.c.as_of_date == as_of, realised_figures.c.figure == figure)
                    .values(status=status)
                )


def _shown(*columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
    """Select from the figures of nights that are published as they were evaluated."""
    nights = realised_nights.c
    return (
        sa.select(*columns)
        .select_from(realised_figures)
        .join(realised_nights, nights.as_of_date == realised_figures.c.as_of_date)
        .join(published, sa.and_(published.c.as_of_date == nights.as_of_date, published.c.run_id == nights.run_id))
    )


def _warning_notes(connection: Connection, nights: list[date]) -> list[str]:
    """Tell the warnings of the latest month among newly evaluated nights; only a month's first night has any."""
    if not nights:
        return []
    latest = [night for night in nights if night >= max(nights).replace(day=1)]
    figures = realised_figures.c
    query = _shown(figures.as_of_date, figures.figure, figures.value, figures.low, figures.high).where(
        figures.as_of_date.in_(latest), figures.status == WARNING
    )
    return [
        f"Realised performance of {row.as_of_date}: {row.figure} was {row.value:.3f}, outside of {row.low:.3f} to "
        f"{row.high:.3f} for the second month running. Train again with `churn train`; see bi.realised_performance."
        for row in connection.execute(query.order_by(figures.figure))
    ]


def _left_out_notes(findings: Findings) -> list[str]:
    notes = []
    unrepresented = max((found.counts.unrepresented for found in findings.nights), default=0)
    if unrepresented:
        notes.append(
            f"Realised performance leaves out {unrepresented:,} of all customers of a night (at most) whose campaigns "
            "held nobody out: nobody stands for them. Set retention.holdout_share above 0."
        )
    if findings.waiting:
        notes.append(f"{findings.waiting} past nights wait for the next run to be compared with what became of them.")
    return notes

"""What looks wrong about the night that was just published: its checks, and what became of earlier nights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn.alerts.causes import Alert, Place, warned
from churn.schema import published
from churn.sqlfiles import read_sql

_TRAIN = "churn train"
_FEED = "churn doctor, and look at the feed of the table that is named"
_MAPPING = "churn doctor, and mend the mapping or the source; bi.data_quality has examples"
_MOVED = "churn status; look at the feeds of what has moved, and churn train where the change is real"
_COMMANDS = {
    "amounts": _FEED,
    "feature_drift": _MOVED,
    "feature_drift_score": _MOVED,
    "freshness": _FEED,
    "null_shares": _FEED,
    "probability_mass": _MOVED,
    "quarantine": _MAPPING,
    "volume_change": _FEED,
}
_LOOK = "churn status, then select * from bi.data_quality where status = 'failed' order by run_id desc"


def findings_of(connection: Connection, as_of: date, place: Place) -> tuple[int, list[Alert]] | None:
    """Return the run that a night shows, and what looks wrong about it; None where a later night is published.

    Samples are left out, since they may name customers: `bi.data_quality` has them.
    """
    latest = sa.select(published).order_by(published.c.as_of_date.desc()).limit(1)
    night = connection.execute(latest).first()
    if night is None or night.as_of_date != as_of:
        return None
    here = replace(place, run_id=night.run_id, stage=None)
    return night.run_id, [*_checks(connection, as_of, here), *_realised(connection, here)]


def failed_checks(connection: Connection, run_id: int | None) -> list[tuple[str, str]]:
    """Return the checks that stopped a run, each with what it found."""
    return [(row.check_name, _found(row)) for row in _findings(connection, run_id) if row.severity == "fail"]


def _findings(connection: Connection, run_id: int | None) -> Sequence[Any]:
    return connection.execute(read_sql("alerts/night_findings.sql").statement, {"run_id": run_id}).all()


def _found(row: Any) -> str:
    return f"{row.check_name} found {row.rows:,}" + (f" ({row.detail})" if row.detail else "")


def _checks(connection: Connection, as_of: date, place: Place) -> list[Alert]:
    return [
        warned(
            f"check {row.check_name}",
            f"{row.check_name} found {row.rows:,}",
            f"In the night of {as_of}, {_found(row)}; see bi.data_quality.",
            place,
            _command(row.check_name),
        )
        for row in _findings(connection, place.run_id)
    ]


def _command(check: str) -> str:
    return _COMMANDS.get(check.partition(":")[0], _LOOK)


def _realised(connection: Connection, place: Place) -> list[Alert]:
    found = connection.execute(read_sql("monitoring/latest_realised.sql").statement)
    return [
        warned(
            f"realised {row.figure}",
            f"Realised {row.figure} is not what the model promised",
            f"The night of {row.as_of_date}: {row.figure} {row.value:.3f}, where {row.low:.3f} to {row.high:.3f} was "
            "expected; the month before, too.",
            place,
            _TRAIN,
        )
        for row in found
        if row.status == "warning"
    ]

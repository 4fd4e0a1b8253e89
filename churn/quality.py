"""What each table of a night looks like, and what it usually looks like; the files of `sql/checks` compare the two."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn.config import Settings
from churn.schema import table_figures
from churn.sqlfiles import read_sql, sql_folder

_USUAL = "usual"


def measure(connection: Connection, as_of: date, run_id: int, snapshot_id: int) -> int:
    """Store the figures of a night's tables in `ops.table_figures`, each beside what it usually is.

    One statement reads each table once, and of the large ones only the days that count. A run that is measured again
    has its figures replaced.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        In the transaction of the checks.
    as_of : datetime.date
        The night. Only nights published for dates before it are compared with, and only data of before it is counted.
    run_id : int
        The run that scored it.
    snapshot_id : int
        What it scored; its features tell which entities the source has.

    Returns
    -------
    int
        Figures stored.
    """
    own = table_figures.c.as_of_date == as_of, table_figures.c.run_id == run_id
    connection.execute(sa.delete(table_figures).where(*own))
    keys = {"as_of": as_of, "run_id": run_id, "snapshot_id": snapshot_id}
    stored = 0
    for file in sql_folder("quality"):
        if file.name != _USUAL:
            stored += connection.execute(file.statement, {name: keys[name] for name in file.params}).rowcount
    connection.execute(read_sql(f"quality/{_USUAL}.sql").statement, {"as_of": as_of, "run_id": run_id})
    return stored


def quality_limits(settings: Settings) -> dict[str, float]:
    """Return the limits of `[quality]`, by the names that `sql/checks` know them by."""
    quality = settings.quality
    return {
        "volume_warn": quality.volume_warn,
        "volume_fail": quality.volume_fail,
        "stale_days": quality.stale_days,
        "null_share_warn": quality.null_share_warn,
    }

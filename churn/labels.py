"""The churn label: the only thing that looks past `as_of`, and only once nothing can change it any more."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn.config import Settings
from churn.errors import DataContractError
from churn.sqlfiles import read_sql
from churn.warehouse import literal_sql, run_ddl
from churn.windows import matures_on

LABELS_TABLE = "churn_labels"


def label_query(settings: Settings, as_of: date, *, data_through: date) -> sa.TextClause:
    """Make the SELECT of who left, of those active at `as_of`: `customer_key` and `churned`.

    Parameters
    ----------
    settings : Settings
        Definition of churn, horizon, grace and inactivity, in days.
    as_of : date
    data_through : date
        Everything that happened before this date has been extracted.

    Raises
    ------
    DataContractError
        The label is not known yet: an immature horizon is not a negative.
    """
    matures = matures_on(as_of, settings.churn.horizon_days, settings.grace_days)
    if matures > data_through:
        raise DataContractError(
            f"Who churned after {as_of} is not known before {matures}; the data reach up to {data_through}.",
            "Take an earlier date, or extract newer data.",
        )
    file = read_sql(f"labels/{settings.churn.definition}.sql")
    values = {
        "as_of": as_of,
        "horizon_days": settings.churn.horizon_days,
        "grace_days": settings.churn.grace_days,
        "inactivity_days": settings.churn.inactivity_days,
    }
    return file.statement.bindparams(**{name: values[name] for name in file.params})


def make_labels(connection: Connection, settings: Settings, as_of: date, *, data_through: date) -> str:
    """Put the labels into the temporary table `churn_labels` until the transaction ends or others take their place.

    Returns
    -------
    str
        The table's name.

    Raises
    ------
    DataContractError
        As `label_query`.
    """
    query = label_query(settings, as_of, data_through=data_through)
    run_ddl(connection, f"drop table if exists pg_temp.{LABELS_TABLE}")
    run_ddl(connection, f"create temporary table {LABELS_TABLE} on commit drop as {literal_sql(query)}")
    run_ddl(connection, f"analyze pg_temp.{LABELS_TABLE}")
    return LABELS_TABLE

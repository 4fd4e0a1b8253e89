"""The retention stage: the attempt's tables joined into the night's scores, reasons given, the list frozen."""

from __future__ import annotations

from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from churn.errors import DataContractError
from churn.partitions import analyze_month, ensure_month
from churn.publish import shown_night
from churn.retention import HIGH_FROM_PERCENTILE, MEDIUM_FROM_PERCENTILE
from churn.schema import at_risk_list
from churn.scoring.clv import store_totals
from churn.scoring.listing import freeze_list, tell_exclusions
from churn.scoring.night import ScoredNight, plan_place
from churn.scoring.offers import decide, store_offers
from churn.sqlfiles import read_sql
from churn.warehouse import literal_sql, run_ddl

NIGHTLY_TABLES = (
    "customer_scores",
    "at_risk_list",
    "segment_nights",
    "churn_drivers",
    "clv_totals",
    "customer_offers",
    "list_exclusions",
    "campaign_lists",
    "campaign_balance",
    "save_rates",
    "kpi_months",
    "cohort_months",
    "insights",
)


def assemble(connection: Connection, night: ScoredNight, *, replace_list: bool) -> int:
    """Join the attempt's tables into scores and segments, give the reasons, freeze the list or keep the frozen one."""
    for table in NIGHTLY_TABLES:
        ensure_month(connection, table, night.as_of)
    keys = {"as_of": night.as_of, "run_id": night.run_id}
    scored = _score(connection, night, keys)
    outcome_id, outcome_as_of = night.outcome_snapshot or (None, None)
    connection.execute(
        read_sql("scores/segment_nights.sql").statement,
        keys
        | {
            "model_version": night.segments_version,
            "outcome_snapshot_id": outcome_id,
            "outcome_as_of": outcome_as_of,
        },
    )
    store_totals(connection, night)
    before = shown_night(connection, night.as_of)
    is_frozen = before is not None and not replace_list
    night.list_run_id = before.list_run_id if before is not None and is_frozen else night.run_id
    offered = decide(connection, night, _frozen(connection, night))
    if not is_frozen:
        freeze_list(connection, night, offered)
    store_offers(connection, night, offered)
    tell_exclusions(connection, night)
    return scored


def _score(connection: Connection, night: ScoredNight, keys: dict[str, Any]) -> int:
    """Write the night's scores, with everybody's stage, value tier and segment before, and count them."""
    _keep_stages(connection, night)
    scored = connection.execute(
        read_sql("scores/customer_scores.sql").statement,
        keys
        | {
            "snapshot_id": night.snapshot.snapshot_id,
            "plan_place": plan_place(night),
            "high_from": HIGH_FROM_PERCENTILE,
            "medium_from": MEDIUM_FROM_PERCENTILE,
            "high_value_share": night.settings.clv.high_value_share,
            "medium_value_share": night.settings.clv.medium_value_share,
        },
    ).rowcount
    analyze_month(connection, "customer_scores", night.as_of)
    if scored == 0:
        raise DataContractError(f"Nobody was scored as of {night.as_of}.", "Run `churn doctor`.")
    return int(scored)


def _keep_stages(connection: Connection, night: ScoredNight) -> None:
    """Put who came back and everybody's lifecycle stage into temporary tables of this transaction."""
    settings = night.settings
    params = {
        "as_of": night.as_of,
        "snapshot_id": night.snapshot.snapshot_id,
        "grace_days": settings.grace_days,
        "inactivity_days": settings.churn.inactivity_days,
    }
    files = {
        "returned_customers": f"scores/returns_{settings.churn.definition}.sql",
        "customer_stages": "scores/customer_stages.sql",
    }
    for table, path in files.items():
        file = read_sql(path)
        query = literal_sql(file.statement, **{name: params[name] for name in file.params})
        run_ddl(connection, f"create temporary table {table} on commit drop as {query}")
        run_ddl(connection, f"analyze pg_temp.{table}")


def _frozen(connection: Connection, night: ScoredNight) -> NDArray[np.int64]:
    """Return the keys of the customers on the list that the night already shows, in its order; none of a new one."""
    shown = (
        sa.select(at_risk_list.c.customer_key)
        .where(at_risk_list.c.as_of_date == night.as_of, at_risk_list.c.run_id == night.list_run_id)
        .order_by(at_risk_list.c.priority_rank)
    )
    return np.array(connection.scalars(shown).all(), dtype=np.int64)

"""The same night as a notebook would do it: raw events into pandas, groupby, predict, `to_sql`; prints JSON.

It computes a handful of the night's features, keeps no snapshot and publishes nothing, so it is let off lightly.
"""

from __future__ import annotations

import argparse
import json
import time
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import sqlalchemy as sa

from benchmarks.measured import peak_bytes
from churn import registry
from churn.config import load_settings
from churn.connections import source_url, warehouse_url
from churn.risk import RiskModel
from churn.risk.scoring import raw_scorer
from churn.warehouse import parse_url

DAYS = 90


def main() -> None:
    """Run the night and print its seconds and peak memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--as-of", type=date.fromisoformat, required=True)
    options = parser.parse_args()
    settings = load_settings(options.config)
    source = sa.create_engine(parse_url(source_url(settings), "source"))
    warehouse = sa.create_engine(parse_url(warehouse_url(settings), "warehouse"))
    started = time.perf_counter()
    events = _events(source, options.as_of)
    features = _features(events, options.as_of)
    scores = pd.DataFrame({"customer_id": features.index, "churn_probability": _predicted(warehouse, features)})
    scores.to_sql("naive_scores", warehouse, schema="public", if_exists="replace", index=False)
    found = {
        "seconds": time.perf_counter() - started,
        "events": len(events),
        "customers": len(scores),
        "peak_bytes": peak_bytes(),
    }
    print(json.dumps(found))


def _events(source: sa.Engine, as_of: date) -> pd.DataFrame:
    query = sa.text(
        "select customer_id, occurred_at, event_type, quantity from public.usage_events "
        "where occurred_at >= :first and occurred_at < :as_of"
    )
    return pd.read_sql(query, source, params={"first": as_of - timedelta(days=DAYS), "as_of": as_of})


def _features(events: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Return what the model knows by these names, one row per customer_id."""
    end = pd.Timestamp(as_of, tz="UTC")
    events["usage_date"] = events["occurred_at"].dt.normalize()
    parts = {}
    for days in (7, 28, 90):
        recent = events[events["occurred_at"] >= end - pd.Timedelta(days=days)].groupby("customer_id")
        parts[f"events_{days}d"] = recent.size()
        parts[f"active_days_{days}d"] = recent["usage_date"].nunique()
    parts["quantity_28d"] = (
        events[events["occurred_at"] >= end - pd.Timedelta(days=28)].groupby("customer_id")["quantity"].sum()
    )
    parts["days_since_last_usage"] = (end - events.groupby("customer_id")["usage_date"].max()).dt.days
    return pd.DataFrame(parts)


def _predicted(warehouse: sa.Engine, features: pd.DataFrame) -> np.ndarray:
    """Return the champion's probabilities, the features that were not computed missing; NaN without a champion."""
    with warehouse.connect() as connection:
        stored = registry.champion(connection, registry.CHURN)
    if stored is None:
        return np.full(len(features), np.nan)
    model = RiskModel.from_text(stored.artifact, stored.sha256)
    matrix = features.reindex(columns=list(model.names.numbers)).to_numpy(np.float32)
    codes = np.full((len(features), len(model.names.categories)), -1, dtype=np.int32)
    return model.calibrator.probability(raw_scorer(model)(matrix, codes))


if __name__ == "__main__":
    main()

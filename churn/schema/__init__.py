"""Every table of the warehouse, as SQLAlchemy metadata; the migrations build the same (a test compares them).

Conventions: `*_at` are business-local timestamps in `staging` and UTC instants elsewhere; `*_date` are business dates.
A row of a versioned staging table holds from `valid_from` up to but without `valid_to`; the first version of a row
reaches back to `BEGINNING`, the current one on to `FOREVER`; `learned_at` is when extraction saw it.
"""

from __future__ import annotations

from churn.schema.base import BEGINNING, FOREVER, SCHEMAS, metadata
from churn.schema.ops import (
    check_results,
    extractions,
    feature_sets,
    model_events,
    models,
    published,
    quarantine,
    run_stages,
    runs,
    segment_events,
    segment_outcomes,
    snapshots,
    watermarks,
)
from churn.schema.performance import (
    calibration_bins,
    clv_backtests,
    clv_deciles,
    feature_drift,
    model_curves,
    model_performance,
    performance_figures,
    realised_figures,
    realised_nights,
    threshold_tradeoff,
)
from churn.schema.scores import (
    at_risk_list,
    attempt_clv,
    attempt_reasons,
    attempt_risk,
    attempt_segments,
    churn_drivers,
    clv_totals,
    customer_scores,
    feature_snapshots,
    segment_nights,
)
from churn.schema.staging import (
    customer_attributes,
    customer_keys,
    customers,
    payments,
    subscriptions,
    support_tickets,
    usage_daily,
)

MONTHLY_TABLES = {
    "usage_daily": usage_daily,
    "feature_snapshots": feature_snapshots,
    "customer_scores": customer_scores,
    "at_risk_list": at_risk_list,
    "segment_nights": segment_nights,
    "churn_drivers": churn_drivers,
    "clv_totals": clv_totals,
}

__all__ = [
    "BEGINNING",
    "FOREVER",
    "MONTHLY_TABLES",
    "SCHEMAS",
    "at_risk_list",
    "attempt_clv",
    "attempt_reasons",
    "attempt_risk",
    "attempt_segments",
    "calibration_bins",
    "check_results",
    "churn_drivers",
    "clv_backtests",
    "clv_deciles",
    "clv_totals",
    "customer_attributes",
    "customer_keys",
    "customer_scores",
    "customers",
    "extractions",
    "feature_drift",
    "feature_sets",
    "feature_snapshots",
    "metadata",
    "model_curves",
    "model_events",
    "model_performance",
    "models",
    "payments",
    "performance_figures",
    "published",
    "quarantine",
    "realised_figures",
    "realised_nights",
    "run_stages",
    "runs",
    "segment_events",
    "segment_nights",
    "segment_outcomes",
    "snapshots",
    "subscriptions",
    "support_tickets",
    "threshold_tradeoff",
    "usage_daily",
    "watermarks",
]

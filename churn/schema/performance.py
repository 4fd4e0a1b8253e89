"""Tables of `ops` that hold what models are worth: figures out of time and realised, curves, drift."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.schema import SchemaItem

from churn.schema.base import Money, column, metadata

model_performance = sa.Table(
    "model_performance",
    metadata,
    column("model_version", sa.Text),
    column("evaluation", sa.Text),
    column("from_as_of_date", sa.Date),
    column("to_as_of_date", sa.Date),
    column("customer_months", sa.BigInteger),
    column("churners", sa.BigInteger),
    *(
        column(name, sa.Double, null=True)
        for name in (
            "base_rate",
            "auc_roc",
            "auc_roc_low",
            "auc_roc_high",
            "pr_auc",
            "recall",
            "precision",
            "threshold",
            "lift_top_decile",
            "brier",
            "ece",
            "log_loss",
            "calibration_slope",
            "observed_expected",
            "baseline_auc",
            "logistic_regression_auc",
            "logistic_regression_log_loss",
            "base_rate_log_loss",
            "list_size",
            "recall_at_list",
            "precision_at_list",
            "ece_perfect_p95",
            "expected_net_value",
        )
    ),
    sa.PrimaryKeyConstraint("model_version", "evaluation"),
    schema="ops",
)


def _judged(name: str, *columns: SchemaItem, key: tuple[str, ...]) -> sa.Table:
    """Make a table of what one evaluation of one model found, in total (segment is empty) and per segment."""
    return sa.Table(
        name,
        metadata,
        column("model_version", sa.Text),
        column("evaluation", sa.Text),
        column("segment", sa.Text),
        *columns,
        sa.PrimaryKeyConstraint("model_version", "evaluation", "segment", *key),
        schema="ops",
    )


performance_figures = _judged(
    "performance_figures",
    column("predictor", sa.Text),
    column("figure", sa.Text),
    column("value", sa.Double, null=True),
    column("low", sa.Double, null=True),
    column("high", sa.Double, null=True),
    key=("predictor", "figure"),
)

threshold_tradeoff = _judged(
    "threshold_tradeoff",
    column("kind", sa.Text),
    column("cutoff", sa.Double),
    column("contacted", sa.Double),
    column("precision", sa.Double, null=True),
    column("recall", sa.Double, null=True),
    column("false_alarms", sa.Double),
    column("expected_net_value", sa.Double, null=True),
    column("is_chosen", sa.Boolean),
    sa.CheckConstraint("kind in ('threshold', 'list_size')", name="kind"),
    key=("kind", "cutoff"),
)

calibration_bins = _judged(
    "calibration_bins",
    column("bin", sa.Integer),
    column("predicted", sa.Double),
    column("observed", sa.Double),
    column("observed_low", sa.Double, null=True),
    column("observed_high", sa.Double, null=True),
    column("customers", sa.BigInteger),
    key=("bin",),
)

model_curves = _judged(
    "model_curves",
    column("curve", sa.Text),
    column("point", sa.Integer),
    column("x", sa.Double),
    column("y", sa.Double),
    sa.CheckConstraint("curve in ('roc', 'pr', 'lift')", name="curve"),
    key=("curve", "point"),
)

realised_nights = sa.Table(
    "realised_nights",
    metadata,
    column("as_of_date", sa.Date, primary_key=True),
    column("run_id", sa.BigInteger),
    column("model_version", sa.Text),
    column("customers", sa.BigInteger),
    column("churners", sa.BigInteger),
    column("treated_left_out", sa.BigInteger),
    column("evaluated_run_id", sa.BigInteger),
    schema="ops",
)

realised_figures = sa.Table(
    "realised_figures",
    metadata,
    column("as_of_date", sa.Date),
    column("figure", sa.Text),
    column("value", sa.Double, null=True),
    column("expected", sa.Double, null=True),
    column("low", sa.Double, null=True),
    column("high", sa.Double, null=True),
    column("status", sa.Text),
    sa.CheckConstraint("status in ('inside', 'outside', 'warning', 'unknown')", name="status"),
    sa.PrimaryKeyConstraint("as_of_date", "figure"),
    schema="ops",
)

feature_drift = sa.Table(
    "feature_drift",
    metadata,
    column("run_id", sa.BigInteger),
    column("feature", sa.Text),
    column("as_of_date", sa.Date),
    column("model_version", sa.Text),
    column("psi", sa.Double, null=True),
    column("unseen_share", sa.Double),
    column("missing_share", sa.Double),
    column("missing_share_trained", sa.Double),
    column("status", sa.Text),
    sa.CheckConstraint("status in ('ok', 'warn', 'fail')", name="status"),
    sa.PrimaryKeyConstraint("run_id", "feature"),
    schema="ops",
)

clv_backtests = sa.Table(
    "clv_backtests",
    metadata,
    column("model_version", sa.Text),
    column("method", sa.Text),
    column("from_date", sa.Date),
    column("to_date", sa.Date),
    column("customers", sa.BigInteger),
    column("predicted", Money),
    column("realised", Money),
    column("mean_absolute_error", sa.Double),
    column("decile_error", sa.Double, null=True),
    column("rank_correlation", sa.Double, null=True),
    column("is_used", sa.Boolean),
    column("is_best", sa.Boolean),
    sa.PrimaryKeyConstraint("model_version", "method"),
    schema="ops",
)

clv_deciles = sa.Table(
    "clv_deciles",
    metadata,
    column("model_version", sa.Text),
    column("method", sa.Text),
    column("decile", sa.Integer),
    column("customers", sa.BigInteger),
    column("predicted", Money),
    column("realised", Money),
    sa.PrimaryKeyConstraint("model_version", "method", "decile"),
    schema="ops",
)

"""What the page of the model reads: each block, in the order in which it is shown."""

from __future__ import annotations

from churn.dashboard.blocks import Block, Column

_UNTESTED = "Nothing is known of this choice: see another test or another group above, or train with `churn train`."

MODELS = Block(
    name="models",
    title="Models so far",
    view="model_performance",
    columns=(
        Column("model_version", "Version"),
        Column("model_status", "Status"),
        Column("trained_as_of", "Trained as of", "date"),
        Column("auc_roc", "AUC-ROC", "number"),
        Column("auc_roc_low", "At least", "number"),
        Column("auc_roc_high", "At most", "number"),
        Column("lift_top_decile", "Lift of the top tenth", "number"),
        Column("observed_expected", "Observed over expected", "number"),
        Column("expected_net_value", "Net value a month", "money"),
    ),
    empty="No model is trained yet: run `churn train`. Until then lists go by days of silence.",
)
PERFORMANCE = Block(
    name="model-performance",
    title="In the test, and since",
    view="model_performance",
    columns=(
        Column("model_version", "Version"),
        Column("model_status", "Status"),
        Column("trained_as_of", "Trained as of", "date"),
        Column("evaluation", "Judged on"),
        Column("from_as_of_date", "First month", "date"),
        Column("to_as_of_date", "Last month", "date"),
        Column("customer_months", "Customer-months", "integer"),
        Column("churners", "Leavers", "integer"),
        Column("base_rate", "Share who left", "share"),
        Column("auc_roc", "AUC-ROC", "number"),
        Column("auc_roc_low", "At least", "number"),
        Column("auc_roc_high", "At most", "number"),
        Column("logistic_regression_auc", "AUC-ROC, logistic regression", "number"),
        Column("baseline_auc", "AUC-ROC, days of silence", "number"),
        Column("pr_auc", "PR-AUC", "number"),
        Column("lift_top_decile", "Lift of the top tenth", "number"),
        Column("observed_expected", "Observed over expected", "number"),
        Column("calibration_slope", "Calibration slope", "number"),
        Column("log_loss", "Log loss", "number"),
        Column("logistic_regression_log_loss", "Log loss, logistic regression", "number"),
        Column("base_rate_log_loss", "Log loss, same for everyone", "number"),
        Column("brier", "Brier score", "number"),
        Column("ece", "Calibration error", "number"),
        Column("ece_perfect_p95", "Calibration error by chance", "number"),
        Column("threshold", "Threshold", "number"),
        Column("precision", "Precision at it", "share"),
        Column("recall", "Recall at it", "share"),
        Column("expected_net_value", "Net value a month", "money"),
        Column("list_size", "Length of the list", "integer"),
        Column("precision_at_list", "Precision of the list", "share"),
        Column("recall_at_list", "Recall of the list", "share"),
    ),
    empty="No model is trained yet: run `churn train`. Until then lists go by days of silence.",
)
FIGURES = Block(
    name="model-figures",
    title="Every figure, beside what anyone could use instead",
    view="model_figures",
    columns=(
        Column("label", "Figure", note="The figure by its usual name."),
        Column("value", "Model", "number"),
        Column("low", "At least", "number", "Lower end of the 95 % interval."),
        Column("high", "At most", "number", "Upper end of it."),
        Column("logistic_regression", "Logistic regression", "number", "The same of it, on the same rows."),
        Column("recency", "Days of silence", "number", "The same of a rule that ranks by silence alone."),
        Column("base_rate", "Same for everyone", "number", "The same where all get one probability."),
        Column("figure", "In the view"),
        Column("reading", "How to read it", note="What it says, and what is good."),
    ),
    empty=_UNTESTED,
)
SEGMENTS = Block(
    name="model-segments",
    title="By segment",
    view="model_figures",
    columns=(
        Column("segment", "Segment"),
        Column("auc_roc", "AUC-ROC", "number", "How often a leaver is ranked above one who stays; 0.5 is chance."),
        Column("auc_roc_low", "At least", "number", "Lower end of its 95 % interval."),
        Column("auc_roc_high", "At most", "number", "Upper end of it."),
        Column("lift_top_decile", "Lift of the top tenth", "number", "Leavers in the riskiest tenth, against chance."),
        Column("precision", "Precision at the threshold", "share", "Of those at or above it, who leave."),
        Column("recall", "Recall at the threshold", "share", "Of those who leave, who stand at or above it."),
        Column("observed_expected", "Observed over expected", "number", "Leavers counted over predicted; 1 is right."),
        Column("observed_expected_low", "At least", "number", "Lower end of its 95 % interval."),
        Column("observed_expected_high", "At most", "number", "Upper end of it."),
    ),
    empty=_UNTESTED,
)


def _curve(name: str, title: str, across: str, upwards: str) -> Block:
    return Block(
        name=name,
        title=title,
        view="model_curves",
        columns=(
            Column("point", "Point", "integer"),
            Column("x", across, "share"),
            Column("y", upwards, "number" if name == "lift" else "share"),
        ),
        empty=_UNTESTED,
        file="model_curves",
    )


CURVES = (
    _curve("roc", "ROC", "Stayers among those contacted", "Leavers found"),
    _curve("pr", "Precision and recall", "Leavers found (recall)", "Leavers among those contacted (precision)"),
    _curve("lift", "Lift", "Customers contacted", "Times more leavers than by chance"),
)
CALIBRATION = Block(
    name="calibration",
    title="Does a probability mean what it says?",
    view="calibration",
    columns=(
        Column("bin", "Group", "integer"),
        Column("predicted", "It said", "share"),
        Column("observed", "Of them left", "share"),
        Column("observed_low", "At least", "share"),
        Column("observed_high", "At most", "share"),
        Column("customers", "Customer-months", "integer"),
        Column("is_off", "Off", "boolean", "True where what it said lies outside the interval."),
    ),
    empty=_UNTESTED,
    file="model_calibration",
)
TRADEOFF = Block(
    name="threshold-tradeoff",
    title="Thresholds and lists that were tried",
    view="threshold_tradeoff",
    columns=(
        Column("kind", "Contacting by"),
        Column("cutoff", "From probability, or so many", "number"),
        Column("contacted", "Contacted a month", "number"),
        Column("precision", "Precision", "share"),
        Column("recall", "Recall", "share"),
        Column("false_alarms", "False alarms", "number"),
        Column("expected_net_value", "Net value a month", "money"),
        Column("is_in_use", "In use", "boolean", "The threshold and the length of the list that the model works with."),
        Column("is_nearest", "Nearest", "boolean", "Nearest to what was asked for, or else to what is in use."),
    ),
    empty=_UNTESTED,
)


def _realised(figure: str, title: str) -> Block:
    return Block(
        name=f"realised-{figure.replace('_', '-')}",
        title=title,
        view="realised_performance",
        columns=(
            Column("as_of_date", "Night", "date"),
            Column("value", "What it was", "number"),
            Column("expected", "By the test", "number"),
            Column("low", "At least", "number"),
            Column("high", "At most", "number"),
            Column("status", "Status"),
            Column("customers", "Customers", "integer"),
            Column("churners", "Leavers", "integer"),
            Column("treated_left_out", "Left out: to be contacted", "integer"),
            Column("model_version", "Model of that night"),
        ),
        empty=(
            "No published night's outcome is known yet: that takes the horizon and the days of grace. "
            "`churn backfill` publishes past nights, whose outcome is known already."
        ),
        file="realised_performance",
    )


REALISED = {
    "auc_roc": _realised("auc_roc", "AUC-ROC of past nights"),
    "observed_expected": _realised("observed_expected", "Observed over expected of past nights"),
    "lift_top_decile": _realised("lift_top_decile", "Lift of the top tenth of past nights"),
    "calibration_slope": _realised("calibration_slope", "Calibration slope of past nights"),
}
CLV = Block(
    name="clv-performance",
    title="How near customer lifetime value came",
    view="clv_performance",
    columns=(
        Column("method", "Method"),
        Column("from_date", "From", "date"),
        Column("to_date", "To", "date"),
        Column("customers", "Customers", "integer"),
        Column("predicted", "Said they would bring", "money"),
        Column("realised", "They brought", "money"),
        Column("predicted_over_realised", "Said over brought", "number"),
        Column("mean_absolute_error", "Off per customer", "money"),
        Column("decile_error", "Off by tenths", "share"),
        Column("rank_correlation", "Order right", "number"),
        Column("is_used", "In use", "boolean"),
        Column("is_best", "Best", "boolean"),
        Column("model_version", "Version"),
    ),
    empty="Customer lifetime value was not tested yet: `churn nightly` fits and tests it once there is history enough.",
)
CLV_DECILES = Block(
    name="clv-deciles",
    title="Lifetime value: said and brought, by tenth of the customers",
    view="clv_deciles",
    columns=(
        Column("decile", "Tenth", "integer"),
        Column("customers", "Customers", "integer"),
        Column("predicted", "Said they would bring", "money"),
        Column("realised", "They brought", "money"),
        Column("predicted_over_realised", "Said over brought", "number"),
        Column("method", "Method"),
    ),
    empty="Customer lifetime value was not tested yet: `churn nightly` fits and tests it once there is history enough.",
)

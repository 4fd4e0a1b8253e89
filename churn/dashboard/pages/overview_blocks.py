"""The blocks of the overview."""

from __future__ import annotations

from churn.dashboard.blocks import Block, Column

KPIS = Block(
    name="kpis",
    title="The business by month",
    view="kpi_monthly",
    columns=(
        Column("month", "Month", "month"),
        Column("customers_end", "Customers", "integer"),
        Column("new", "New", "integer"),
        Column("reactivated", "Came back", "integer"),
        Column("churned", "Churned", "integer"),
        Column("churn_rate", "Churn rate", "share"),
        Column("retention_rate", "Retention rate", "share"),
        Column("mrr_end", "MRR", "money"),
        Column("revenue", "Revenue", "money"),
        Column("nrr", "NRR", "share"),
        Column("arpa", "ARPA", "money"),
        Column("avg_clv", "Average CLV", "money"),
        Column("is_provisional", "Provisional", "boolean"),
        Column("is_over", "Month is over", "boolean", "True where all of it lies before the night."),
    ),
    empty="No month is known yet: the first published night fills this.",
)
MRR_MOVEMENT = Block(
    name="mrr-movement",
    title="What moved MRR, by month",
    view="kpi_monthly",
    columns=(
        Column("month", "Month", "month"),
        Column("mrr_start", "MRR at the start", "money"),
        Column("mrr_new", "New", "money"),
        Column("mrr_reactivated", "Came back", "money"),
        Column("mrr_expansion", "Pay more", "money"),
        Column("mrr_contraction", "Pay less", "money"),
        Column("mrr_churned", "Churned", "money"),
        Column("mrr_end", "MRR at the end", "money"),
        Column("is_provisional", "Provisional", "boolean"),
    ),
    empty="There is no MRR: the business has no subscriptions, or no month is known yet.",
)
FINDINGS = Block(
    name="findings",
    title="What tonight found",
    view="insights",
    columns=(
        Column("priority", "#", "integer"),
        Column("question", "Question"),
        Column("finding", "Finding"),
        Column("recommendation", "What to do"),
        Column("evidence", "Evidence", "json"),
    ),
    empty="Nothing stood out tonight: no difference was bigger than chance would make it.",
)
RISK_BANDS = Block(
    name="risk-bands",
    title="Customers by risk",
    view="customer_scores",
    columns=(
        Column("risk_band", "Risk"),
        Column("customers", "Customers", "integer", "Customers in the band."),
        Column("avg_churn_probability", "Churn probability", "share", "Their average; null while there is no model."),
        Column("mrr", "MRR", "money", "Their monthly recurring revenue; null for businesses without subscriptions."),
        Column("value_at_risk", "Value at risk", "money", "Lost on average if nothing is done; null if unknown."),
    ),
    empty="Nobody is scored yet: churn nightly scores all customers.",
)
LIST_FIGURES = Block(
    name="list-figures",
    title="Tonight's list in figures",
    view="at_risk_customers",
    columns=(
        Column("campaign_group", "Group"),
        Column("recommended_action", "What to do"),
        Column("offer", "Offer"),
        Column("customers", "Customers", "integer", "Customers on the list with that offer and group."),
        Column("avg_churn_probability", "Churn probability", "share", "Their average; null while there is no model."),
        Column("value_at_risk", "Value at risk", "money", "In all; null while it is unknown."),
        Column("expected_net_value", "Expected net value", "money", "In all; of those held out what is forgone."),
        Column("cost", "Expected cost", "money", "Of the offers to those who are to be contacted."),
    ),
    empty=(
        "Nobody is on tonight's list: no offer is expected to pay, or nobody may be contacted. bi.list_exclusions says "
        "why; [[retention.offers]] in churn.toml names the offers."
    ),
)
CHAMPION = Block(
    name="champion",
    title="How good the model is",
    view="model_performance",
    columns=(
        Column("model_version", "Model"),
        Column("evaluation", "Evaluation"),
        Column("auc_roc", "AUC", "number"),
        Column("auc_roc_low", "AUC, from", "number"),
        Column("auc_roc_high", "AUC, to", "number"),
        Column("baseline_auc", "AUC of the recency rule", "number"),
        Column("observed_expected", "Churned for one expected", "number"),
        Column("calibration_slope", "Calibration slope", "number"),
        Column("ece", "Calibration error", "share"),
        Column("ece_perfect_p95", "Chance alone makes", "share"),
        Column("lift_top_decile", "Lift of the riskiest tenth", "number"),
        Column("base_rate", "Churned", "share"),
        Column("customer_months", "Rows tested", "integer"),
        Column("churners", "Churners", "integer"),
        Column("from_as_of_date", "From", "date"),
        Column("to_as_of_date", "To", "date"),
        Column("trained_as_of", "Trained as of", "date"),
        Column("age_days", "Age in days", "integer", "Days from trained_as_of to the latest published night."),
    ),
    empty="There is no model yet: customers are ranked by how long they were not seen. Run churn train.",
)
DRIFT = Block(
    name="drift-tonight",
    title="How far tonight is from what the model learned",
    view="feature_drift",
    columns=(
        Column("status", "Status"),
        Column("features", "Features", "integer", "How many have the status; the model's own score counts as one."),
        Column("largest_psi", "Largest PSI", "number", "Population stability index of the one that moved most."),
        Column("most_moved", "Moved most", "text", "The one that moved most."),
        Column("has_score", "The score too", "boolean", "True where the model's own score is among them."),
    ),
    empty="No drift is known: it is measured on each night that a model scores.",
)
LAST_RUNS = Block(
    name="last-runs",
    title="The last nights",
    view="job_runs",
    columns=(
        Column("run_id", "Run", "run"),
        Column("job", "Job"),
        Column("as_of_date", "Night", "date"),
        Column("status", "Status"),
        Column("published", "Shown", "boolean"),
        Column("started_at", "Started", "timestamp"),
        Column("duration_s", "Took", "seconds"),
        Column("checks", "Checks", "integer", "Checks made before publishing."),
        Column("checks_failed", "Failed", "integer", "Those that failed and stop publication."),
        Column("checks_warned", "Warned", "integer", "Those that failed and are only shown."),
        Column("rows_read", "Rows read", "integer", "Rows read from the source."),
        Column("rows_quarantined", "Rows left out", "integer", "Those of them that could not be used."),
        Column("error", "What went wrong"),
    ),
    empty="No night has run yet: run churn nightly, or churn demo for a whole simulated company.",
)

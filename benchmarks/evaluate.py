"""`make evaluate`: the models' figures out of time, beside those of the true probabilities.

Simulates a company, runs `churn train` and a night on it as a user would, and judges on the same rows: the model,
logistic regression, the recency rule, the base rate, and the probabilities that the simulation drew from.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import sqlalchemy as sa

from benchmarks.place import (
    StageTimes,
    exit_code_of,
    fresh_databases,
    job_of,
    kept_or_not,
    report_to,
    say,
    writable_source,
)
from benchmarks.tables import machine, number, table, verdicts, versions
from benchmarks.truth import TRUTH, agreement, with_truth
from churn.config import Settings
from churn.connections import open_warehouse
from churn.demo.company import Company, CompanySettings, simulate_company
from churn.demo.load import load_company, source_sql_dir
from churn.demo.source_rows import EVENT_TYPES
from churn.pipeline import run_nightly, run_train
from churn.risk import Evaluation, Predictions
from churn.risk.bootstrap import Interval, better_than
from churn.risk.evaluation import BASE_RATE, LOGISTIC, MODEL, RECENCY, evaluate
from churn.risk.metrics import auc_roc, calibration_line, log_losses, observed_expected
from churn.training import TrainingReport, train_settings

NAME = "evaluation"
DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "evaluation.md"
SLOPE = (0.8, 1.2)
_BILLING = sa.text(
    """
    select distinct on (customer_key) customer_key, billing_months
    from staging.subscription_periods
    where mrr > 0 and started_date < :as_of and (ended_date is null or ended_date >= :as_of)
    order by customer_key, mrr desc, started_date, subscription_id
    """
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Evaluate as the command line says; the verdict is in the text, not in the exit code."""
    options = _parser().parse_args(arguments)
    return exit_code_of(lambda: report_to(DOCUMENT if options.write else None, run(options)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks.evaluate", description=__doc__)
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--as-of", type=date.fromisoformat, default=date(2025, 11, 1))
    parser.add_argument("--home", type=Path, default=Path("build/evaluate"), help="Folder for the databases.")
    parser.add_argument("--keep", action="store_true", help="Leave the databases there.")
    parser.add_argument("--write", action="store_true", help="Write docs/evaluation.md too.")
    return parser


def run(options: argparse.Namespace) -> str:
    """Simulate, load, train, score a night, and judge; return the report in Markdown."""
    with kept_or_not(options.home, keep=options.keep):
        return _judged(options)


def _judged(options: argparse.Namespace) -> str:
    company = simulate_company(CompanySettings(as_of=options.as_of, seed=options.seed, customers=options.customers))
    settings = _loaded(options.home, company)
    progress = StageTimes()
    report = run_train(job_of(settings, options.as_of, progress))
    training_seconds = sum(progress.seconds.values())
    run_nightly(job_of(settings, options.as_of, progress))

    def truth(as_of: date) -> pd.DataFrame:
        return company.true_probabilities(as_of, settings.churn.horizon_days, settings.grace_days)

    warehouse = open_warehouse(settings, job="evaluate")
    with warehouse.begin() as connection:
        keys = connection.execute(sa.text("select customer_key, customer_id from staging.customer_keys"))
        ids = {int(row.customer_key): str(row.customer_id) for row in keys}
        predictions = with_truth(report.predictions, truth, ids)
        billing = _billing_months(connection, predictions)
        tonight = pd.DataFrame(
            connection.execute(sa.text("select customer_id, churn_probability from bi.customer_scores"))
            .mappings()
            .all()
        )
    evaluations = evaluate(predictions, settings.retention.list_size, train_settings(settings))
    parts = [
        _heading(options, report, training_seconds),
        "## Figures\n\n" + _figures(evaluations),
        "## Beside the true probabilities\n\n" + _TRUTH_WORDS + "\n\n" + _agreements(predictions),
        "## By billing\n\n" + _by_billing(predictions, billing),
        "## The published night\n\n" + _tonight(tonight, truth(options.as_of)),
        "## Verdict\n\n" + _verdicts(evaluations, predictions),
        "## Notes of the training\n\n" + "\n".join(f"- {note}" for note in report.notes),
    ]
    return "\n\n".join(parts)


def _loaded(home: Path, company: Company) -> Settings:
    catalogue = [
        {"name": f"{event}s", "event_type": event, "measure": "count"} for event in EVENT_TYPES if event != "invite"
    ]
    settings = fresh_databases(home, NAME, sql_dir=source_sql_dir(), values={"features.usage": catalogue})
    with writable_source(settings, NAME).begin() as connection:
        written = load_company(company, connection)
    say("simulated: " + ", ".join(f"{rows:,} {name}" for name, rows in written.items()))
    return settings


# --- the parts ----------------------------------------------------------------------------------------------------

_TRUTH_WORDS = (
    "The simulation knows each customer's probability of leaving within the label window, what happens inside the "
    "window included: nobody could predict as well. *AUC, expected* is taken over all ways in which the same "
    "customers might have left; *top decile* is the mean true probability of the riskiest tenth by each predictor, "
    "then over that of the riskiest tenth by the truth; *gap* is the mean of |p − true p|."
)


def _heading(options: argparse.Namespace, report: TrainingReport, seconds: float) -> str:
    return "\n\n".join(
        [
            "# How good the models are",
            "`make evaluate` simulates a company, runs `churn train` and a night on it, and judges out of time on the "
            "same rows; the probabilities that the simulation drew from stand beside.",
            f"{datetime.now(UTC):%Y-%m-%d}; {options.customers:,} customers, seed {options.seed}, as of "
            f"{options.as_of}; tested on {report.span}. Trained on {report.rows:,} customer-months in {seconds:.0f} s "
            f"(extraction and snapshots included) on {machine()}; {versions()}.",
        ]
    )


def _figures(evaluations: Sequence[Evaluation]) -> str:
    columns = ["predictor", "AUC-ROC", "95 %", "PR-AUC", "lift, top decile", "Brier", "log loss", "ECE", "slope", "O/E"]
    rows = [
        [
            _words(e.predictor),
            number(e.auc_roc),
            f"{e.auc_roc_low:.3f}–{e.auc_roc_high:.3f}",
            *(number(value) for value in (e.pr_auc, e.lift_top_decile)),
            *(number(value, 4) for value in (e.brier, e.log_loss, e.ece)),
            *(number(value, 2) for value in (e.calibration_slope, e.observed_expected)),
        ]
        for e in evaluations
    ]
    return table(columns, rows)


def _agreements(predictions: Predictions) -> str:
    columns = ["predictor", "AUC, expected", "rank correlation", "top decile", "of the truth's", "gap", "true O/E"]
    rows = []
    for name, score in predictions.score.items():
        a = agreement(score, predictions.probability[name], predictions.probability[TRUTH])
        figures = (a.auc_expected, a.rank_correlation, a.top_decile, a.top_decile_share)
        gap, level = number(a.mean_absolute_gap, 4), number(a.true_observed_expected, 2)
        rows.append([_words(name), *(number(value) for value in figures), gap, level])
    return table(columns, rows)


def _billing_months(connection: sa.Connection, predictions: Predictions) -> np.ndarray:
    """Return how many months lie between two bills of each row's dearest subscription, shape (n,); 0 unknown."""
    months = np.zeros(len(predictions.churned), dtype=np.int64)
    for day in np.unique(predictions.as_of):
        found = connection.execute(_BILLING, {"as_of": date.fromordinal(int(day))})
        known = {int(row.customer_key): int(row.billing_months or 0) for row in found}
        rows = np.flatnonzero(predictions.as_of == day)
        months[rows] = [known.get(int(key), 0) for key in predictions.customer_keys[rows]]
    return months


def _by_billing(predictions: Predictions, billing: np.ndarray) -> str:
    columns = [
        "months between bills",
        "rows",
        "churned",
        "model's mean p",
        "model's AUC",
        "truth's AUC",
        "slope",
        "O/E",
    ]
    rows = []
    for months in np.unique(billing):
        of = billing == months
        churned, p = predictions.churned[of], predictions.probability[MODEL][of]
        rows.append(
            [
                str(months),
                f"{of.sum():,}",
                number(float(churned.mean()), 4),
                number(float(p.mean()), 4),
                number(auc_roc(churned, p)),
                number(auc_roc(churned, predictions.probability[TRUTH][of])),
                number(calibration_line(churned, p)[0], 2),
                number(observed_expected(churned, p), 2),
            ]
        )
    return table(columns, rows)


def _tonight(published: pd.DataFrame, truth: pd.DataFrame) -> str:
    """Compare the probabilities of the night in `bi.customer_scores` with the true ones of the same window."""
    both = published.merge(truth, on="customer_id", suffixes=("", "_true"), validate="one_to_one")
    p, true_p = (both[name].to_numpy(np.float64) for name in ("churn_probability", "churn_probability_true"))
    a = agreement(p, p, true_p)
    return (
        f"{len(published):,} customers in `bi.customer_scores`, {len(truth):,} active in the simulation, "
        f"{len(both):,} in both. Mean probability {p.mean():.4f}, true {true_p.mean():.4f}; expected AUC "
        f"{a.auc_expected:.3f}; the riskiest tenth's mean true probability is {a.top_decile:.3f}, "
        f"{a.top_decile_share:.2f} of the truth's own; mean |p − true p| {a.mean_absolute_gap:.4f}."
    )


def _verdicts(evaluations: Sequence[Evaluation], predictions: Predictions) -> str:
    """Say which criteria hold, each with its figures."""
    slope = next(e.calibration_slope for e in evaluations if e.predictor == MODEL)
    found = [_ahead(predictions, name) for name in (RECENCY, LOGISTIC, BASE_RATE)]
    found.append((f"calibration slope {slope:.2f} within {SLOPE[0]}–{SLOPE[1]}", SLOPE[0] <= slope <= SLOPE[1]))
    return verdicts(found)


def _ahead(predictions: Predictions, rival: str) -> tuple[str, bool]:
    """Say whether the model's log loss and AUC are better than a rival's on the same rows."""
    churned = predictions.churned
    gain: Interval = better_than(
        log_losses(churned, predictions.probability[MODEL]),
        log_losses(churned, predictions.probability[rival]),
        predictions.customer_keys,
    )
    lead = auc_roc(churned, predictions.score[MODEL]) - auc_roc(churned, predictions.score[rival])
    words = (
        f"ahead of {_words(rival)}: AUC by {lead:+.4f}, log loss lower by {gain.mean:.5f} nats "
        f"(95 % interval {gain.low:.5f} to {gain.high:.5f}, bootstrap over customers)"
    )
    return words, lead > 0 and gain.mean > 0


def _words(predictor: str) -> str:
    return predictor.replace("_", " ")


if __name__ == "__main__":
    sys.exit(main())

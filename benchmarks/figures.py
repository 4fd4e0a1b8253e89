"""The tables of `make evaluate` about the test months."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.criteria import CEILING, Judged
from benchmarks.tables import number, table
from benchmarks.truth import TRUTH
from churn.risk.evaluation import LOGISTIC, MODEL

_SHOWN = (MODEL, CEILING, LOGISTIC, TRUTH)


def ceiling_tables(found: Sequence[Judged]) -> str:
    """Return the ranking beside the ceiling, one row a company and their mean."""
    auc = [[one.agreements[name].auc_expected for name in _SHOWN] for one in found]
    top = [[one.agreements[name].top_decile for name in _SHOWN] for one in found]
    names = [name.replace("_", " ") for name in _SHOWN]
    return "\n\n".join(
        _beside(f"{words}", names, rows, less, found)
        for words, rows, less in (("AUC, expected", auc, 0.5), ("true probability of the riskiest tenth", top, 0.0))
    )


def _beside(words: str, names: Sequence[str], rows: list[list[float]], less: float, found: Sequence[Judged]) -> str:
    labelled = [*((str(one.seed), row) for one, row in zip(found, rows, strict=True))]
    labelled.append(("mean", [float(value) for value in np.mean(rows, axis=0)]))
    share = "of the ceiling's" + (f", less {less:g}" if less else "")
    return table(
        [f"{words}; seed", *names, share],
        [
            [label, *(number(value) for value in row), number((row[0] - less) / (row[1] - less))]
            for label, row in labelled
        ],
    )


def calibration_table(found: Sequence[Judged]) -> str:
    """Return how good the probabilities are, one row a company."""
    columns = [
        "seed",
        "slope",
        "from the truth",
        "O/E",
        "from the truth",
        "gap to the ceiling",
        "over base rate",
        "ECE",
        "95 % of perfect ones",
    ]
    rows = []
    for one in found:
        model, truth = one.model, one.agreements[MODEL]
        pairs = (model.calibration_slope, truth.true_slope, model.observed_expected, truth.true_observed_expected)
        rows.append(
            [
                str(one.seed),
                *(number(value, 2) for value in pairs),
                number(one.ceiling_gap, 4),
                number(one.ceiling_gap / one.base_rate),
                *(number(value, 4) for value in (model.ece, model.ece_perfect_p95)),
            ]
        )
    return table(columns, rows)


def predictor_table(one: Judged) -> str:
    """Return every predictor's figures on the same rows, from who left."""
    columns = ["predictor", "AUC-ROC", "95 %", "PR-AUC", "lift, top decile", "Brier", "log loss", "ECE", "slope", "O/E"]
    rows = [
        [
            name.replace("_", " "),
            number(e.auc_roc),
            f"{e.auc_roc_low:.3f}–{e.auc_roc_high:.3f}",
            *(number(value) for value in (e.pr_auc, e.lift_top_decile)),
            *(number(value, 4) for value in (e.brier, e.log_loss, e.ece)),
            *(number(value, 2) for value in (e.calibration_slope, e.observed_expected)),
        ]
        for name, e in one.evaluations.items()
    ]
    return table(columns, rows)


def billing_table(one: Judged) -> str:
    """Return the model's figures by months between two bills."""
    columns = ["months between bills", "rows", "churned", "mean p", "AUC", "ceiling's AUC", "slope", "O/E"]
    rows = [
        [
            str(months),
            f"{billed.rows:,}",
            *(number(value, 4) for value in (billed.churned, billed.predicted)),
            *(number(value) for value in (billed.auc_roc, billed.ceiling_auc)),
            *(number(value, 2) for value in (billed.calibration_slope, billed.observed_expected)),
        ]
        for months, billed in one.billing.items()
    ]
    return table(columns, rows)

"""Figures as tables: every predictor on the same rows, with intervals and a word on how to read each."""

from __future__ import annotations

from typing import Any

from churn.modelcard.facts import ALL, OUT_OF_TIME, Figure, ModelFacts
from churn.terminal import figure_text

PREDICTORS = {
    "model": "model",
    "logistic_regression": "logistic regression",
    "recency": "days of silence",
    "base_rate": "same for everyone",
}
FIGURES = {
    "auc_roc": ("AUC-ROC", "how often a customer who leaves is ranked above one who stays; 0.5 is chance"),
    "pr_auc": ("PR-AUC", "mean precision over all list lengths; chance is the base rate"),
    "precision_at_list": ("precision of the list", "share of the customers on the list who leave"),
    "recall_at_list": ("recall of the list", "share of all leavers who are on the list"),
    "precision": ("precision at the threshold", "share of those at or above the threshold who leave"),
    "recall": ("recall at the threshold", "share of all leavers who are at or above the threshold"),
    "lift_top_decile": ("lift of the top tenth", "how many times more leavers there than among all"),
    "expected_net_value": ("worth a month", "what contacting everyone at or above the threshold would have brought"),
    "log_loss": ("log loss", "what the probabilities miss; lower is better"),
    "brier": ("Brier score", "mean squared error of the probabilities; lower is better"),
    "calibration_slope": ("calibration slope", "1 is right; below 1 the probabilities are too extreme"),
    "observed_expected": ("observed / expected", "1 is right; above 1 more leave than it says"),
    "ece": ("ECE", "mean distance of predicted and observed over 15 bins; means little alone"),
}
SEGMENT_FIGURES = ("auc_roc", "lift_top_decile", "precision", "recall", "observed_expected")


def _text(figure: Figure | None) -> str:
    """Return a figure as `0.812 [0.790, 0.833]`; a dash where it is not known."""
    return (figure and figure_text(figure.value, figure.low, figure.high)) or "–"


def figure_table(facts: ModelFacts, evaluation: str = OUT_OF_TIME) -> tuple[list[str], list[list[str]]]:
    """Return columns and rows: a figure a row, the model's first, the baselines' beside it where they were judged."""
    here = {figure.predictor for figure in facts.figures.get(evaluation, [])}
    judged = [name for name in PREDICTORS if name in here]
    rows = [
        [label, *(_text(facts.figure(name, predictor, evaluation)) for predictor in judged), meaning]
        for name, (label, meaning) in FIGURES.items()
        if facts.figure(name, "model", evaluation) is not None
    ]
    return ["figure", *(PREDICTORS[name] for name in judged), "how to read it"], rows


def segment_table(facts: ModelFacts) -> tuple[list[str], list[list[str]]]:
    """Return columns and rows of the model's figures per segment, out of time."""
    known = {
        (figure.segment, figure.name): figure
        for figure in facts.figures.get(OUT_OF_TIME, [])
        if figure.predictor == "model"
    }
    rows = [
        [segment or "all", *(_text(known.get((segment, name))) for name in SEGMENT_FIGURES)]
        for segment in (*facts.segments(), ALL)
    ]
    return ["segment", *(FIGURES[name][0] for name in SEGMENT_FIGURES)], rows


def calibration_table(facts: ModelFacts) -> tuple[list[str], list[list[str]]]:
    """Return columns and rows of predicted beside observed, out of time."""
    rows = [
        [
            f"{row['predicted']:.1%}",
            f"{row['observed']:.1%}",
            "–" if row["observed_low"] is None else f"{row['observed_low']:.1%} to {row['observed_high']:.1%}",
            f"{row['customers']:,}",
        ]
        for row in facts.calibration
    ]
    return ["it said", "of them left", "95 % interval", "customer-months"], rows


def tradeoff_table(facts: ModelFacts, most: int = 10) -> tuple[list[str], list[list[str]]]:
    """Return columns and rows of what contacting more or fewer customers brings: about `most` of each kind at most."""
    list_size = facts.performance.get(OUT_OF_TIME, {}).get("list_size")
    rows = []
    for kind in ("threshold", "list_size"):
        found = [row for row in facts.tradeoff if row["kind"] == kind]
        step = max(1, -(-len(found) // most))
        for place, row in enumerate(found):
            in_use = row["is_chosen"] or (kind == "list_size" and row["cutoff"] == list_size)
            if in_use or place % step == 0:
                rows.append(_tradeoff_row(row, in_use=in_use))
    currency = facts.detail("terms", {}).get("currency", "money")
    worth = f"worth a month ({currency})"
    return ["contacting", "customers a month", "precision", "recall", "false alarms", worth], rows


def _tradeoff_row(row: dict[str, Any], *, in_use: bool) -> list[str]:
    name = f"p ≥ {row['cutoff']:.3f}" if row["kind"] == "threshold" else f"a list of {row['cutoff']:,.0f}"
    return [
        f"**{name}**" if in_use else name,
        f"{row['contacted']:,.0f}",
        "–" if row["precision"] is None else f"{row['precision']:.1%}",
        "–" if row["recall"] is None else f"{row['recall']:.1%}",
        f"{row['false_alarms']:,.0f}",
        "–" if row["expected_net_value"] is None else f"{row['expected_net_value']:,.0f}",
    ]

"""The model card: what it says, and that it says nothing it does not know."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime
from typing import Any

import pytest

from churn.modelcard import ModelFacts, figure_table, render_card
from churn.modelcard.facts import Figure
from churn.modelcard.figures import tradeoff_table
from churn.registry import Event, StoredModel

AT = datetime(2025, 11, 3, 3, 15, tzinfo=UTC)
DETAILS: dict[str, Any] = {
    "churn": {"definition": "contractual", "horizon_days": 30, "grace_days": 14, "inactivity_days": 90},
    "data": {"customer_months": 12_000, "churners": 700, "share_of_customers": 0.5, "treated_left_out": 40},
    "features": ["mrr", "tenure_days", "attribute_country"],
    "method": {"kind": "lightgbm", "trees": 120, "calibrator": "logistic", "season": "none", "base_rate": 0.06},
    "notes": ["Tested walk-forward on 2025-08-01."],
    "parameters": {"seed": 7, "num_leaves": 15},
    "snapshot_dates": [
        {"as_of": "2024-09-01", "origin": "reconstructed", "customers": 900},
        {"as_of": "2025-08-01", "origin": "captured", "customers": 1_000},
    ],
    "snapshots": {"captured": 1, "reconstructed": 1},
    "terms": {"contact_cost": 5.0, "save_rate": 0.1, "saved_value_share": 0.5, "currency": "EUR"},
    "threshold": 0.213,
    "versions": {"churn": "0.1.0", "lightgbm": "4.7.0"},
}


def figure(name, value, low=None, high=None, predictor="model", segment=""):
    return Figure(segment, predictor, name, value, low, high)


def facts(**changes: Any) -> ModelFacts:
    model = StoredModel(
        model_version="churn-20251103-abcdef01",
        kind="churn",
        status="champion",
        artifact="{}",
        sha256="f" * 64,
        trained_as_of=date(2025, 11, 3),
        labels_end_date=date(2025, 9, 14),
        created_at=AT,
        reason="Promoted: the first model.",
        details=DETAILS | changes.pop("details", {}),
    )
    known: dict[str, Any] = {
        "model": model,
        "performance": {
            "out_of_time": {
                "customer_months": 3_000,
                "churners": 180,
                "base_rate": 0.06,
                "from_as_of_date": date(2025, 6, 1),
                "to_as_of_date": date(2025, 8, 1),
                "list_size": 60.0,
                "ece_perfect_p95": 0.021,
            }
        },
        "figures": {
            "out_of_time": [
                figure("auc_roc", 0.812, 0.79, 0.833),
                figure("auc_roc", 0.7, 0.67, 0.73, "recency"),
                figure("precision_at_list", 0.41, 0.3, 0.5),
                figure("recall_at_list", 0.38, 0.3, 0.45),
                figure("observed_expected", 1.02, 0.9, 1.1),
                figure("auc_roc", 0.75, 0.7, 0.8, segment="Quiet annual payers"),
            ]
        },
        "tradeoff": [
            {
                "kind": "threshold",
                "cutoff": 0.213,
                "contacted": 80.0,
                "precision": 0.4,
                "recall": 0.5,
                "false_alarms": 48.0,
                "expected_net_value": 1234.0,
                "is_chosen": True,
            }
        ],
        "calibration": [
            {"predicted": 0.05, "observed": 0.06, "observed_low": 0.04, "observed_high": 0.08, "customers": 300}
        ],
        "events": [Event("churn-20251103-abcdef01", "promoted", AT, "ada", "better | cheaper")],
    }
    return ModelFacts(**(known | changes))


def test_the_card_has_every_part_that_was_promised():
    titles = [line for line in render_card(facts()).splitlines() if line.startswith("#")]
    assert titles == [
        "# Model card: churn-20251103-abcdef01",
        "## In short",
        "## What it is for",
        "## Data",
        "## Method",
        "## Figures",
        "## Threshold and list",
        "## Since then",
        "## What training noted",
        "## Limits",
        "## Fairness",
        "## How to read a reason",
        "## Who decided",
        "## To get the same again",
    ]


def test_a_marketer_reads_counts_of_customers():
    card = render_card(facts())
    assert "Of 100 customers on its list, 41 left; of 100 drawn at random, 6." in card
    assert "lists are ordered by probability" in card
    assert "names the right one 81 times in 100; going by days of silence alone, 70." in card
    assert "will end their last paid subscription within 30 days" in card


def test_a_list_ordered_by_value_at_risk_is_told_as_such():
    known = facts()
    worth = [*known.figures["out_of_time"], figure("expected_net_value", 1234.0, 900.0, 1500.0)]
    card = render_card(dataclasses.replace(known, figures={"out_of_time": worth}))
    assert "on its list, which puts first those with the most money at risk, 41 left" in card
    assert "ordered as it is published, by value at risk" in card
    assert "lists are ordered by probability" not in card
    assert "chosen by expected value and not at 0.5: a contact costs 5 EUR" in card
    assert "where the list ends" in render_card(known)


def test_a_statistician_reads_intervals_beside_the_baselines():
    card = render_card(facts())
    assert "| AUC-ROC | 0.812 [0.790, 0.833] | 0.700 [0.670, 0.730] |" in card
    assert "an ECE of 0.021 or less" in card
    assert "| Quiet annual payers | 0.750 [0.700, 0.800] |" in card
    assert "A random 50.0% of the customers." in card


def test_churn_by_inactivity_is_told_as_such():
    churn = DETAILS["churn"] | {"definition": "inactivity"}
    assert "will buy nothing within 30 days, of those who bought in the last 90 days" in render_card(
        facts(details={"churn": churn})
    )


def test_a_bar_within_a_text_does_not_break_a_table():
    assert "| better \\| cheaper |" in render_card(facts())


def test_attributes_in_use_are_named_under_fairness():
    fairness = render_card(facts()).split("## Fairness")[1].split("##")[0]
    assert "`attribute_country`" in fairness
    assert "`mrr`" not in fairness


def test_realised_figures_stand_in_the_card_once_there_are_some():
    assert "No published night of this model has passed its horizon yet." in render_card(facts())
    known = facts()
    realised = {"realised": known.performance["out_of_time"] | {"customer_months": 777}}
    later = dataclasses.replace(
        known,
        performance=known.performance | realised,
        figures=known.figures | {"realised": [figure("auc_roc", 0.79, 0.7, 0.88)]},
    )
    assert "777 customer-months" in render_card(later)
    assert figure_table(later, "realised")[1][0][:2] == ["AUC-ROC", "0.790 [0.700, 0.880]"]


@pytest.mark.parametrize("lacking", ["method", "data", "snapshot_dates", "threshold", "terms", "churn", "versions"])
def test_a_model_of_an_earlier_release_that_lacks_a_detail_has_a_card_all_the_same(lacking):
    known = facts()
    details = {name: value for name, value in known.model.details.items() if name != lacking}
    older = dataclasses.replace(known, model=dataclasses.replace(known.model, details=details))
    card = render_card(older)
    assert card.startswith("# Model card")
    assert "None" not in card


def test_what_was_chosen_is_never_thinned_out_of_the_trade_off():
    row = facts().tradeoff[0]
    rows = [row | {"cutoff": cutoff / 100, "is_chosen": cutoff == 18} for cutoff in range(1, 30)]
    shown = [line[0] for line in tradeoff_table(facts(tradeoff=rows))[1]]
    assert "**p ≥ 0.180**" in shown
    assert len(shown) < 12


def test_the_list_in_use_is_marked_in_the_trade_off():
    row = facts().tradeoff[0] | {"kind": "list_size", "is_chosen": False}
    rows = [row | {"cutoff": float(size)} for size in range(20, 100)]
    shown = [line[0] for line in tradeoff_table(facts(tradeoff=rows))[1]]
    assert [name for name in shown if name.startswith("**")] == ["**a list of 60**"]

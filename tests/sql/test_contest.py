"""Champion and challenger: who takes over, on which rows, and what is said of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from churn import registry
from churn.registry import CHURN, Author, NewModel
from churn.risk import TrainingSet
from churn.risk.evaluation import MODEL, RECENCY, Predictions
from churn.risk.judgement import judge
from churn.risk.training import TrainingResult, train_model
from churn.schema import models
from churn.training.contest import Contender
from churn.training.contest import contest as meet
from churn.training.data import rows_tested
from churn.training.recipe import walk_recipe
from tests.unit.risk.company import FAST, NAMES, Company, company

JOB = Author("churn train, run 1", datetime(2025, 1, 1, tzinfo=UTC), 1)
DEFINITIONS = {name: "sha" for name in (*NAMES.numbers, *NAMES.categories)}
CHURN_NOW = {"definition": "contractual", "horizon_days": 30, "grace_days": 14, "inactivity_days": 90}
SURE = 0.9
# One split: ahead of the base rate, and behind anything that looks at more than one feature.
DULL: dict[str, Any] = {"learning_rate": 0.3, "num_leaves": 2, "max_trees": 2}


@pytest.fixture(scope="module")
def known() -> Company:
    return company(months=14, customers=600)


@pytest.fixture(scope="module")
def result(known: Company) -> TrainingResult:
    return train_model(known.data, FAST)


@pytest.fixture(scope="module")
def earlier(known: Company) -> TrainingResult:
    """A model of the first nine months: the last label it knew was known before the test months began."""
    months = np.unique(known.data.as_of)[:9]
    return train_model(known.data.take(np.isin(known.data.as_of, months)), FAST)


@pytest.fixture
def connection(staging_database):
    with staging_database.engine.connect() as opened:
        yield opened
        opened.rollback()


def contender(known: Company, result: TrainingResult, predictions: Predictions | None = None, **kept) -> Contender:
    told = result.predictions if predictions is None else predictions
    evaluations = judge(told, FAST, list_size=50).evaluations
    model = replace(result.model, definitions=DEFINITIONS, **kept)
    return Contender(model, evaluations, told, known.data, DEFINITIONS, CHURN_NOW)


def contest(connection, challenger, confidence):
    """Let the model in use meet the challenger."""
    return meet(registry.champion(connection, CHURN), challenger, confidence)


def reign(connection, model, details=None):
    """Put a model in use and return its version."""
    new = NewModel(CHURN, model.to_text(), date(2025, 1, 1), details or {}, model.labels_end)
    version = registry.register(connection, new, JOB)
    registry.promote(connection, version, CHURN, JOB, "first")
    return version


def foretold(predictions: Predictions, probability: np.ndarray) -> Predictions:
    """The same test with other probabilities of the model's."""
    return replace(predictions, probability={**predictions.probability, MODEL: probability})


def test_a_predicted_row_is_found_in_the_training_set(known, result):
    rows = rows_tested(known.data, result.predictions)
    assert np.array_equal(known.data.as_of[rows], result.predictions.as_of)
    assert np.array_equal(known.data.customer_keys[rows], result.predictions.customer_keys)
    assert np.array_equal(known.data.churned[rows], result.predictions.churned)


def test_the_first_model_takes_over_where_it_is_ahead_of_the_recency_rule(connection, known, result):
    assert contest(connection, contender(known, result), SURE).promoted


def test_a_model_behind_the_recency_rule_is_stored_only(connection, known, result):
    worse = foretold(result.predictions, 1 - result.predictions.probability[RECENCY])
    verdict = contest(connection, contender(known, result, worse), SURE)
    assert not verdict.promoted
    assert "not below the recency rule's" in verdict.reason


def test_a_challenger_that_knows_more_takes_over_and_says_by_how_much(connection, known, result, earlier):
    version = reign(connection, earlier.model)
    better = foretold(result.predictions, known.true_probability[rows_tested(known.data, result.predictions)])
    verdict = contest(connection, contender(known, result, better), SURE)
    assert verdict.promoted
    assert f"better than {version}'s on the 1,800 rows that neither had seen" in verdict.reason
    assert "(90.0% needed)" in verdict.reason


def test_a_challenger_that_is_no_better_is_stored_with_the_reason(connection, known, result, earlier):
    reign(connection, earlier.model)
    blurred = 0.5 * result.predictions.probability[MODEL] + 0.5 * result.predictions.probability[MODEL].mean()
    verdict = contest(connection, contender(known, result, foretold(result.predictions, blurred)), SURE)
    assert not verdict.promoted
    assert verdict.reason.startswith("Stored, not promoted: log loss -")


@pytest.mark.parametrize("confidence", [0.5, 0.97])
def test_how_sure_it_must_be_is_the_configuration_s(connection, known, result, earlier, confidence):
    reign(connection, earlier.model)
    truth = known.true_probability[rows_tested(known.data, result.predictions)]
    slightly = foretold(result.predictions, 0.9 * result.predictions.probability[MODEL] + 0.1 * truth)
    verdict = contest(connection, contender(known, result, slightly), confidence)
    share = float(verdict.reason.split("ahead in ")[1].split("%")[0]) / 100
    assert verdict.promoted is (share >= confidence)


def test_only_a_share_of_the_resamples_at_or_above_the_confidence_promotes(connection, known, result, earlier):
    reign(connection, earlier.model)
    assert contest(connection, contender(known, result), 0.0).promoted
    assert not contest(connection, contender(known, result), 1.01).promoted


# --- the champion has learned from every test month ------------------------------------------------------------


def test_the_champion_s_own_recipe_on_later_labels_is_a_refresh_and_takes_over(connection, known, result):
    version = reign(connection, result.model)
    later = result.model.labels_end + timedelta(days=31)
    verdict = contest(connection, contender(known, result, labels_end=later), SURE)
    assert verdict.promoted
    assert verdict.reason.startswith(f"Promoted: a refresh of {version}")


@pytest.mark.parametrize("days", [31, 0], ids=["older", "equal"])
def test_a_model_that_knows_no_later_labels_than_the_champion_of_its_recipe_is_stored(connection, known, result, days):
    version = reign(connection, result.model)
    until = result.model.labels_end - timedelta(days=days)
    verdict = contest(connection, contender(known, result, labels_end=until), SURE)
    assert not verdict.promoted
    assert f"{version} knows labels up to {result.model.labels_end}, this one up to {until}" in verdict.reason


def test_a_back_dated_model_is_stored_however_good_and_whatever_its_recipe(connection, known, result):
    version = reign(connection, with_settings(result.model, learning_rate=0.01))
    truth = foretold(result.predictions, known.true_probability[rows_tested(known.data, result.predictions)])
    older = contender(known, result, truth, labels_end=result.model.labels_end - timedelta(days=1))
    verdict = contest(connection, replace(older, definitions=DEFINITIONS | {"tenure_days": "then"}), SURE)
    assert not verdict.promoted
    assert f"{version} knows labels up to" in verdict.reason


def test_another_recipe_is_compared_with_the_champion_s_walked_over_the_same_rows(connection, known, result):
    version = reign(connection, with_settings(result.model, **DULL))
    verdict = contest(connection, contender(known, result), SURE)
    assert verdict.promoted
    assert f"better than that of {version}'s recipe on the 1,800 rows predicted out of time" in verdict.reason


def test_a_recipe_that_is_worse_than_the_champion_s_is_stored_even_on_newer_data(connection, known, result):
    reign(connection, result.model)
    dull = train_model(known.data, replace(FAST, **DULL))
    later = result.model.labels_end + timedelta(days=31)
    verdict = contest(connection, contender(known, dull, labels_end=later), SURE)
    assert not verdict.promoted
    assert verdict.reason.startswith("Stored, not promoted: log loss -")
    assert "recipe on the" in verdict.reason


def test_a_champion_of_fewer_features_walks_on_those_alone(known, result):
    fewer = replace(NAMES, numbers=("tenure_days",), categories=("plan",))
    walked = walk_recipe(replace(result.model, names=replace(fewer, levels=())), strong_tenure(known), FAST, None)
    own = train_model(only_tenure(strong_tenure(known)), FAST).predictions
    assert np.array_equal(walked.probability[MODEL], own.probability[MODEL])


def test_a_champion_whose_recipe_learns_nothing_gives_way_with_the_reason(connection, known, result):
    alone = replace(result.model, names=replace(NAMES, numbers=("tenure_days",), categories=(), levels=()))
    version = reign(connection, alone)
    verdict = contest(connection, contender(known, result), SURE)
    assert verdict.promoted
    assert verdict.reason.startswith(f"Promoted: {version} can't go on. ")


def with_settings(model, **parameters):
    return replace(model, settings=replace(model.settings, **parameters))


def strong_tenure(known: Company) -> TrainingSet:
    """The same rows, churning by tenure."""
    tenure = known.data.numbers[:, 3]
    return replace(known.data, churned=np.random.default_rng(4).random(len(tenure)) < 0.4 * (tenure < 500) + 0.05)


def only_tenure(data: TrainingSet) -> TrainingSet:
    return replace(data, names=replace(NAMES, numbers=("tenure_days",)), numbers=data.numbers[:, 3:])


# --- months that neither had seen -------------------------------------------------------------------------------


def test_rows_whose_month_began_before_the_champion_knew_its_labels_do_not_count(connection, known, result, earlier):
    days = np.unique(result.predictions.as_of)
    reign(connection, replace(earlier.model, labels_end=date.fromordinal(int(days[1]))))
    fair = int((result.predictions.as_of >= days[1]).sum())
    assert f"on the {fair:,} rows" in contest(connection, contender(known, result), SURE).reason
    reign(connection, replace(earlier.model, labels_end=date.fromordinal(int(days[1]) + 1)))
    fair = int((result.predictions.as_of >= days[2]).sum())
    assert f"on the {fair:,} rows" in contest(connection, contender(known, result), SURE).reason


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"definitions": DEFINITIONS | {"tenure_days": "other"}}, "tenure_days"),
        ({"names": replace(NAMES, numbers=("gone", *NAMES.numbers[1:]))}, "not computed any more: gone"),
        ({"settings": replace(FAST, horizon_days=60)}, "horizon_days was 60 and is 30 now"),
        ({"settings": replace(FAST, grace_days=7)}, "grace_days was 7 and is 14 now"),
    ],
    ids=["redefined", "missing", "horizon", "grace"],
)
def test_a_champion_that_no_night_could_be_scored_by_gives_way(connection, known, result, earlier, change, said):
    reign(connection, replace(earlier.model, **change))
    verdict = contest(connection, contender(known, result), SURE)
    assert verdict.promoted
    assert said in verdict.reason


def test_a_champion_of_another_definition_of_churn_gives_way(connection, known, result, earlier):
    reign(connection, earlier.model, {"churn": CHURN_NOW | {"definition": "inactivity"}})
    verdict = contest(connection, contender(known, result), SURE)
    assert verdict.promoted
    assert "definition was inactivity and is contractual now" in verdict.reason


def test_a_damaged_champion_gives_way(connection, known, result, earlier):
    version = reign(connection, earlier.model)
    damaged = models.update().where(models.c.model_version == version)
    connection.execute(damaged.values(artifact=earlier.model.to_text().replace("1", "2", 1)))
    verdict = contest(connection, contender(known, result), SURE)
    assert verdict.promoted
    assert "damaged" in verdict.reason

"""Champion and challenger: who takes over, on which rows, and what is said of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pytest

from churn import registry
from churn.registry import CHURN, Author, NewModel
from churn.risk.evaluation import MODEL, RECENCY, Predictions
from churn.risk.judgement import judge
from churn.risk.training import TrainingResult, train_model
from churn.schema import models
from churn.training.contest import Contender, contest
from churn.training.data import rows_tested
from tests.unit.risk.company import FAST, NAMES, Company, company

JOB = Author("churn train, run 1", datetime(2025, 1, 1, tzinfo=UTC), 1)
DEFINITIONS = {name: "sha" for name in (*NAMES.numbers, *NAMES.categories)}
SURE = 0.9


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
def connection(warehouse):
    with warehouse.engine.connect() as opened:
        yield opened
        opened.rollback()


def contender(known: Company, result: TrainingResult, predictions: Predictions | None = None) -> Contender:
    told = result.predictions if predictions is None else predictions
    evaluations = judge(told, FAST, list_size=50).evaluations
    return Contender(replace(result.model, definitions=DEFINITIONS), evaluations, told, known.data, DEFINITIONS)


def reign(connection, model):
    """Put a model in use and return its version."""
    new = NewModel(CHURN, model.to_text(), date(2025, 1, 1), {}, model.labels_end)
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


def test_a_champion_that_has_seen_every_test_month_gives_way_to_the_newer_model(connection, known, result):
    reign(connection, result.model)
    verdict = contest(connection, contender(known, result), SURE)
    assert verdict.promoted
    assert "has learned from every test month" in verdict.reason


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
        ({"settings": replace(FAST, horizon_days=60)}, "60 days ahead"),
    ],
    ids=["redefined", "missing", "horizon"],
)
def test_a_champion_that_no_night_could_be_scored_by_gives_way(connection, known, result, earlier, change, said):
    reign(connection, replace(earlier.model, **change))
    verdict = contest(connection, contender(known, result), SURE)
    assert verdict.promoted
    assert said in verdict.reason


def test_a_damaged_champion_gives_way(connection, known, result, earlier):
    version = reign(connection, earlier.model)
    damaged = models.update().where(models.c.model_version == version)
    connection.execute(damaged.values(artifact=earlier.model.to_text().replace("1", "2", 1)))
    verdict = contest(connection, contender(known, result), SURE)
    assert verdict.promoted
    assert "damaged" in verdict.reason

"""Training: no look ahead, the same bytes, and refusals that say what would be enough."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from churn.errors import ModelError
from churn.matrix import FeatureNames
from churn.risk import RiskModel, TrainingSet, customer_share, sampled_customers, score_batches
from churn.risk.boosting import Booster
from churn.risk.evaluation import PREDICTORS, Predictions
from churn.risk.splits import Fold, boosting_plan, snapshots_of
from churn.risk.training import TrainingResult, train_model
from churn.risk.walk import Walk, best_trees, out_of_time_predictions, raw_predictions
from tests.unit.risk.company import FAST, NAMES, Company, batches_of, company, relabelled


@pytest.fixture(scope="module")
def known() -> Company:
    return company()


@pytest.fixture(scope="module")
def result(known: Company) -> TrainingResult:
    return train_model(known.data, FAST)


def test_the_same_data_give_the_same_bytes(known, result):
    again = train_model(known.data, FAST)
    assert again.model.to_text() == result.model.to_text()
    assert again.model.sha256 == result.model.sha256


def test_the_bytes_do_not_depend_on_how_many_months_are_fitted_at_once(known, result):
    several = train_model(known.data, replace(FAST, threads=3))
    assert several.model.to_text() == result.model.to_text()
    assert repr(several.evaluations) == repr(result.evaluations)  # some are NaN


def walked(data: TrainingSet) -> Predictions:
    """Return the walk-forward test predictions, whatever they are worth."""
    plan = boosting_plan(snapshots_of(data), FAST)
    assert plan is not None
    walk = Walk.of(data, plan, FAST)
    trees = best_trees(walk)

    def predict(fold: Fold) -> np.ndarray:
        booster = Booster(walk.booster_on(fold.fit_end, trees))
        return booster.log_odds(walk.matrix[fold.start : fold.end])

    return out_of_time_predictions(walk, raw_predictions(walk, predict))


@pytest.mark.parametrize(("planted", "judged"), [(-1, -2), (-2, -1), (-2, -3)])
def test_a_label_of_a_later_month_or_inside_the_purge_moves_no_prediction(known, result, planted, judged):
    """The purge is 44 days: neither the month itself, nor the one before, nor any later may have been seen."""
    data, days = known.data, np.unique(known.data.as_of)
    replaced = np.isin(data.as_of, [days[planted], days[judged]])
    changed = walked(relabelled(data, np.where(replaced, data.numbers[:, 3] > 800, data.churned)))
    rows = result.predictions.as_of == days[judged]
    assert rows.any()
    for name in PREDICTORS:
        assert (changed.probability[name][rows] == result.predictions.probability[name][rows]).all()


def test_a_label_that_had_matured_does_move_predictions(known, result):
    data, days = known.data, np.unique(known.data.as_of)
    changed = walked(relabelled(data, np.where(data.as_of == days[-3], data.numbers[:, 3] > 800, data.churned)))
    rows = result.predictions.as_of == days[-1]
    for name in PREDICTORS:
        assert (changed.probability[name][rows] != result.predictions.probability[name][rows]).any()


def test_a_snapshot_that_has_not_matured_when_training_runs_is_left_out(known):
    last = date.fromordinal(int(known.data.as_of.max()))
    whole = train_model(known.data, FAST, until=date.fromordinal(last.toordinal() + 44))
    early = train_model(known.data, FAST, until=date.fromordinal(last.toordinal() + 43))
    assert whole.model.last_as_of == last
    assert early.model.last_as_of == date(2024, 8, 1)
    assert early.notes[0].startswith("Left out 1 snapshots")


def test_figures_beat_the_baselines_and_are_calibrated(known, result):
    figures = {evaluation.predictor: evaluation for evaluation in result.evaluations}
    assert tuple(figures) == PREDICTORS
    model = figures["model"]
    assert model.auc_roc_low > figures["recency"].auc_roc_high
    assert model.baseline_auc == figures["recency"].auc_roc
    assert model.log_loss < figures["recency"].log_loss < figures["base_rate"].log_loss
    assert figures["base_rate"].auc_roc == 0.5
    assert 0.8 < model.calibration_slope < 1.2
    assert 0.9 < model.observed_expected < 1.1
    assert (model.months, model.rows, model.customers) == (3, 3600, 1200)
    assert result.gain.low > 0


def test_the_refitted_model_has_seen_all_months_and_is_near_the_truth(known, result):
    model = result.model
    assert (model.first_as_of, model.last_as_of) == (date(2024, 1, 1), date(2024, 9, 1))
    assert model.labels_end == date(2024, 10, 15)
    fresh = company(months=2, seed=99)
    scored = list(score_batches(model, NAMES, batches_of(fresh.data, 1000)))
    p = np.concatenate([batch.churn_probability for batch in scored])
    assert abs(p.mean() - fresh.true_probability.mean()) < 0.02
    assert np.corrcoef(p, fresh.true_probability)[0, 1] > 0.9


@pytest.mark.parametrize("seed", range(3))
def test_permuted_labels_are_refused_as_no_signal(known, seed):
    order = np.random.default_rng(seed).permutation(len(known.data))
    with pytest.raises(ModelError, match="No signal") as caught:
        train_model(relabelled(known.data, known.data.churned[order]), FAST)
    assert caught.value.exit_code == 14
    assert "customer-months" in caught.value.message
    assert caught.value.hint


def test_a_level_that_shifts_with_time_is_no_signal():
    """Churn rises over the year and no feature knows who leaves: following the level is no skill."""
    data = company(signal=0.0, seed=4).data
    rate = np.linspace(0.08, 0.30, len(data))
    with pytest.raises(ModelError, match="No signal"):
        train_model(relabelled(data, np.random.default_rng(8).random(len(data)) < rate), FAST)


def test_few_churners_are_refused_with_the_counts_and_what_is_enough(known):
    churned = np.zeros(len(known.data), dtype=bool)
    churned[:20] = True
    with pytest.raises(ModelError, match=r"20 of 10,800 customer-months.*9 matured.*At least 50") as caught:
        train_model(relabelled(known.data, churned), FAST)
    assert "about 23 snapshots at this rate" in caught.value.hint


@pytest.mark.parametrize(("everyone", "words"), [(False, "too few churners.*: 0 of"), (True, "one class only")])
def test_one_class_is_refused(known, everyone, words):
    with pytest.raises(ModelError, match=words):
        train_model(relabelled(known.data, np.full(len(known.data), everyone)), FAST)


def test_no_matured_snapshot_is_refused(known):
    with pytest.raises(ModelError, match="No snapshot has matured"):
        train_model(known.data, FAST, until=date(2024, 1, 2))


def test_a_single_label_window_is_refused_with_the_date_that_is_enough():
    with pytest.raises(ModelError, match=r"disjoint label windows of 44 days: 1.*2024-04-14"):
        train_model(company(months=2).data, FAST)


def test_a_short_history_falls_back_to_logistic_regression_and_says_so():
    short = company(months=4)
    found = train_model(short.data, FAST)
    assert found.model.kind == "logistic"
    assert found.model.booster_text == ""
    assert any("2 disjoint label windows" in note and "logistic regression" in note for note in found.notes)
    again = RiskModel.from_text(found.model.to_text(), found.model.sha256)
    scored = next(score_batches(again, NAMES, batches_of(short.data, 4800)))
    assert np.corrcoef(scored.churn_probability, short.true_probability)[0, 1] > 0.85


def test_the_cap_keeps_whole_customers_blind_to_the_label(known):
    data = known.data
    kept = sampled_customers(data.customer_keys, 4000, seed=1)
    assert 3500 < kept.sum() <= 4000
    assert set(data.customer_keys[kept]).isdisjoint(data.customer_keys[~kept])
    found = train_model(data, replace(FAST, max_rows=4000))
    assert any("Sampled customers uniformly" in note for note in found.notes)


def test_customer_shares_are_uniform_and_fixed():
    keys = np.arange(20_000, dtype=np.int64)
    share = customer_share(keys, 1)
    assert (share == customer_share(keys[::-1], 1)[::-1]).all()
    assert np.histogram(share, 10, (0, 1))[0] == pytest.approx(np.full(10, 2000), rel=0.1)
    assert abs(np.corrcoef(share, customer_share(keys, 2))[0, 1]) < 0.03


def test_a_company_without_activity_features_is_trained_and_the_note_says_what_is_missing(known):
    data = known.data
    names = FeatureNames(NAMES.numbers[1:], NAMES.categories, NAMES.levels)
    bare = replace(data, names=names, numbers=np.ascontiguousarray(data.numbers[:, 1:]))
    found = train_model(bare, FAST)
    assert any("recency rule ranks nobody" in note for note in found.notes)


def test_rows_out_of_order_or_of_the_wrong_shape_are_refused(known):
    data = known.data
    with pytest.raises(ValueError, match="strictly ordered"):
        replace(data, customer_keys=data.customer_keys[::-1])
    with pytest.raises(ValueError, match="codes has shape"):
        TrainingSet(
            NAMES, data.numbers, data.codes[:, :0], data.customer_keys, data.as_of, data.churned
        )  # fmt: skip

"""Training: no look ahead, the same bytes, and refusals that say what would be enough."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from churn.errors import ModelError
from churn.matrix import FeatureNames
from churn.risk import RiskModel, TrainingSet, customer_share, metrics, sampled_customers, score_batches
from churn.risk.boosting import Binned, booster_matrix
from churn.risk.calibrated import calibrate, out_of_time_predictions
from churn.risk.evaluation import PREDICTORS, Predictions
from churn.risk.splits import boosting_plan, snapshots_of
from churn.risk.training import TrainingResult, train_model
from churn.risk.walk import Walk, fit_all, raw_predictions
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
    assert same(several.predictions, result.predictions)
    assert same(several.walk, result.walk)


def same(one: Predictions, other: Predictions) -> bool:
    """Say whether two tables of predictions are the same to the last bit."""
    return all((one.probability[name] == other.probability[name]).all() for name in other.probability) and all(
        (one.score[name] == other.score[name]).all() for name in other.score
    )


def walked(data: TrainingSet) -> Predictions:
    """Return the walk-forward test predictions, whatever they are worth."""
    plan = boosting_plan(snapshots_of(data), FAST)
    assert plan is not None
    walk = Walk.of(data, plan, FAST)
    raws = raw_predictions(walk, fit_all(walk))
    return out_of_time_predictions(walk, raws, calibrate(walk, raws), {})


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


@pytest.mark.parametrize(("planted", "judged"), [(-1, -2), (-2, -1), (-4, -3)])
def test_a_feature_of_a_later_month_moves_no_prediction(known, result, planted, judged):
    """Not even through the edges of LightGBM's bins."""
    data, days = known.data, np.unique(known.data.as_of)
    replaced = data.as_of == days[planted]
    numbers = np.where(replaced[:, None], np.float32(7e5), data.numbers)
    changed = walked(replace(data, numbers=numbers))
    rows = result.predictions.as_of == days[judged]
    for name in PREDICTORS:
        assert (changed.probability[name][rows] == result.predictions.probability[name][rows]).all()


def test_probabilities_beat_the_baselines_and_are_calibrated(known, result):
    told = result.predictions
    auc = {name: metrics.auc_roc(told.churned, told.score[name]) for name in PREDICTORS}
    loss = {name: metrics.log_loss(told.churned, told.probability[name]) for name in PREDICTORS}
    assert auc["model"] > auc["recency"] + 0.05
    assert auc["base_rate"] == 0.5
    assert loss["model"] < loss["recency"] < loss["base_rate"]
    assert 0.8 < metrics.calibration_line(told.churned, told.probability["model"])[0] < 1.2
    assert 0.9 < metrics.observed_expected(told.churned, told.probability["model"]) < 1.1
    assert (len(np.unique(told.as_of)), len(told.churned), result.kept_share) == (3, 3600, 1.0)
    assert result.gain.low > 0


def test_the_whole_walk_is_told_by_the_final_calibrator(known, result):
    walk = result.walk
    assert set(walk.probability) == {"model"}
    assert len(np.unique(walk.as_of)) == 6
    expected = result.model.calibrator.probability(walk.score["model"])
    assert (walk.probability["model"] == expected).all()
    rows = np.isin(known.data.as_of, np.unique(walk.as_of))
    assert (walk.customer_keys == known.data.customer_keys[rows]).all()
    assert (walk.churned == known.data.churned[rows]).all()


def test_the_refitted_model_has_seen_all_months_and_is_near_the_truth(known, result):
    model = result.model
    assert (model.first_as_of, model.last_as_of) == (date(2024, 1, 1), date(2024, 9, 1))
    assert model.labels_end == date(2024, 10, 15)
    fresh = company(months=2, seed=99)
    scored = list(score_batches(model, NAMES, batches_of(fresh.data, 1000), as_of=date(2024, 11, 1)))
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
    scored = next(score_batches(again, NAMES, batches_of(short.data, 4800), as_of=date(2024, 6, 1)))
    assert np.corrcoef(scored.churn_probability, short.true_probability)[0, 1] > 0.85


def test_the_cap_keeps_whole_customers_blind_to_the_label(known):
    data = known.data
    kept = sampled_customers(data.customer_keys, 4000, seed=1)
    assert 3500 < kept.sum() <= 4000
    assert set(data.customer_keys[kept]).isdisjoint(data.customer_keys[~kept])
    found = train_model(data, replace(FAST, max_rows=4000))
    assert any("Sampled customers uniformly" in note for note in found.notes)


def test_a_row_that_counts_twice_is_as_good_as_two_customers(known):
    """Weights reach the calibrators and every baseline: doubling them all changes no probability's level."""
    data = known.data
    half = data.customer_keys % 2 == 0
    weighted = train_model(replace(data, weights=np.where(half, 5.0, 1.0)), FAST)
    told, plain = weighted.predictions, train_model(data, FAST).predictions
    assert told.weights is not None
    assert set(told.weights) == {1.0, 5.0}
    expected = float(told.weight @ told.churned / told.weight.sum())
    for name in ("model", "base_rate"):
        mean = float(told.weight @ told.probability[name] / told.weight.sum())
        assert mean == pytest.approx(expected, rel=0.1)
        assert (told.probability[name] != plain.probability[name]).all()
    assert weighted.model.base_rate == pytest.approx(np.average(data.churned, weights=np.where(half, 5.0, 1.0)))


def test_weights_move_the_level_to_what_the_left_out_would_have_shown(known):
    """Churners weigh five times as much: every level that training sets must follow."""
    data = known.data
    weighted = train_model(replace(data, weights=np.where(data.churned, 5.0, 1.0)), FAST).predictions
    plain = train_model(data, FAST).predictions
    for name in PREDICTORS:
        odds = [np.exp(np.mean(np.log(p / (1 - p)))) for p in (weighted.probability[name], plain.probability[name])]
        assert odds[0] / odds[1] == pytest.approx(5, rel=0.35)


def test_trees_and_coefficients_learn_from_those_who_count(known):
    """Every second customer does the opposite and hardly counts: unweighted, there would be nothing to learn."""
    data = known.data
    odd = data.customer_keys % 2 == 1
    told = train_model(
        replace(data, churned=np.where(odd, ~data.churned, data.churned), weights=np.where(odd, 1e-6, 1.0)), FAST
    ).predictions
    counts = told.customer_keys % 2 == 0
    for name in ("model", "logistic_regression"):
        assert metrics.auc_roc(told.churned[counts], told.score[name][counts]) > 0.7


def test_rows_of_weight_0_are_as_if_they_were_not_there(known):
    data = known.data
    treated = (data.customer_keys < 100) & (data.as_of > np.unique(data.as_of)[3])
    left_out = train_model(replace(data, weights=np.where(treated, 0.0, 1.0)), FAST)
    never = train_model(replace(data.take(~treated), weights=np.ones(int((~treated).sum()))), FAST)
    assert left_out.model.to_text() == never.model.to_text()
    assert left_out.notes[0] == "Left out 500 customer-months whose weight is 0."


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_a_weight_that_is_no_count_is_refused(known, bad):
    with pytest.raises(ValueError, match="weights must be"):
        replace(known.data, weights=np.full(len(known.data), bad))


def test_a_fit_cut_at_the_best_tree_is_the_fit_of_that_many_trees(known):
    data = known.data
    matrix, later = booster_matrix(data.numbers, data.codes), np.arange(len(data)) >= 7200
    binned = Binned(matrix, data.churned, None, 1, 6000, FAST)
    trees, text = binned.choose_trees(4800, later)
    fitted = binned.fit(4800, trees)
    assert fitted.text == text
    assert fitted.log_odds is not None
    assert len(fitted.log_odds) == 4800


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

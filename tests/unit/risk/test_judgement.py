"""The whole judgement: every figure, interval and row, in total and per segment."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from churn.risk import metrics
from churn.risk.bootstrap import Resamples, auc_interval
from churn.risk.business import LIST_SIZE, THRESHOLD, OfferTerms, TradeoffRow, contact_values
from churn.risk.curves import CalibrationRow, CurveRow
from churn.risk.evaluation import BASE_RATE, MODEL, REALISED, RECENCY, Evaluation, Predictions, list_order
from churn.risk.figure_sums import Task
from churn.risk.figures import FIGURES, figures_of
from churn.risk.judgement import FigureRow, Judgement, judge
from churn.schema import performance
from tests.unit.risk.judged import SETTINGS, predictions

TERMS = OfferTerms(save_rate=0.2, saved_value_share=0.5, contact_cost=10.0)
STAKE = np.random.default_rng(9).lognormal(5.5, 0.5, 1800)
SEGMENTS = np.array(["", "Regulars", "Newcomers", "Tiny"])[
    np.random.default_rng(8).choice(4, 1800, p=[0.1, 0.5, 0.392, 0.008])
]


@pytest.fixture(scope="module")
def told() -> Predictions:
    return predictions()


@pytest.fixture(scope="module")
def judgement(told: Predictions) -> Judgement:
    return judge(told, SETTINGS, list_size=50, stake=STAKE, terms=TERMS, segments=SEGMENTS)


def figure_by_figure(told: Predictions, name: str, threshold: float, weights: np.ndarray, net: np.ndarray) -> dict:
    """Return every figure of one predictor by the plain functions."""
    y, s, p = told.churned, told.score[name], told.probability[name]
    lifts = metrics.lift_by_decile(y, s, weights)
    return {
        "auc_roc": metrics.auc_roc(y, s, weights),
        "pr_auc": metrics.pr_auc(y, s, weights),
        "lift_top_decile": lifts[0],
        **{f"lift_decile_{at}": lifts[at - 1] for at in range(2, 11)},
        "recall_at_list": metrics.recall_at_list(y, p * STAKE, 50, weights, told.as_of),
        "precision_at_list": metrics.precision_at_list(y, p * STAKE, 50, weights, told.as_of),
        "recall": metrics.recall_at_threshold(y, p, threshold, weights),
        "precision": metrics.precision_at_threshold(y, p, threshold, weights),
        "brier": metrics.brier(y, p, weights),
        "log_loss": metrics.log_loss(y, p, weights),
        "calibration_slope": metrics.calibration_line(y, p, weights)[0],
        "observed_expected": metrics.observed_expected(y, p, weights),
        "expected_net_value": float((weights * net) @ (p >= threshold)) / 3,
    }


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("name", [MODEL, RECENCY])
def test_figures_and_all_their_resamples_equal_the_plain_functions(name, ties):
    told = predictions(ties=ties)
    told = replace(told, weights=np.random.default_rng(1).choice([1.0, 4.0], len(told)))
    net = contact_values(told.churned, STAKE, TERMS)
    resamples = Resamples.of(told.customer_keys, seed=1, replicates=30)
    task = Task(told, name, np.zeros(len(told), np.int64), 1, 50.0, 0.3, net, list_order(told, name, STAKE))
    values, draws = figures_of([task], resamples)[0]
    expected = figure_by_figure(told, name, 0.3, told.weight, net)
    assert values[0] == pytest.approx([expected[figure] for figure in FIGURES], rel=1e-6)
    times = np.concatenate(list(resamples.blocks()))
    for drawn, found in zip(times, draws, strict=True):
        expected = figure_by_figure(told, name, 0.3, told.weight * drawn[resamples.place], net)
        for at, figure in enumerate(FIGURES):
            # One step from the slope of all rows: off by little beside what it measures.
            off = 0.05 * draws[:, 0, at].std() if figure == "calibration_slope" else 1e-6
            assert found[0, at] == pytest.approx(expected[figure], abs=off), figure


def test_a_segments_figures_are_those_of_its_rows_alone_but_its_list_is_everybodys(told, judgement):
    rows = SEGMENTS == "Regulars"
    part, p = told.take(rows), told.probability[MODEL][rows]
    assert judgement.figure("auc_roc", MODEL, "Regulars").value == pytest.approx(metrics.auc_roc(part.churned, p))
    slope = metrics.calibration_line(part.churned, p)[0]
    assert judgement.figure("calibration_slope", MODEL, "Regulars").value == pytest.approx(slope)
    assert judgement.figure("ece", MODEL, "Regulars").value == pytest.approx(metrics.ece(part.churned, p))
    listed = metrics.listed_shares(told.probability[MODEL] * STAKE, 50, told.as_of)[rows]
    found = float(listed @ part.churned)
    assert judgement.figure("recall_at_list", MODEL, "Regulars").value == pytest.approx(found / part.churned.sum())
    assert judgement.figure("precision_at_list", MODEL, "Regulars").value == pytest.approx(found / listed.sum())


def test_the_auc_interval_is_the_one_that_bootstrapping_the_auc_alone_gives(told, judgement):
    alone = auc_interval(told.churned, told.score[MODEL], told.customer_keys, seed=SETTINGS.seed, replicates=200)
    found = judgement.figure("auc_roc")
    assert (found.value, found.low, found.high) == pytest.approx((alone.mean, alone.low, alone.high))


def test_every_figure_of_every_predictor_stands_beside_the_others_with_an_interval(judgement):
    rows = {(row.segment, row.predictor, row.figure) for row in judgement.figures}
    assert len(rows) == len(judgement.figures) == 4 * 3 * (len(FIGURES) + 2)
    for row in judgement.figures:
        undefined = row.predictor == BASE_RATE and row.figure in ("calibration_slope", "precision")
        if row.segment != "Tiny" and not undefined and not row.figure.startswith("ece"):
            assert row.low is not None, row
            assert row.low <= row.value + 1e-9, row
            assert row.value <= row.high + 1e-9, row


def test_a_segment_with_too_few_churners_has_no_figures_bins_or_curves_but_its_contacts_are_counted(judgement):
    tiny = [row for row in judgement.figures if row.segment == "Tiny"]
    assert len(tiny) == 3 * (len(FIGURES) + 2)
    assert all(row.value is row.low is row.high is None for row in tiny)
    assert not [row for row in (*judgement.calibration, *judgement.curves) if row.segment == "Tiny"]
    counted = [row for row in judgement.tradeoff if row.segment == "Tiny"]
    assert counted[0].contacted == pytest.approx((SEGMENTS == "Tiny").sum() / 3)
    assert all(row.precision is None and row.recall is None for row in counted)


def test_rows_without_a_segment_count_in_the_total_alone(judgement):
    assert {row.segment for row in judgement.figures} == {"", "Regulars", "Newcomers", "Tiny"}
    assert sum(row.customers for row in judgement.calibration if row.segment == "") == 1800


def test_the_models_threshold_has_the_greatest_net_value_by_its_own_probabilities(told, judgement):
    p = told.probability[MODEL]
    worth = contact_values(p, STAKE, TERMS)
    chosen = [row for row in judgement.tradeoff if row.is_chosen and row.segment == ""]
    assert [row.cutoff for row in chosen] == [judgement.threshold]
    for row in judgement.tradeoff:
        if row.kind == "threshold":
            assert worth[p >= row.cutoff].sum() <= worth[p >= judgement.threshold].sum() + 1e-6
    model = judgement.evaluations[0]
    assert chosen[0].expected_net_value == pytest.approx(model.expected_net_value)
    assert (chosen[0].recall, chosen[0].precision) == pytest.approx((model.recall, model.precision))


def test_the_evaluation_holds_the_figures_of_the_total(told, judgement):
    assert [e.predictor for e in judgement.evaluations] == [MODEL, RECENCY, BASE_RATE]
    model = judgement.evaluations[0]
    assert (model.months, model.rows, model.customers, model.churners) == (3, 1800, 600, int(told.churned.sum()))
    assert model.base_rate == pytest.approx(told.churned.mean())
    assert model.baseline_auc == pytest.approx(metrics.auc_roc(told.churned, told.score[RECENCY]))
    assert (model.list_size, model.evaluation) == (50, "out_of_time")
    shared = {field.name for field in fields(Evaluation)} & {row.figure for row in judgement.figures}
    assert len(shared) == 14
    for name in shared:
        assert getattr(model, name) == judgement.figure(name).value


@pytest.mark.parametrize("name", [MODEL, RECENCY, BASE_RATE])
def test_every_predictors_list_is_in_the_published_order_and_by_its_score_where_no_stake_is_known(
    told, judgement, name
):
    value = told.probability[name] * STAKE
    found = metrics.recall_at_list(told.churned, value, 50, as_of=told.as_of)
    assert judgement.figure("recall_at_list", name).value == pytest.approx(found)
    plain = judge(told, SETTINGS, list_size=50).figure("recall_at_list", name).value
    assert plain == pytest.approx(metrics.recall_at_list(told.churned, told.score[name], 50, as_of=told.as_of))
    assert plain != pytest.approx(found)


@pytest.mark.parametrize("stake", [None, STAKE])
def test_the_same_cut_has_the_same_figures_in_every_table(told, stake):
    found = judge(told, SETTINGS, list_size=50, stake=stake, terms=TERMS, segments=SEGMENTS)
    model = found.evaluations[0]
    for segment in ("", "Regulars", "Newcomers"):
        rows = {(row.kind, row.cutoff): row for row in found.tradeoff if row.segment == segment}
        listed, contacted = rows[LIST_SIZE, model.list_size], rows[THRESHOLD, model.threshold]
        for row, suffix in ((listed, "_at_list"), (contacted, "")):
            assert row.recall == pytest.approx(found.figure(f"recall{suffix}", MODEL, segment).value)
            assert row.precision == pytest.approx(found.figure(f"precision{suffix}", MODEL, segment).value)
        worth = found.figure("expected_net_value", MODEL, segment).value
        assert contacted.expected_net_value == (None if stake is None else pytest.approx(worth))
    assert found.figure("recall_at_list").value == model.recall_at_list
    assert found.figure("precision_at_list").value == model.precision_at_list


def test_without_a_stake_the_list_sets_the_threshold_and_no_value_is_known(told):
    found = judge(told, SETTINGS, list_size=50)
    assert found.threshold == pytest.approx(np.mean([np.sort(told.probability[MODEL][at : at + 600])[-50]
                                                     for at in (0, 600, 1200)]))  # fmt: skip
    assert np.isnan(found.evaluations[0].expected_net_value)
    assert found.figure("expected_net_value").value is None
    assert all(row.expected_net_value is None for row in found.tradeoff)
    assert {row.segment for row in found.figures} == {""}


def test_a_threshold_chosen_before_is_kept(told):
    found = judge(told, SETTINGS, list_size=50, stake=STAKE, terms=TERMS, threshold=0.4, evaluation=REALISED)
    assert found.threshold == found.evaluations[0].threshold == 0.4
    assert found.evaluations[0].evaluation == "realised"
    assert found.evaluations[1].threshold != 0.4


def test_the_order_of_rows_changes_nothing():
    told = predictions(customers=300, ties=True)
    order = np.random.default_rng(1).permutation(len(told))
    kept = judge(told, SETTINGS, list_size=20, segments=SEGMENTS[:900])
    shuffled = judge(told.take(order), SETTINGS, list_size=20, segments=SEGMENTS[:900][order])
    for one, other in zip(kept.figures, shuffled.figures, strict=True):
        assert one.value == pytest.approx(other.value), one
        assert one.low == pytest.approx(other.low), one
    assert [row.contacted for row in kept.tradeoff] == pytest.approx([row.contacted for row in shuffled.tradeoff])


def test_judging_twice_gives_the_same_to_the_bit(told, judgement):
    again = judge(told, SETTINGS, list_size=50, stake=STAKE, terms=TERMS, segments=SEGMENTS)
    assert repr(again) == repr(judgement)


def test_rows_of_weight_zero_might_as_well_not_be_there(told):
    weights = np.random.default_rng(3).choice([0.0, 1.0, 3.0], len(told))
    kept = weights > 0
    found = judge(replace(told, weights=weights), SETTINGS, list_size=50, segments=SEGMENTS)
    without = judge(replace(told, weights=weights).take(kept), SETTINGS, list_size=50, segments=SEGMENTS[kept])
    assert repr(found) == repr(without)


def test_weights_of_a_sample_count_customers_as_a_whole_night_has_them(told):
    weighted = judge(replace(told, weights=np.full(len(told), 10.0)), SETTINGS, list_size=500)
    plain = judge(told, SETTINGS, list_size=50)
    for one, other in zip(weighted.figures, plain.figures, strict=True):
        assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high)), one
    assert weighted.tradeoff[0].contacted == pytest.approx(10 * plain.tradeoff[0].contacted)
    assert [row.observed_low for row in weighted.calibration] == pytest.approx(
        [row.observed_low for row in plain.calibration]
    )


@pytest.mark.parametrize("outcome", [True, False])
def test_one_class_leaves_figures_undefined_and_raises_nothing(told, outcome):
    found = judge(replace(told, churned=np.full(len(told), outcome)), SETTINGS, list_size=50, segments=SEGMENTS)
    assert found.figure("auc_roc").value is None
    assert found.figure("calibration_slope").value is None
    assert found.figure("brier").value is not None
    assert found.figure("brier").low is None
    assert not found.curves
    assert found.evaluations[0].base_rate == outcome


def test_a_constant_score_has_an_auc_of_a_half_exactly(judgement):
    found = judgement.figure("auc_roc", BASE_RATE)
    assert (found.value, found.low, found.high) == (0.5, 0.5, 0.5)
    assert judgement.figure("lift_top_decile", BASE_RATE).value == pytest.approx(1)


def test_what_cannot_be_judged_is_refused(told):
    with pytest.raises(ValueError, match="no rows"):
        judge(told.take(np.zeros(len(told), dtype=bool)), SETTINGS, list_size=50)
    with pytest.raises(ValueError, match="stake has shape"):
        judge(told, SETTINGS, list_size=50, stake=np.ones(3), terms=TERMS)
    with pytest.raises(ValueError, match="finite"):
        judge(told, SETTINGS, list_size=50, stake=np.full(len(told), np.nan), terms=TERMS)


@pytest.mark.parametrize(
    ("row", "table"),
    [
        (FigureRow, performance.performance_figures),
        (TradeoffRow, performance.threshold_tradeoff),
        (CalibrationRow, performance.calibration_bins),
        (CurveRow, performance.model_curves),
    ],
)
def test_fields_are_named_as_the_columns_of_their_table(row, table):
    columns = [column.name for column in table.columns if column.name not in ("model_version", "evaluation")]
    assert [field.name for field in fields(row)] == columns

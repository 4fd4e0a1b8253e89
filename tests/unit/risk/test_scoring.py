"""Scoring and the stored model: columns by name, codes by level, bytes by checksum."""

from __future__ import annotations

import builtins
import json
import sys
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from churn.errors import ModelError
from churn.matrix import Batch, FeatureNames
from churn.risk import RiskModel, TrainSettings, recency_batches, refuse_redefined, score_batches, text_sha256
from churn.risk.calibration import Calibrator
from churn.risk.model import NOT_SHAPING
from churn.risk.reference import make_reference
from churn.risk.scoring import churn_differences, refuse_other_churn
from churn.risk.season import Season
from churn.risk.training import TrainingResult, train_model
from tests.unit.risk.company import FAST, NAMES, Company, batches_of, company

NIGHT = date(2024, 9, 1)


@pytest.fixture(scope="module")
def known() -> Company:
    return company(months=6)


@pytest.fixture(scope="module")
def result(known: Company) -> TrainingResult:
    return train_model(known.data, FAST)


@pytest.fixture(scope="module")
def model(result: TrainingResult) -> RiskModel:
    return result.model


def scores(model: RiskModel, names: FeatureNames, batch: Batch) -> np.ndarray:
    """Return the probabilities of one batch."""
    return next(score_batches(model, names, [batch], as_of=NIGHT)).churn_probability


def kept(model: RiskModel) -> RiskModel:
    """Return the model as the registry holds it: with the usual settings where they shape no model."""
    usual = {name: getattr(TrainSettings(30), name) for name in NOT_SHAPING}
    return replace(model, settings=replace(model.settings, **usual))


def test_a_model_survives_the_registry(model):
    again = RiskModel.from_text(model.to_text(), model.sha256)
    assert again == kept(model)
    assert again.to_text() == model.to_text()


def test_everything_that_a_model_carries_survives_the_registry(model, known):
    reference = make_reference(known.data, np.linspace(0.01, 0.9, len(known.data)))
    for calibrator in (
        Calibrator(-0.25, 0.9),
        Calibrator(-0.25, 0.9, "beta", 1.25),
        Calibrator(kind="isotonic", knots=((-3.5, -4.0), (-1.0, -4.0), (0.5, 0.25))),
    ):
        full = replace(
            model,
            calibrator=calibrator,
            season=Season("level", tuple(np.linspace(-0.5, 0.6, 12).tolist())),
            definitions={"tenure_days": "ab12", "plan": "cd34"},
            reference=reference,
        )
        again = RiskModel.from_text(full.to_text(), full.sha256)
        assert again == kept(full)
        assert again.to_text() == full.to_text()


def test_a_model_of_the_first_format_still_scores_as_it_did(model, known):
    old = replace(model, calibrator=Calibrator(-0.5, 0.8))
    content = json.loads(old.to_text())
    for later in ("season", "definitions", "reference"):
        del content[later]
    content["calibrator"] = {"intercept": -0.5, "slope": 0.8}
    content["settings"]["a_setting_of_then"] = 3
    content["format"] = "churn-risk-model/1"
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    again = RiskModel.from_text(text, text_sha256(text))
    batch = batches_of(known.data, 2000)[0]
    assert (scores(again, NAMES, batch) == scores(old, NAMES, batch)).all()
    assert again == kept(old)


@pytest.mark.parametrize("name", NOT_SHAPING)
def test_a_setting_that_shapes_no_model_is_not_in_its_text_and_an_old_text_with_it_is_read(model, name):
    other = replace(model, settings=replace(model.settings, **{name: 77}))
    assert other.to_text() == model.to_text()
    content = json.loads(model.to_text())
    content["settings"][name] = 77
    text = json.dumps(content)
    assert getattr(RiskModel.from_text(text, text_sha256(text)).settings, name) == 77


def test_a_setting_that_shapes_the_model_is_in_its_text(model):
    for name in {"seed", "max_rows", "learning_rate", "horizon_days", "walk_months"}:
        other = replace(model, settings=replace(model.settings, **{name: getattr(model.settings, name) * 2}))
        assert other.sha256 != model.sha256


CONTRACTUAL = {"definition": "contractual", "horizon_days": 30, "grace_days": 14, "inactivity_days": 90}
INACTIVE = CONTRACTUAL | {"definition": "inactivity", "grace_days": 0}


def test_what_a_churn_differs_by_is_named_and_what_was_not_kept_is_not_compared():
    assert churn_differences({}, CONTRACTUAL) == []
    assert churn_differences(CONTRACTUAL | {"inactivity_days": 60}, CONTRACTUAL) == []
    assert churn_differences(INACTIVE | {"inactivity_days": 60}, INACTIVE) == ["inactivity_days was 60 and is 90 now"]
    assert churn_differences(INACTIVE, CONTRACTUAL) == [
        "definition was inactivity and is contractual now",
        "grace_days was 0 and is 14 now",
    ]


def test_a_model_of_another_churn_is_refused_by_its_own_settings_and_by_what_was_kept_beside_it(model):
    refuse_other_churn(model, {}, CONTRACTUAL)
    refuse_other_churn(model, CONTRACTUAL, CONTRACTUAL)
    longer = replace(model, settings=replace(model.settings, horizon_days=60))
    with pytest.raises(ModelError, match="horizon_days was 60 and is 30 now") as caught:
        refuse_other_churn(longer, CONTRACTUAL, CONTRACTUAL)
    assert "churn train" in caught.value.hint
    with pytest.raises(ModelError, match="definition was inactivity"):
        refuse_other_churn(model, INACTIVE, CONTRACTUAL)


def test_a_redefined_feature_is_refused_by_name_and_an_unknown_one_is_not(model):
    learned = replace(model, definitions={"tenure_days": "a", "plan": "b", "events_trend_28d": "c"})
    refuse_redefined(learned, {"tenure_days": "a", "plan": "b", "another": "x"})
    refuse_redefined(model, {"tenure_days": "new"})
    with pytest.raises(ModelError, match=r"computed differently now: tenure_days, plan\.") as caught:
        refuse_redefined(learned, {"tenure_days": "new", "plan": "new", "events_trend_28d": "c", "another": "x"})
    assert "churn train" in caught.value.hint


def test_the_stored_text_holds_no_volatile_parameters(model):
    assert "num_threads: " not in model.booster_text
    assert "end of trees" in model.booster_text
    assert model.to_text() == json.dumps(
        json.loads(model.to_text()), sort_keys=True, separators=(",", ":")
    )  # fmt: skip


@pytest.mark.parametrize("place", [0.01, 0.3, 0.6, 0.99])
def test_a_flipped_byte_is_refused(model, place):
    text = bytearray(model.to_text().encode())
    text[int(place * len(text))] ^= 1
    with pytest.raises(ModelError, match="damaged"):
        RiskModel.from_text(text.decode("utf-8", "replace"), model.sha256)


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.pop("names"),
        lambda content: content.update(format="churn-risk-model/0"),
        lambda content: content.update(kind="pickle"),
        lambda content: content.update(booster_text=""),
        lambda content: content["settings"].update(unknown=1),
        lambda content: content["names"].update(levels=[]),
        lambda content: content["calibrator"].update(kind="isotonic"),
        lambda content: content["calibrator"].update(slope=-1.0),
        lambda content: content["season"].update(kind="level"),
        lambda content: content["season"].update(shifts=[0.1] * 12),
        lambda content: content.pop("definitions"),
    ],
)
def test_a_text_of_another_shape_is_refused_even_with_its_own_checksum(model, change):
    content = json.loads(model.to_text())
    change(content)
    text = json.dumps(content)
    with pytest.raises(ModelError, match="not a churn model"):
        RiskModel.from_text(text, text_sha256(text))


def test_a_text_that_is_not_a_model_at_all_is_refused():
    for text in ("", "[]", "null", "{"):
        with pytest.raises(ModelError, match="not a churn model"):
            RiskModel.from_text(text, text_sha256(text))


def test_a_broken_booster_is_refused(model, known):
    with pytest.raises(ModelError, match="can't be read by LightGBM"):
        score_batches(replace(model, booster_text="tree\nnonsense"), NAMES, batches_of(known.data, 10), as_of=NIGHT)


def test_scores_do_not_depend_on_the_size_of_a_batch_or_on_threads(model, known):
    whole = next(score_batches(model, NAMES, batches_of(known.data, 10_000), as_of=NIGHT, threads=1))
    parts = list(score_batches(model, NAMES, batches_of(known.data, 777), as_of=NIGHT, threads=2))
    assert (np.concatenate([part.risk_score for part in parts]) == whole.risk_score).all()
    assert (np.concatenate([part.customer_keys for part in parts]) == known.data.customer_keys).all()
    assert (np.diff(whole.churn_probability[np.argsort(whole.risk_score)]) >= 0).all()


def test_batches_are_read_one_at_a_time(model, known):
    read: list[int] = []

    def batches():
        for batch in batches_of(known.data, 500):
            read.append(len(batch))
            yield batch

    stream = score_batches(model, NAMES, batches(), as_of=NIGHT)
    next(stream)
    assert len(read) == 1


def test_an_empty_batch_gives_empty_scores(model, known):
    assert len(scores(model, NAMES, batches_of(known.data, 10)[0])) == 10
    empty = Batch(np.empty(0, np.int64), np.empty((0, 4), np.float32), np.empty((0, 1), np.int32))
    assert len(scores(model, NAMES, empty)) == 0


def test_a_missing_feature_is_named_before_anything_is_scored(model):
    names = FeatureNames(("events_trend_28d", "tenure_days"))
    with pytest.raises(ModelError, match=r"days_since_last_usage, payments_failed_28d, plan"):
        score_batches(model, names, [], as_of=NIGHT)


def test_extra_features_and_another_order_change_nothing(model, known):
    batch = batches_of(known.data, 2000)[0]
    expected = scores(model, NAMES, batch)
    names = FeatureNames(("new", *NAMES.numbers[::-1]), ("colour", "plan"), (("red",), *NAMES.levels))
    wider = Batch(
        batch.customer_keys,
        np.column_stack([np.full(len(batch), 7, np.float32), batch.numbers[:, ::-1]]),
        np.column_stack([np.zeros(len(batch), np.int32), batch.codes]),
    )
    assert (scores(model, names, wider) == expected).all()


def test_categories_are_matched_by_level_and_a_new_level_counts_as_missing(model, known):
    batch = batches_of(known.data, 2000)[0]
    expected = scores(model, NAMES, batch)
    tonight = replace(NAMES, levels=(("enterprise", "team", "basic", "pro"),))
    recoded = np.array([2, 3, 1], dtype=np.int32)[batch.codes]
    assert (scores(model, tonight, replace(batch, codes=recoded)) == expected).all()
    new, missing = np.zeros_like(batch.codes), np.full_like(batch.codes, -1)
    as_missing = scores(model, NAMES, replace(batch, codes=missing))
    assert (scores(model, tonight, replace(batch, codes=new)) == as_missing).all()
    assert (as_missing != expected).any()


def test_recency_ranks_by_the_latest_sign_of_life_and_gives_no_probability():
    names = FeatureNames(("days_since_last_usage", "tenure_days", "days_since_last_payment"))
    numbers = np.array(
        [[3, 1, 9], [np.nan, 1, 20], [40, 1, 20], [np.nan, 1, np.nan], [9999, 1, np.nan]], dtype=np.float32
    )
    found = next(recency_batches(names, [Batch(np.arange(5), numbers, np.empty((5, 0), np.int32))]))
    assert found.risk_score.tolist() == [3, 20, 20, 3650, 3650]
    assert np.isnan(found.churn_probability).all()


def test_recency_without_any_activity_feature_ties_everyone():
    batch = Batch(np.arange(2), np.ones((2, 1), np.float32), np.empty((2, 0), np.int32))
    assert next(recency_batches(FeatureNames(("tenure_days",)), [batch])).risk_score.tolist() == [3650, 3650]


def test_a_missing_openmp_library_is_one_line_with_the_package_to_install(model, known, monkeypatch):
    genuine = builtins.__import__

    def without_openmp(name, *arguments, **named):
        if name == "lightgbm":
            raise OSError("libgomp.so.1: cannot open shared object file: No such file or directory\nsecond line")
        return genuine(name, *arguments, **named)

    monkeypatch.delitem(sys.modules, "lightgbm", raising=False)
    monkeypatch.setattr(builtins, "__import__", without_openmp)
    with pytest.raises(ModelError, match="libgomp1") as caught:
        score_batches(model, NAMES, batches_of(known.data, 10), as_of=NIGHT)
    assert "\n" not in str(caught.value)
    assert "libgomp.so.1" in caught.value.message

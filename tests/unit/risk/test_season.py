"""Season: adopted where it repeats, left out where months merely differ, and never known from later time."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from churn.risk import Interval, TrainingSet, metrics, score_batches
from churn.risk.season import SEASON_FEATURES, Season, place_in_year
from churn.risk.season_fit import Judged, agreement_of
from churn.risk.season_level import Level, level_of, month_levels, month_number, season_shifts
from churn.risk.training import TrainingResult, train_model
from churn.windows import add_months
from tests.unit.risk.company import FAST, NAMES, batches_of, company

SAMPLING = 0.06
SWING = 0.8 * np.sin(2 * np.pi * (np.arange(40) + 3) / 12)


def seasonal(months: int, by_month: np.ndarray, seed: int = 1, customers: int = 1200) -> TrainingSet:
    return company(months, customers, seed=seed, by_month=by_month[:months].tolist()).data


@pytest.fixture(scope="module")
def repeated() -> tuple[TrainingSet, TrainingResult]:
    data = seasonal(20, SWING)
    return data, train_model(data, FAST)


# --- the level correction on made-up companies ----------------------------------------------------------------------


def test_a_season_that_repeats_is_adopted_and_repairs_the_level(repeated):
    _, result = repeated
    assert result.model.season.kind == "level"
    note = next(note for note in result.notes if note.startswith("The level follows the season"))
    assert "5 of 5 months" in note
    told = result.predictions
    ratios = [
        metrics.observed_expected(told.churned[rows], told.probability["model"][rows])
        for rows in (told.as_of == day for day in np.unique(told.as_of))
    ]
    assert ratios == pytest.approx([1, 1, 1], abs=0.25)


def test_what_it_says_of_each_month_is_the_season_that_was_drawn(repeated):
    _, result = repeated
    shifts = np.array(result.model.season.shifts)
    drawn = SWING[:12] - SWING[14:20].mean()
    assert np.abs(shifts - drawn).max() < 0.35
    assert np.corrcoef(shifts, drawn)[0, 1] > 0.95


def test_it_brings_later_nights_nearer_to_what_happens(repeated):
    _, result = repeated
    model = result.model
    later = company(months=32, seed=7, by_month=SWING[:32].tolist())
    errors = {}
    for name, each in {"with": model, "without": replace(model, season=Season())}.items():
        gaps = []
        for month in range(22, 32):
            day = add_months(date(2024, 1, 1), month)
            rows = later.data.as_of == day.toordinal()
            told = next(score_batches(each, NAMES, batches_of(later.data.take(rows), 5000), as_of=day))
            gaps.append(told.churn_probability.mean() / later.true_probability[rows].mean() - 1)
        errors[name] = np.abs(gaps).mean()
    assert errors["with"] < errors["without"] / 3


def test_the_base_rate_gets_the_same_level_so_that_season_is_no_skill(repeated):
    _, result = repeated
    told = result.predictions
    for day in np.unique(told.as_of):
        rows = told.as_of == day
        model, base = (told.probability[name][rows].mean() for name in ("model", "base_rate"))
        assert model == pytest.approx(base, rel=0.25)
    assert metrics.auc_roc(told.churned, told.score["base_rate"]) == 0.5


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_months_that_merely_differ_are_no_season(seed):
    noise = np.random.default_rng(seed).normal(0, 0.4, 20)
    result = train_model(seasonal(20, noise, seed), FAST)
    assert result.model.season == Season()
    assert any("left out" in note and "8 of 12 months" in note for note in result.notes)


def test_without_a_year_before_nothing_is_tried_and_the_note_says_so():
    result = train_model(seasonal(14, SWING), FAST)
    assert result.model.season == Season()
    note = next(note for note in result.notes if "across seasons" in note)
    assert note.endswith("2 of 12 months of the year were seen in two years or more.")


def test_the_correction_of_a_test_month_does_not_know_its_labels(repeated):
    data, result = repeated
    days = np.unique(data.as_of)
    some = (data.as_of == days[-1]) & (data.customer_keys % 20 == 0)
    changed = train_model(replace(data, churned=np.where(some, ~data.churned, data.churned)), FAST)
    assert changed.model.season.kind == "level"
    assert changed.model.season != result.model.season
    rows = result.predictions.as_of == days[-1]
    assert (changed.predictions.probability["model"][rows] == result.predictions.probability["model"][rows]).all()


# --- a feature where it repeats -------------------------------------------------------------------------------------


def test_three_years_make_the_season_a_feature_of_the_model_alone():
    data = seasonal(36, SWING, customers=500)
    result = train_model(data, FAST)
    model = result.model
    assert model.season.kind == "features"
    assert model.names == NAMES
    assert model.input_names.numbers == (*NAMES.numbers, *SEASON_FEATURES)
    assert any("place of the label window in the year is a feature" in note for note in result.notes)
    batch = batches_of(data, 500)[-1]
    january, july = (
        next(score_batches(model, NAMES, [batch], as_of=day)).churn_probability.mean()
        for day in (date(2027, 1, 1), date(2027, 7, 1))
    )
    assert january > 1.5 * july


def test_a_month_of_the_year_seen_once_is_not_a_feature():
    result = train_model(seasonal(30, SWING, customers=400), FAST)
    assert result.model.season.kind != "features"
    assert any("level follows the season" in note or "no feature of the model yet" in note for note in result.notes)


# --- operating characteristics of the rule, on months alone ---------------------------------------------------------


def adopted(levels: np.ndarray, random: np.random.Generator) -> bool:
    """Apply the rule to 18 months whose true levels are given, sampled with a standard error of 0.06."""
    seen = levels + random.normal(0, SAMPLING, len(levels))
    said, out = [], []
    for month in range(14, 18):
        pool = range(12, month - 1)
        shifts = season_shifts({k: Level(seen[k], SAMPLING**2) for k in range(month - 1)}, pool)
        said.append(shifts[month % 12])
        out.append(seen[month] - seen[list(pool)].mean())
    shift, level = np.array(said), np.array(out)
    gain = level**2 - (level - shift) ** 2
    customers = 2 * 1.96 * SAMPLING * np.sqrt(shift @ shift)
    nearer = np.abs(level - shift) < np.abs(level)
    return bool(gain.sum() > customers and agreement_of(shift, level, 4).low > 0 and nearer.sum() > 2)


@pytest.mark.parametrize(
    ("season", "shock", "trend", "least", "most"),
    [(0, 0, 0, 0, 0.06), (0, 0.15, 0, 0, 0.09), (0, 0.4, 0, 0, 0.09), (0, 0.2, 0.03, 0, 0.09), (0.5, 0.05, 0, 0.75, 1)],
)
def test_noise_is_adopted_as_seldom_as_stated_and_a_season_mostly(season, shock, trend, least, most):
    random, months, runs = np.random.default_rng(11), np.arange(18), 300
    found = 0
    for _ in range(runs):
        swing = season * np.sin(2 * np.pi * (months + random.uniform(0, 12)) / 12)
        found += adopted(swing + trend * months + random.normal(0, shock, 18), random)
    assert least <= found / runs <= most


@pytest.mark.parametrize(
    ("gain", "agreement", "after", "expected"),
    [
        (0.001, 0.1, (0.95, 1.1, 1.0, 1.3), True),
        (-0.001, 0.1, (0.95, 1.1, 1.0, 1.3), False),
        (0.001, -0.1, (0.95, 1.1, 1.0, 1.3), False),
        (0.001, 0.1, (0.95, 1.1, 1.5, 1.3), False),
        (0.001, float("nan"), (0.95, 1.1, 1.0, 1.3), False),
    ],
)
def test_customers_months_and_most_levels_must_all_agree(gain, agreement, after, expected):
    ratios = tuple((1.25, each) for each in after)
    judged = Judged(4, Interval(0.002, gain, 0.003), ratios, Interval(0.8, agreement, 1.5))
    assert judged.adopted is expected


def test_customers_alone_would_call_differing_months_a_season():
    """Why months are tested, too: without that, shocks that never repeat pass far more often than 1 in 20."""
    random, passed = np.random.default_rng(5), 0
    for _ in range(400):
        said, out = random.normal(0, 0.4, 4), random.normal(0, 0.4, 4)
        gain = out**2 - (out - said) ** 2
        passed += gain.sum() > 2 * 1.96 * SAMPLING * np.sqrt(said @ said)
    assert passed / 400 > 0.1


# --- its parts ------------------------------------------------------------------------------------------------------


def test_a_level_is_what_makes_expected_churners_the_observed():
    random = np.random.default_rng(3)
    log_odds = random.normal(-2, 1, 50_000)
    weight = random.integers(1, 4, 50_000).astype(float)
    churned = random.random(50_000) < 1 / (1 + np.exp(-(log_odds + 0.4)))
    found = level_of(log_odds, churned, weight)
    assert found.log_odds == pytest.approx(0.4, abs=4 * np.sqrt(found.variance))
    expected = weight @ (1 / (1 + np.exp(-(log_odds + found.log_odds))))
    assert expected == pytest.approx(weight @ churned)


def test_the_variance_of_a_level_is_that_of_drawing_it_again():
    random = np.random.default_rng(4)
    log_odds, weight = random.normal(-2, 1, 2000), random.choice([1.0, 10.0], 2000, p=[0.8, 0.2])
    p = 1 / (1 + np.exp(-log_odds))
    drawn = [level_of(log_odds, random.random(2000) < p, weight) for _ in range(400)]
    assert np.var([each.log_odds for each in drawn]) == pytest.approx(drawn[0].variance, rel=0.25)


def test_a_trend_is_no_season_and_a_season_survives_a_trend():
    numbers = range(month_number(date(2024, 1, 1)), month_number(date(2024, 1, 1)) + 24)
    swing = [0.5 * np.sin(2 * np.pi * (number % 12) / 12) for number in numbers]
    for trend, season, spread in ((0.02, 0, 0.1), (0.02, 1, 0.12)):
        levels = {n: Level(season * s + trend * i, 0.001) for i, (n, s) in enumerate(zip(numbers, swing, strict=True))}
        pool = list(numbers)[-6:]
        shifts = season_shifts(levels, pool)
        base = np.mean([season * swing[n - numbers[0]] for n in pool])
        wanted = np.array([season * 0.5 * np.sin(2 * np.pi * month / 12) - base for month in range(12)])
        assert np.abs(np.array([shifts[month] for month in range(12)]) - wanted).max() < spread


def test_contrasts_no_larger_than_sampling_are_no_shift_at_all():
    random = np.random.default_rng(1)
    levels = {number: Level(random.normal(0, 0.1), 0.02) for number in range(24_000, 24_018)}
    assert set(season_shifts(levels, range(24_012, 24_018)).values()) == {0.0}


def test_a_month_with_hardly_a_churner_has_no_level():
    churned = np.array([True] * 4 + [False] * 96 + [True] * 5 + [False] * 95)
    days = np.repeat([date(2024, 1, 1).toordinal(), date(2024, 2, 1).toordinal()], 100)
    assert list(month_levels(np.zeros(200), churned, np.ones(200), days)) == [month_number(date(2024, 2, 1))]


def test_the_shift_moves_evenly_from_one_first_of_the_month_to_the_next():
    season = Season("level", tuple(float(month) for month in range(12)))
    assert season.shift(date(2024, 1, 1)) == 0
    assert season.shift(date(2024, 4, 16)) == pytest.approx(3.5)
    assert season.shift(date(2024, 12, 1)) == 11
    assert season.shift(date(2024, 12, 31)) == pytest.approx(11 / 31)
    assert Season().shift(date(2024, 12, 1)) == 0


def test_the_place_in_the_year_is_that_of_the_middle_of_the_label_window():
    assert place_in_year(date(2023, 12, 17), 30) == pytest.approx((0, 1), abs=0.01)
    assert place_in_year(date(2024, 3, 17), 30) == pytest.approx((1, 0), abs=0.02)
    assert place_in_year(date(2024, 3, 17), 90) != place_in_year(date(2024, 3, 17), 30)


@pytest.mark.parametrize("wrong", [("level", ()), ("none", (0.0,) * 12), ("spring", ()), ("level", (np.nan,) * 12)])
def test_a_season_whose_parts_do_not_belong_together_is_refused(wrong):
    with pytest.raises(ValueError, match="season"):
        Season(*wrong)

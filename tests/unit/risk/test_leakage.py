"""Columns that know the outcome are named; strong signals that a business really has are not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np
import pytest
from numpy.typing import NDArray

from churn.errors import LeakageError
from churn.matrix import Batch, FeatureNames
from churn.risk.cells import lower_bound
from churn.risk.data import TrainingSet, customer_share
from churn.risk.leakage import leakage_error, separating_features
from churn.risk.vanishing import vanishing_features

Array = NDArray[np.float64] | NDArray[np.bool_]

_MONTH = 30
_FIRST = date(2023, 1, 1).toordinal()


class Business:
    """Customers who join and leave at random days; a snapshot every 30 days, the last one not yet matured.

    A test gives the day each customer joins and leaves, and adds the columns it wants, computed from
    the day of each row and the place of its customer.
    """

    def __init__(self, joined: Array, left: Array, *, months: int = 16, horizon: int = 30) -> None:
        self.joined, self.left, self.horizon = joined, left, horizon
        self.days = np.arange(1, months + 1) * _MONTH + 360
        self.tonight = int(self.days[-1] + 2)
        rows = [(day, who) for day in self.days for who in np.flatnonzero((joined < day) & (left >= day))]
        self.day, self.who = (np.array(column) for column in zip(*rows, strict=True))
        self.churned = left[self.who] < self.day + horizon
        self.columns: dict[str, Array] = {}
        self.levels: dict[str, tuple[str, ...]] = {}

    def number(self, name: str, values: Array) -> Business:
        self.columns[name] = np.asarray(values, dtype=np.float64)
        return self

    def category(self, name: str, codes: Array, levels: tuple[str, ...]) -> Business:
        self.levels[name] = levels
        return self.number(name, codes)

    @property
    def gone_by_tonight(self) -> NDArray[np.bool_]:
        """Whether the row's customer has left, as the source knows it tonight."""
        return self.left[self.who] < self.tonight

    def training(self) -> TrainingSet:
        past = self.day + self.horizon <= self.tonight
        past &= self.day < self.days[-1]
        names, batch = self._batch(past)
        return TrainingSet(
            names, batch.numbers, batch.codes, batch.customer_keys, _FIRST + self.day[past], self.churned[past]
        )

    def scoring(self) -> tuple[Batch, date]:
        return self._batch(self.day == self.days[-1])[1], date.fromordinal(_FIRST + int(self.days[-1]))

    def leaks(self, share: float = 1.0) -> list[str]:
        data = self.training()
        data = data.take(customer_share(data.customer_keys, 3) < share)
        batch, as_of = self.scoring()
        found = [*separating_features(data), *vanishing_features(data, batch, as_of)]
        return sorted({leak.feature for leak in found})

    def _batch(self, rows: NDArray[np.bool_]) -> tuple[FeatureNames, Batch]:
        numbers = [name for name in self.columns if name not in self.levels]
        names = FeatureNames(tuple(numbers), tuple(self.levels), tuple(self.levels.values()))
        return names, Batch(
            self.who[rows].astype(np.int64),
            _stacked(self.columns, numbers, rows).astype(np.float32),
            _stacked(self.columns, list(self.levels), rows).astype(np.int32),
        )


def _stacked(columns: Mapping[str, Array], names: list[str], rows: NDArray[np.bool_]) -> NDArray[np.float64]:
    stacked = np.empty((int(rows.sum()), len(names)))
    for place, name in enumerate(names):
        stacked[:, place] = columns[name][rows]
    return stacked


def _subscribers(seed: int, customers: int = 4000, *, hazard: float = 0.04, months: int = 16) -> Business:
    """Monthly contracts, some of usage, employees and a plan: nothing that knows more than it should."""
    random = np.random.default_rng(seed)
    last = 390 + months * _MONTH
    joined = random.uniform(0, last, customers)
    weariness = random.normal(0, 1, customers)
    left = joined + random.exponential(_MONTH / hazard, customers) * np.exp(-weariness)
    made = Business(joined, left, months=months)
    who, rows = made.who, len(made.who)
    made.number("tenure_days", made.day - joined[who])
    made.number("events_28d", random.poisson(np.exp(2 - 0.7 * weariness[who])))
    made.number("satisfaction_avg_90d", np.where(random.random(rows) < 0.6, np.nan, random.integers(1, 6, rows)))
    made.number("attribute_employees", np.exp(random.normal(4, 1, customers))[who])
    made.category("plan", random.integers(0, 3, customers)[who], ("basic", "team", "business"))
    return made


# ---------------------------------------------------------------- leaks


@pytest.mark.parametrize("seed", range(3))
def test_a_copy_of_the_label_is_named(seed: int) -> None:
    made = _subscribers(seed)
    made.number("copy", made.churned)
    assert made.leaks() == ["copy"]


def test_a_copy_that_is_seldom_wrong_is_named() -> None:
    made = _subscribers(1)
    wrong = np.random.default_rng(2).random(len(made.who)) < 0.0005
    made.category("copy", made.churned ^ wrong, ("stays", "leaves"))
    assert made.leaks() == ["copy"]


def test_a_copy_under_noise_and_upside_down_is_named() -> None:
    made = _subscribers(2)
    made.number("copy", -1.0 * made.churned + np.random.default_rng(3).normal(0, 0.15, len(made.who)))
    assert made.leaks() == ["copy"]


def test_a_column_that_knows_a_few_of_the_churners_for_certain_is_named() -> None:
    made = _subscribers(3)
    told = made.churned & (np.random.default_rng(4).random(len(made.who)) < 0.3)
    made.number("exit_survey_score", np.where(told, 3.0, np.nan))
    assert made.leaks() == ["exit_survey_score"]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("months", [6, 16])
def test_an_end_that_is_read_early_is_named(seed: int, months: int) -> None:
    made = _subscribers(seed, months=months)
    made.category("status", made.gone_by_tonight, ("open", "cancelled"))
    made.number("ended_after_days", np.where(made.gone_by_tonight, made.left[made.who] - made.joined[made.who], np.nan))
    assert made.leaks() == ["ended_after_days", "status"]


def test_an_end_that_is_read_early_is_named_in_a_small_company() -> None:
    made = _subscribers(5, customers=400, hazard=0.06)
    made.category("status", made.gone_by_tonight, ("open", "cancelled"))
    assert made.leaks() == ["status"]


def test_a_flag_of_those_who_are_still_here_is_named() -> None:
    made = _subscribers(6)
    made.number("is_active", ~made.gone_by_tonight)
    assert made.leaks() == ["is_active"]


def test_the_error_names_every_column_what_was_seen_and_what_to_do() -> None:
    made = _subscribers(7)
    made.number("copy", made.churned).category("status", made.gone_by_tonight, ("open", "cancelled"))
    data = made.training()
    error = leakage_error([*separating_features(data), *vanishing_features(data, *made.scoring())])
    assert isinstance(error, LeakageError)
    assert error.exit_code == 13
    assert "copy, status may know the outcome" in error.message
    assert "AUC 1.000" in error.message
    assert "out of the mapping" in error.hint


def test_a_bound_is_that_of_wilson() -> None:
    """Newcombe 1998, Statistics in Medicine 17, table I: 81 of 263 and 0 of 20."""
    assert lower_bound(81 / 263, 263) == pytest.approx(0.2553, abs=5e-5)
    assert 1 - lower_bound(1.0, 20) == pytest.approx(0.1611, abs=5e-5)
    assert lower_bound(0.5, 0) == 0


# ---------------------------------------------------------------- no leaks


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("share", [1.0, 0.25, 0.03])
def test_a_clean_company_of_any_size_passes(seed: int, share: float) -> None:
    assert _subscribers(seed).leaks(share) == []


def test_a_copy_among_a_handful_of_churners_proves_nothing() -> None:
    made = _subscribers(1, customers=120, hazard=0.01)
    assert made.churned.sum() < 30
    assert made.number("copy", made.churned).leaks() == []


@pytest.mark.parametrize("term_days", [360, 1080])
@pytest.mark.parametrize("leaving", [0.15, 0.6])
@pytest.mark.parametrize("months", [8, 16])
def test_contracts_that_end_only_at_their_renewal_pass(term_days: int, leaving: float, months: int) -> None:
    """Every churner is within the horizon of a renewal, and nobody else is: AUC up to 0.99 for a good reason."""
    random = np.random.default_rng(8)
    joined = random.uniform(-2 * term_days, 700, 6000)
    left = joined + term_days * random.geometric(leaving, 6000)
    made = Business(joined, left, months=months)
    made.number("days_to_renewal", (made.joined[made.who] - made.day) % term_days)
    made.number("tenure_days", made.day - made.joined[made.who])
    assert made.leaks() == []


@pytest.mark.parametrize(("months", "season"), [(5, 30), (5, 40), (14, 100), (20, 60)])
def test_renewals_that_all_fall_into_one_season_pass(months: int, season: int) -> None:
    """What marked the churners of one season is gone in the next, in five months of history for the first time."""
    random = np.random.default_rng(9)
    joined = 360.0 * random.integers(-2, 2, 5000) + season + random.uniform(0, 120, 5000)
    made = Business(joined, joined + 360.0 * random.geometric(0.25, 5000), months=months)
    made.number("days_to_renewal", (made.joined[made.who] - made.day) % 360)
    assert made.leaks() == []


def test_a_company_that_stops_selling_passes() -> None:
    """Newcomers were the churners, and tonight there are none."""
    random = np.random.default_rng(14)
    joined = random.uniform(-1200, 790, 9000)
    left = joined + np.where(random.random(9000) < 0.5, random.uniform(0, 60, 9000), 9000.0)
    made = Business(joined, left)
    assert made.days[-1] == 840
    assert made.number("tenure_days", made.day - joined[made.who]).leaks() == []


def test_a_trial_offer_that_ended_long_ago_passes() -> None:
    """Those who came by it left in droves while it ran; the newer of the trained months were without it too."""
    random = np.random.default_rng(15)
    joined = random.uniform(-1200, 840, 9000)
    offered = (joined > 360) & (joined < 600)
    left = joined + np.where(offered, random.uniform(0, 90, 9000), 9000.0)
    made = Business(joined, left)
    made.category("offer", offered[made.who], ("none", "trial"))
    assert made.leaks() == []


@pytest.mark.parametrize("look_back", [90, 365])
def test_long_silence_where_nobody_subscribes_passes(look_back: int) -> None:
    """Weekly buyers: who was silent for months is gone, as certain as a copy of the label would be."""
    made = _buyers(look_back)
    silent = made.columns["days_since_last_purchase"]
    assert 0.2 < made.churned.mean() < 0.8
    assert made.churned[silent > 80].mean() > 0.9
    assert made.leaks() == []


def test_a_copy_of_the_label_is_named_where_silence_tells_much() -> None:
    made = _buyers(90)
    assert made.number("copy", made.churned).leaks() == ["copy"]


def _buyers(look_back: int, customers: int = 3000) -> Business:
    random = np.random.default_rng(10)
    first = random.uniform(-300, 800, customers)
    bought = first[:, None] + np.cumsum(random.exponential(7, (customers, 160)), axis=1)
    bought[bought > (first + random.exponential(250, customers))[:, None]] = np.inf
    bought[:, 0] = first
    made = Business(first, np.full(customers, 2000.0))
    before = bought[made.who] < made.day[:, None]
    last = np.where(before, bought[made.who], -np.inf).max(axis=1)
    ahead = (~before & (bought[made.who] < made.day[:, None] + made.horizon)).any(axis=1)
    kept = made.day - last <= look_back
    made.day, made.who, made.churned = made.day[kept], made.who[kept], ~ahead[kept]
    made.number("days_since_last_purchase", np.ceil(made.day - last[kept]))
    recent = before[kept] & (bought[made.who] >= made.day[:, None] - 28)
    return made.number("purchases_28d", recent.sum(axis=1)).number("frequency", before[kept].sum(axis=1) - 1)


def test_growth_a_new_plan_and_a_higher_price_pass() -> None:
    random = np.random.default_rng(11)
    joined = 900 * np.sqrt(random.random(6000))
    left = joined + random.exponential(np.where(random.random(6000) < 0.3, 60, 900))
    made = Business(joined, left)
    age = made.day - joined[made.who]
    made.number("tenure_days", age).number("mrr", np.where(made.day > 780, 60, 40) + random.normal(0, 9, len(age)))
    made.category("plan", np.where(made.day > 780, 2, random.integers(0, 2, len(age))), ("basic", "team", "new"))
    assert made.leaks() == []


def test_usage_that_was_not_delivered_passes() -> None:
    """At scoring time everybody looks silent: bad, but nothing that knows the outcome."""
    made = _subscribers(12)
    tired = made.left[made.who] - made.day < 70
    events = np.where(tired, 0, np.random.default_rng(1).poisson(9, len(tired)))
    assert made.number("events_7d", events).leaks() == []
    assert made.number("events_7d", np.where(made.day == made.days[-1], 0, events)).leaks() == []


def test_the_order_of_customers_changes_nothing() -> None:
    made = _subscribers(13)
    made.category("status", made.gone_by_tonight, ("open", "cancelled"))
    told = [leak.seen for leak in vanishing_features(made.training(), *made.scoring())]
    turned = np.random.default_rng(1).permutation(len(made.joined))
    made.who = turned[made.who]
    order = np.lexsort((made.who, made.day))
    made.day, made.who, made.churned = made.day[order], made.who[order], made.churned[order]
    made.columns = {name: values[order] for name, values in made.columns.items()}
    assert [leak.seen for leak in vanishing_features(made.training(), *made.scoring())] == told

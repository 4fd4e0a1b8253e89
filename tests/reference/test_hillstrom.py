"""Kevin Hillstrom's e-mail test, a real campaign with random arms: what it did, and that nothing did nothing.

Read from ../shared/data beside the checkout; skipped where that is absent.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest
from numpy.typing import NDArray
from scipy.stats import ttest_ind

from churn.retention import mean_difference, newcombe, save_rate, stratified_difference

_DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "hillstrom" / "hillstrom.parquet"
_CONTROL = "No E-Mail"

pytestmark = pytest.mark.skipif(not _DATA.is_file(), reason=f"the e-mail test's data is not at {_DATA}")

Columns = Mapping[str, NDArray[np.float64]]


@pytest.fixture(scope="module")
def arms() -> dict[str, Columns]:
    table = pyarrow.parquet.read_table(_DATA, columns=["segment", "visit", "spend", "channel"])
    arm = np.array(table["segment"].to_pylist())
    _, channel = np.unique(np.array(table["channel"].to_pylist()), return_inverse=True)
    columns = {name: table[name].to_numpy().astype(float) for name in ("visit", "spend")} | {"channel": channel}
    return {name: {key: values[arm == name] for key, values in columns.items()} for name in np.unique(arm)}


def _counts(visits: NDArray[np.float64]) -> tuple[int, int]:
    return int(visits.sum()), len(visits)


def _figures(amounts: NDArray[np.float64]) -> tuple[int, float, float]:
    return len(amounts), float(amounts.mean()), float(amounts.var(ddof=1))


@pytest.mark.parametrize(
    ("arm", "effect", "low", "high"),
    [("Mens E-Mail", 0.0766, 0.0700, 0.0832), ("Womens E-Mail", 0.0452, 0.0389, 0.0516)],
)
def test_the_e_mails_brought_visits(arms: dict[str, Columns], arm: str, effect: float, low: float, high: float) -> None:
    found = newcombe(*_counts(arms[arm]["visit"]), *_counts(arms[_CONTROL]["visit"]))

    assert (found.estimate, found.low, found.high) == pytest.approx((effect, low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("arm", "effect", "low", "high"),
    [("Mens E-Mail", 0.770, 0.485, 1.055), ("Womens E-Mail", 0.424, 0.169, 0.680)],
)
def test_the_e_mails_brought_money(arms: dict[str, Columns], arm: str, effect: float, low: float, high: float) -> None:
    treated, control = arms[arm]["spend"], arms[_CONTROL]["spend"]
    found = mean_difference(*_figures(treated), *_figures(control))
    welch = ttest_ind(treated, control, equal_var=False).confidence_interval()

    assert (found.estimate, found.low, found.high) == pytest.approx((effect, low, high), abs=5e-4)
    assert (found.low, found.high) == pytest.approx((welch.low, welch.high))


@pytest.mark.parametrize("arm", ["Mens E-Mail", "Womens E-Mail"])
def test_strata_of_a_random_campaign_change_little(arms: dict[str, Columns], arm: str) -> None:
    def counts(side: Columns) -> tuple[NDArray[Any], NDArray[Any]]:
        channel = side["channel"].astype(int)
        return np.bincount(channel, side["visit"], 3), np.bincount(channel, minlength=3)

    found = stratified_difference(*counts(arms[arm]), *counts(arms[_CONTROL]))
    plain = newcombe(*_counts(arms[arm]["visit"]), *_counts(arms[_CONTROL]["visit"]))

    assert found.merged == ()
    assert (found.estimate, found.low, found.high) == pytest.approx((plain.estimate, plain.low, plain.high), abs=5e-4)


def test_those_who_would_not_have_come_are_fewer_by_a_save_rate_with_its_interval(arms: dict[str, Columns]) -> None:
    away = [(count - visits, count) for visits, count in (_counts(arms[a]["visit"]) for a in ("Mens E-Mail", _CONTROL))]
    found = save_rate(*away[0], *away[1])

    assert found.rate == pytest.approx(1 - (1 - 0.182757) / (1 - 0.106167), abs=1e-5)
    assert found.low < found.rate < found.high
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * np.sqrt(found.variance), rel=0.01)


def test_random_halves_of_those_left_alone_show_an_effect_as_often_as_chance_does(arms: dict[str, Columns]) -> None:
    visits = arms[_CONTROL]["visit"]
    random = np.random.default_rng(2008)
    shown = 0
    for _ in range(200):
        halves = np.array_split(random.permutation(visits), 2)
        found = newcombe(*_counts(halves[0]), *_counts(halves[1]))
        shown += not found.low <= 0 <= found.high

    assert 3 <= shown <= 19

"""The list earns the most that its size, budget and capacities allow, whatever the order of the customers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp

from churn.errors import ModelError
from churn.retention import Choice, choose

NAN, NO = float("nan"), -float("inf")


def _choose(net: Any, costs: Any, **changes: Any) -> Choice:
    values = np.asarray(net, dtype=float)
    wanted: dict[str, Any] = {
        "list_size": len(values),
        "budget": None,
        "capacities": [None] * len(costs),
        "minimum_value": 0.0,
        "customer_ids": [f"c{i:04}" for i in range(len(values))],
        "risk_score": np.zeros(len(values)),
    }
    return choose(values, costs, **(wanted | changes))


def _total(net: NDArray[np.float64], choice: Choice) -> float:
    return float(net[choice.listed, choice.offer[choice.listed]].sum())


def _best_total(
    net: NDArray[np.float64],
    costs: NDArray[np.float64],
    list_size: int,
    budget: float,
    capacities: Sequence[int | None],
) -> float:
    """Solve the same by branch and bound."""
    customer, offer = np.nonzero(net > 0)
    if len(customer) == 0:
        return 0.0
    rows = [customer == i for i in range(len(net))] + [offer == o for o in range(len(costs))]
    rows += [np.ones(len(customer)), costs[offer]]
    limits = [1.0] * len(net) + [np.inf if c is None else float(c) for c in capacities] + [float(list_size), budget]
    within = LinearConstraint(np.array(rows, dtype=float), -np.inf, limits)
    found = milp(-net[customer, offer], constraints=within, integrality=np.ones(len(customer)), bounds=Bounds(0, 1))
    assert found.status == 0
    return -float(found.fun)


def _instance(seed: int, customers: int = 25, offers: int = 3) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    random = np.random.default_rng(seed)
    net = random.lognormal(3, 1, (customers, 1)) * random.uniform(0.2, 1, (customers, offers)) - 8
    net[random.random(net.shape) < 0.3] = NO
    return net, random.choice([0.0, 1.0, 4.0, 10.0, 25.0], offers, replace=False)


def _check_limits(choice: Choice, costs: Any, list_size: int, budget: float, capacities: Sequence[int | None]) -> None:
    made = choice.offer[choice.listed]
    counts = np.bincount(made, minlength=len(costs))
    assert len(set(choice.listed.tolist())) == len(made) <= list_size
    assert counts @ np.asarray(costs) <= budget * (1 + 1e-8)
    assert all(limit is None or count <= limit for count, limit in zip(counts, capacities, strict=True))
    assert set(np.flatnonzero(choice.status == "listed")) == set(choice.listed.tolist())


# --- as good as the best ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(30))
def test_without_a_budget_the_list_is_the_best_there_is(seed: int) -> None:
    net, costs = _instance(seed)
    cases: list[tuple[int, list[int | None]]] = [(25, [None] * 3), (8, [None] * 3), (12, [2, 3, None]), (25, [4] * 3)]
    for list_size, capacities in cases:
        choice = _choose(net, costs, list_size=list_size, capacities=capacities)

        _check_limits(choice, costs, list_size, np.inf, capacities)
        assert _total(net, choice) == pytest.approx(_best_total(net, costs, list_size, np.inf, capacities), abs=1e-6)


@pytest.mark.parametrize(("customers", "list_size", "mean", "most"), [(25, 15, 0.02, 0.15), (200, 60, 0.002, 0.02)])
def test_within_a_budget_at_most_a_few_customers_worth_is_missing_and_little_in_the_mean(
    customers: int, list_size: int, mean: float, most: float
) -> None:
    gaps = []
    for seed in range(30):
        net, costs = _instance(100 + seed, customers=customers)
        capacities: list[int | None] = [5, None, list_size // 5] if seed % 2 else [None] * 3
        budget, parts = list_size * (1.0 + seed % 4), [1, 3][seed % 2]
        choice = _choose(net, costs, list_size=list_size, budget=budget, capacities=capacities)

        _check_limits(choice, costs, list_size, budget, capacities)
        best = _best_total(net, costs, list_size, budget, capacities)
        gaps.append((best - _total(net, choice)) / best)
        assert -1e-9 <= gaps[-1] * best <= parts * net.max()

    assert np.mean(gaps) < mean
    assert max(gaps) < most


def test_a_hundred_thousand_customers_and_five_offers_take_seconds() -> None:
    net, costs = _instance(7, customers=100_000, offers=5)
    started = time.monotonic()

    free = _choose(net, costs, list_size=500)
    tight = _choose(net, costs, list_size=500, budget=1_500.0, capacities=[100, 100, 100, 100, None])

    assert time.monotonic() - started < 15
    assert len(free.listed) == 500
    _check_limits(tight, costs, 500, 1_500.0, [100, 100, 100, 100, None])
    assert _total(net, tight) < _total(net, free)


def test_a_long_list_of_customers_of_very_different_worth_within_a_budget_and_capacities_takes_seconds() -> None:
    random = np.random.default_rng(7)
    net = random.lognormal(3, 4.5, (100_000, 1)) * random.uniform(0.2, 1, (100_000, 5)) - 8
    net[random.random(net.shape) < 0.3] = NO
    costs, capacities = [0.5, 1.0, 4.0, 10.0, 25.0], [None, None, None, 5_000, 3_000]
    started = time.process_time()

    choice = _choose(net, costs, list_size=50_000, budget=100_000.0, capacities=capacities)

    assert time.process_time() - started < 20
    _check_limits(choice, costs, 50_000, 100_000.0, capacities)
    assert len(choice.listed) > 30_000


@pytest.mark.parametrize(("budget", "capacities"), [(None, [300, None, 200]), (9_000.0, [None] * 3)])
def test_leaving_only_the_close_ones_to_the_solver_gives_as_much(
    budget: float | None, capacities: list[int | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    net, costs = _instance(3, customers=3_000)
    limits: dict[str, Any] = {"list_size": 1_500, "budget": budget, "capacities": capacities}
    whole = _choose(net, costs, **limits)

    monkeypatch.setattr("churn.retention.sifting._OPEN", (600, 600, 1_200))
    monkeypatch.setattr("churn.retention.sifting._greedy", None)
    sifted = _choose(net, costs, **limits)

    _check_limits(sifted, costs, 1_500, budget or np.inf, capacities)
    assert _total(net, sifted) == pytest.approx(_total(net, whole), rel=1e-4)


def test_where_the_solver_gives_up_the_list_is_made_down_the_worth_per_price(monkeypatch: pytest.MonkeyPatch) -> None:
    net, costs = _instance(3, customers=600)
    limits: dict[str, Any] = {"list_size": 300, "budget": 900.0, "capacities": [60, None, 50]}
    best = _choose(net, costs, **limits)

    monkeypatch.setattr("churn.retention.sifting._MOST_STEPS", 1)
    greedy = _choose(net, costs, **limits)

    _check_limits(greedy, costs, 300, 900.0, [60, None, 50])
    assert 0.8 * _total(net, best) <= _total(net, greedy) <= _total(net, best) * (1 + 1e-3)


# --- whatever the order -------------------------------------------------------------------------------------------

_FEW = st.sampled_from([NO, -1.0, 0.5, 1.0, 2.0, 3.0])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(_FEW, _FEW, st.sampled_from([NAN, 0.1, 0.2])), min_size=1, max_size=12),
    st.integers(0, 13),
    st.sampled_from([None, 0.0, 3.0, 7.0]),
    st.sampled_from([[None, None], [2, None], [1, 2]]),
    st.integers(0, 1000),
)
def test_neither_the_order_of_customers_nor_equals_change_who_gets_what(
    rows: list[tuple[float, float, float]], size: int, budget: float | None, capacities: list[int | None], mix: int
) -> None:
    net, risk = np.array([row[:2] for row in rows]), np.array([row[2] for row in rows])
    ids, costs = [f"c{i:02}" for i in range(len(rows))], np.array([1.0, 2.0])
    limits: dict[str, Any] = {"list_size": size, "budget": budget, "capacities": capacities}

    choice = _choose(net, costs, customer_ids=ids, risk_score=risk, **limits)
    order = np.random.default_rng(mix).permutation(len(rows))
    mixed = _choose(net[order], costs, customer_ids=[ids[i] for i in order], risk_score=risk[order], **limits)

    assert [ids[order[i]] for i in mixed.listed] == [ids[i] for i in choice.listed]
    assert mixed.offer.tolist() == choice.offer[order].tolist()
    assert mixed.status.tolist() == choice.status[order].tolist()
    _check_limits(choice, costs, size, np.inf if budget is None else budget, capacities)
    best = _best_total(net, costs, size, np.inf if budget is None else budget, capacities)
    assert best - _total(net, choice) <= (0 if budget is None else len(costs) * max(net.max(), 0)) + 1e-6


def test_of_equals_the_riskier_and_then_the_first_by_name_is_listed_also_within_a_budget() -> None:
    net, ids, risk = [[5.0]] * 4, ["d", "B", "a", "c"], [0.3, 0.2, 0.2, 0.2]
    free = _choose(net, [1.0], list_size=3, customer_ids=ids, risk_score=risk)
    tight = _choose(net, [1.0], budget=3.0, customer_ids=ids, risk_score=risk)

    assert [ids[i] for i in free.listed] == [ids[i] for i in tight.listed] == ["d", "B", "a"]


def test_the_list_goes_from_the_most_to_the_least_net_value() -> None:
    assert _choose([[2.0], [9.0], [4.0]], [1.0]).listed.tolist() == [1, 2, 0]


def test_of_offers_worth_the_same_the_cheaper_is_made() -> None:
    assert _choose([[4.0, 4.0]], [3.0, 2.0]).offer.tolist() == [1]


# --- who is left alone, and why -----------------------------------------------------------------------------------


def test_everybody_is_told_apart_by_why_they_are_not_listed() -> None:
    net = [[9.0], [8.0], [7.0], [6.0], [1.0], [0.0], [-2.0], [NO], [NAN]]
    choice = _choose(net, [10.0], list_size=3, budget=20.0, minimum_value=2.0)

    assert choice.status.tolist() == ["listed"] * 2 + ["over budget", "over capacity", "below minimum", "", "", "", ""]
    assert choice.offer.tolist() == [0] * 5 + [-1] * 4


def test_an_offer_that_runs_out_goes_to_whom_it_serves_most_and_others_get_the_next_best() -> None:
    choice = _choose([[9.0, 8.0], [9.0, 1.0], [5.0, NO]], [1.0, 1.0], capacities=[1, None])

    assert choice.offer.tolist() == [1, 0, 0]
    assert choice.status.tolist() == ["listed", "listed", "over capacity"]


def test_nobody_is_contacted_who_is_not_expected_to_pay_however_long_the_list() -> None:
    choice = _choose([[-1.0, NO], [0.0, -3.0]], [1.0, 1.0], list_size=10)

    assert choice.listed.tolist() == []
    assert choice.offer.tolist() == [-1, -1]


def test_a_list_without_places_money_or_customers_is_empty() -> None:
    assert _choose([[5.0]], [1.0], list_size=0).status.tolist() == ["over capacity"]
    assert _choose([[5.0]], [1.0], budget=0.0).status.tolist() == ["over budget"]
    assert len(_choose(np.empty((0, 1)), [1.0]).listed) == 0


def test_a_free_offer_needs_no_budget() -> None:
    assert _choose([[5.0, 4.0]], [1.0, 0.0], budget=0.0).offer.tolist() == [1]


def test_without_a_model_the_riskiest_get_the_cheapest_offer_that_is_left_and_affordable() -> None:
    net = [[NAN, NAN], [NAN, NAN], [NO, NO], [NO, NAN], [NAN, NO], [NAN, NAN]]
    risk = [0.5, 0.9, 1.0, 0.8, NAN, 0.9]
    limits: dict[str, Any] = {"risk_score": risk, "customer_ids": list("fbdeca"), "capacities": [2, None]}

    assert _choose(net, [1.0, 4.0], list_size=4, **limits).listed.tolist() == [5, 1, 3, 0]
    assert _choose(net, [1.0, 4.0], list_size=4, **limits).offer.tolist() == [1, 0, -1, 1, -1, 0]
    assert _choose(net, [1.0, 4.0], budget=3.0, **limits).listed.tolist() == [5, 1]


@pytest.mark.parametrize(
    "changes", [{"customer_ids": ["a"]}, {"capacities": [None]}, {"risk_score": [0.1]}, {"costs": [1.0, -1.0]}]
)
def test_what_does_not_fit_together_is_refused(changes: dict[str, Any]) -> None:
    costs = changes.pop("costs", [1.0, 2.0])
    with pytest.raises(ModelError):
        _choose([[1.0, 2.0], [1.0, 2.0]], costs, **changes)


def test_an_infinite_worth_is_refused() -> None:
    with pytest.raises(ModelError, match="worth"):
        _choose([[float("inf")]], [1.0])

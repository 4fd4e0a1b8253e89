"""Contractual CLV on the simulated company: the year after training, held against what was predicted.

The retention curves and the panel are those that training sees as of its date; the later month ends say what was
paid. What only the simulation knows is how long each customer would be expected to stay: the product of the daily
hazards, which do not depend on who left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from scipy.stats import spearmanr

from benchmarks.clv_contracts import SHARE, TOLERANCE, life_of, randomised_pit, tiers
from benchmarks.companies import Matrix, Recipe
from benchmarks.tables import number
from churn.clv import ClvValues, Contracts, ContractualModel, Economics, Panel, contractual_clv, fit_contractual
from churn.clv.contractual_value import predictive_draws
from churn.clv.values import DAYS_PER_MONTH, Floats
from churn.demo.company import Company, CompanySettings, simulate_company
from churn.matrix import Batch
from churn.risk import score_batches
from churn.risk.data import Integers, TrainingSet
from churn.risk.evaluation import MODEL
from churn.risk.training import TrainingResult
from churn.windows import add_months

MONTHS = 12
TOTAL_WITHIN, DECILE_WITHIN, LEAST_RANK = 0.05, 0.10, 0.95
TIERS = ("low", "medium", "high")
_Z80 = 1.2816
ECONOMICS = Economics(horizon_days=30, horizon_months=MONTHS, annual_discount_rate=0.10, gross_margin=0.8)


@dataclass(frozen=True)
class ValuedYear:
    """How the CLV of one company's customers came out; ratios are predicted over realised.

    Attributes
    ----------
    seed : int
    total, naive_total : float
        Of the model, and of mrr x 12.
    by_risk, by_clv : ndarray of float64, shape (10,)
        By decile of churn probability and of CLV.
    naive_by_risk, naive_by_clv : ndarray of float64, shape (10,)
        mrr x 12 in the same deciles.
    rank, best_rank : float
        Spearman of CLV / mrr with the true expected months, with the model's and with the ceiling's probabilities.
    inside : tuple of float
        Share of customers whose randomised PIT lies within 0.1 to 0.9: all, then by value tier, low to high.
    z : float
        Realised less predicted total, in sds of the total's predictive distribution.
    sd : float
        That sd as a share of the prediction.
    """

    seed: int
    total: float
    naive_total: float
    by_risk: Floats
    by_clv: Floats
    naive_by_risk: Floats
    naive_by_clv: Floats
    rank: float
    best_rank: float
    inside: tuple[float, ...]
    z: float
    sd: float


def clv_company(
    recipe: Recipe, matrix: Matrix, learned: Matrix, result: TrainingResult, ceiling: Floats, trained: date
) -> ValuedYear:
    """Value a company's customers as of its training, and hold the values against the year after.

    Parameters
    ----------
    recipe : Recipe
    matrix : Matrix
        All month ends of the company.
    learned : Matrix
        Those that the training saw.
    result : TrainingResult
    ceiling : ndarray of float64, shape (n,)
        The ceiling's probability of each customer of `matrix` at `trained`.
    trained : date
    """
    company = simulated(recipe)
    night = matrix.months(trained, trained).data
    check_keys(company, night)
    model = fitted(company, learned.data, result)
    contracts, keys = contracts_of(company, night), night.customer_keys
    p = scores_of(night, result, trained)
    values = _values(model, contracts, p, keys, recipe.seed)
    paid, months = _paid(company, keys, trained), _expected_months(company, keys, trained)
    best = _values(model, contracts, ceiling, keys, recipe.seed)
    draws = predictive_draws(model, contracts, p, economics=ECONOMICS, customer_keys=keys, seed=recipe.seed)
    return _year(recipe.seed, values, best, contracts.mrr, p, paid, months, randomised_pit(draws, paid, recipe.seed))


def clv_criteria(found: Sequence[ValuedYear]) -> list[tuple[str, bool]]:
    """Return each criterion over the companies in words with its figures, and whether it holds."""
    ranks = [one.rank / one.best_rank for one in found]
    covered, least = sum(abs(one.z) <= _Z80 for one in found), int(np.ceil(0.6 * len(found)))
    ahead = [_ahead(one) for one in found]
    return [
        _ratios("total CLV over what was paid", [np.array([one.total]) for one in found], TOTAL_WITHIN),
        _ratios("the same by decile of churn probability", [one.by_risk for one in found], DECILE_WITHIN),
        _ratios("the same by decile of CLV", [one.by_clv for one in found], DECILE_WITHIN),
        (
            f"rank correlation of CLV / mrr with the true expected months: {float(np.mean(ranks)):.3f} of what the "
            f"ceiling's probabilities give, mean of {_listed(ranks)} (at least {LEAST_RANK})",
            float(np.mean(ranks)) >= LEAST_RANK,
        ),
        (
            f"better than mrr × 12 (its totals over what was paid: {_listed([one.naive_total for one in found])}), "
            f"in total and by the mean error of both kinds of decile, in {sum(ahead)} of {len(found)} companies",
            all(ahead),
        ),
        _calibrated(found),
        (
            f"the total paid lies within its 80 % interval in {covered} of {len(found)} companies (at least {least}; "
            f"sds off: {_listed([one.z for one in found], 1)}; sd {_listed([100 * one.sd for one in found], 1)} %)",
            covered >= least,
        ),
    ]


def _ratios(words: str, ratios: Sequence[Floats], within: float) -> tuple[str, bool]:
    worst = [float(each[np.argmax(np.abs(each - 1))]) for each in ratios]
    mean = np.mean(ratios, axis=0)
    off = float(mean[np.argmax(np.abs(mean - 1))])
    alone = f"furthest from 1 in each company {_listed(worst, 3)}"
    text = f"{words}: {alone} (within {within:.0%}); of the means over companies {off:.3f}"
    return text, all(abs(each - 1) <= within for each in worst)


def _calibrated(found: Sequence[ValuedYear]) -> tuple[str, bool]:
    means = np.mean([one.inside for one in found], axis=0)
    parts = [
        f"{name} {mean:.3f} ({_listed([one.inside[place] for one in found], 3)})"
        for place, (name, mean) in enumerate(zip(("all", *TIERS), means, strict=True))
    ]
    words = f"share of customers within their central 80 %, mean over companies ({SHARE} ± {TOLERANCE}): "
    return words + "; ".join(parts), bool(np.all(np.abs(means - SHARE) <= TOLERANCE + 1e-9))


def _ahead(one: ValuedYear) -> bool:
    pairs = ((one.by_risk, one.naive_by_risk), (one.by_clv, one.naive_by_clv))
    by_decile = all(np.abs(own - 1).mean() < np.abs(naive - 1).mean() for own, naive in pairs)
    return by_decile and abs(one.total - 1) < abs(one.naive_total - 1)


def _listed(values: Sequence[float], digits: int = 2) -> str:
    return ", ".join(number(value, digits) for value in values)


# --- what the model is given --------------------------------------------------------------------------------------


def fitted(company: Company, data: TrainingSet, result: TrainingResult) -> ContractualModel:
    """Fit the model on what a training saw."""
    walk, base = result.walk, np.int64(10**9)
    order = np.searchsorted(data.as_of * base + data.customer_keys, walk.as_of * base + walk.customer_keys)
    p = np.full(len(data), np.nan)
    p[order] = walk.probability[MODEL]
    panel = Panel(data.customer_keys, data.as_of, contracts_of(company, data), p, data.weight, data.churned)
    return fit_contractual(life_of(panel), panel, horizon_days=ECONOMICS.horizon_days)


def contracts_of(company: Company, data: TrainingSet) -> Contracts:
    """Return the contracts of some customer-months; a running discount's end is agreed beforehand."""
    levels = np.array([*data.names.levels[data.names.categories.index("plan")], ""], dtype=object)
    mrr, tenure, billing, renewal = (
        data.numbers[:, data.names.numbers.index(name)].astype(np.float64)
        for name in ("mrr", "paid_tenure_days", "billing_months", "days_to_renewal")
    )
    plan = data.codes[:, data.names.categories.index("plan")]
    return Contracts(mrr, tenure, billing, renewal, _discount_days(company, data), levels[plan])


def _discount_days(company: Company, data: TrainingSet) -> Floats:
    found = np.full(len(data), np.nan)
    rows = company.history.subscriptions
    for as_of in np.unique(data.as_of):
        day = company.timeline.index(date.fromordinal(int(as_of)))
        running = (rows["mrr"] > 0) & (rows["start_day"] < day) & (day <= rows["end_day"])
        running &= (day <= rows["discount_day"]) & (rows["discount_day"] < company.timeline.days + 366)
        days = np.full(len(company.people), np.nan)
        days[rows["customer"][running]] = rows["discount_day"][running] - day
        now = data.as_of == as_of
        found[now] = days[data.customer_keys[now] - 1]
    return found


def scores_of(night: TrainingSet, result: TrainingResult, as_of: date) -> Floats:
    """Return a night's churn probabilities by the model that a training made."""
    batch = Batch(night.customer_keys, night.numbers, night.codes)
    scored = score_batches(result.model, night.names, [batch], as_of=as_of, threads=1)
    return np.concatenate([part.churn_probability for part in scored]).astype(np.float64)


# --- what happened ------------------------------------------------------------------------------------------------


def simulated(recipe: Recipe) -> Company:
    """Simulate the company of a recipe anew."""
    return simulate_company(
        CompanySettings(
            as_of=recipe.as_of, seed=recipe.seed, customers=recipe.customers, future_days=recipe.future_days
        )
    )


def check_keys(company: Company, night: TrainingSet) -> None:
    """Refuse a matrix whose keys do not count the company's customers in their order of sign-up."""
    day = company.timeline.index(date.fromordinal(int(night.as_of[0])))
    tenure = night.numbers[:, night.names.numbers.index("tenure_days")]
    if not np.array_equal(company.people.signup_day[night.customer_keys - 1], day - tenure):
        raise ValueError("the matrix is of another company than the simulation")


def _paid(company: Company, keys: Integers, trained: date) -> Floats:
    """Return the discounted margin of what was paid for at the next 12 month ends."""
    rows, count = company.history.subscriptions, len(company.people)
    paid = np.zeros((len(keys), MONTHS))
    for month in range(MONTHS):
        day = company.timeline.index(add_months(trained, month + 1))
        active = (rows["mrr"] > 0) & (rows["start_day"] < day) & (day <= rows["end_day"])
        mrr = np.bincount(rows["customer"][active], weights=rows["mrr"][active], minlength=count)
        paid[:, month] = mrr[keys - 1]
    return np.asarray(paid @ ECONOMICS.discount_factors() * ECONOMICS.gross_margin)


def _expected_months(company: Company, keys: Integers, trained: date) -> Floats:
    """Return how many of the next 12 month ends a customer is expected to see, by the true hazards."""
    first = company.timeline.index(trained)
    ends = np.round(np.arange(1, MONTHS + 1) * DAYS_PER_MONTH).astype(np.int64)
    hazard = company.history.hazard[keys - 1, first : first + ends[-1]].astype(np.float64)
    return np.asarray(np.exp(np.cumsum(np.log1p(-hazard), axis=1))[:, ends - 1].sum(axis=1))


def _values(model: ContractualModel, contracts: Contracts, p: Floats, keys: Integers, seed: int) -> ClvValues:
    return contractual_clv(model, contracts, p, economics=ECONOMICS, customer_keys=keys, seed=seed)


def _year(
    seed: int, values: ClvValues, best: ClvValues, mrr: Floats, p: Floats, paid: Floats, months: Floats, pit: Floats
) -> ValuedYear:  # fmt: skip
    naive = mrr * ECONOMICS.gross_margin * MONTHS
    tier, inside = tiers(values.clv), (pit >= 0.1) & (pit <= 0.9)
    variance = values.variance.sum() + (values.shifts.sum(axis=0) ** 2).sum()
    sd, total = float(np.sqrt(variance)), float(values.clv.sum())
    return ValuedYear(
        seed,
        total / float(paid.sum()),
        float(naive.sum() / paid.sum()),
        _by_decile(p, values.clv, paid),
        _by_decile(values.clv, values.clv, paid),
        _by_decile(p, naive, paid),
        _by_decile(values.clv, naive, paid),
        float(spearmanr(values.clv / mrr, months).statistic),
        float(spearmanr(best.clv / mrr, months).statistic),
        (float(inside.mean()), *(float(inside[tier == place].mean()) for place in range(len(TIERS)))),
        (float(paid.sum()) - total) / sd,
        sd / total,
    )


def _by_decile(order: Floats, predicted: Floats, paid: Floats) -> Floats:
    parts = np.array_split(np.argsort(order, kind="stable"), 10)
    return np.array([float(predicted[part].sum() / paid[part].sum()) for part in parts])

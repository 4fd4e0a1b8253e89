"""What a list by expected net value earns, and whether a campaign's interval holds the truth.

The product chooses by its own model's probabilities and values, with the default offer; judged is by true expected
effects. The interval is judged over draws of the holdout: who is in it and who leaves is drawn anew each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from benchmarks.campaign_worlds import ScoredCompany
from benchmarks.tables import number, table
from churn.config import RetentionSection
from churn.retention import (
    TREATMENT,
    Difference,
    assign_arms,
    choose,
    expected_net_value,
    mean_difference,
    stratified_difference,
)
from churn.risk.data import Floats

COVERED = (0.93, 0.97)
REASSIGNMENTS = 1_000
LIST_SIZE = 150
_SEED = 515
_LEVEL = 0.95
_TERMS = RetentionSection()


CAMPAIGN_WORDS = (
    "Companies of some thousand customers, each with a model of its own. Contacting multiplies a customer's hazard "
    "within the horizon: most leave less often, but *sleeping dogs* more often. What a list earns is the sum of (true "
    "p left alone − true p contacted) × what staying is truly worth over 12 months, less the cost of the contact. Both "
    "lists have the size that the list by expected net value comes to. The holdout is drawn anew each time, and "
    "everybody leaves or stays anew by their true probability; strata are plan and risk band. Revenue is that of the "
    "horizon; it is printed, not judged: a few large customers in a small holdout make Welch's interval too short."
)


@dataclass(frozen=True)
class Gain:
    """What lists of the same size earn in one company, in true expected effects and the business's currency.

    Attributes
    ----------
    seed, customers, listed : int
    by_value, by_probability : float
        Of the list by expected net value and of that by churn probability.
    best : float
        Of the list that knows every effect.
    """

    seed: int
    customers: int
    listed: int
    by_value: float
    by_probability: float
    best: float


@dataclass(frozen=True)
class Coverage:
    """How often the interval of a campaign's effect held the truth, over draws of its holdout.

    Attributes
    ----------
    seed, listed, draws : int
    holdout_share : float
    effect, revenue : float
        True: by how much contacting lowers the list's churn rate, and raises its revenue per customer.
    covered, revenue_covered : float
        Share of the draws whose 95 % interval holds it.
    bias : float
        Mean estimate less the true effect, in standard errors of that mean.
    """

    seed: int
    listed: int
    draws: int
    holdout_share: float
    effect: float
    revenue: float
    covered: float
    revenue_covered: float
    bias: float


def gain_of(company: ScoredCompany, list_size: int = LIST_SIZE) -> Gain:
    """Choose both lists as the product does, and add up what they truly bring.

    The list by churn probability is as long as the other one; customers whose contact is not expected to pay make that
    one shorter than `list_size`.
    """
    (offer,) = _TERMS.all_offers
    earned = (company.truth - company.contacted) * company.worth - offer.cost
    listed = listed_by_value(company, list_size)
    riskiest_first = np.lexsort((np.array(company.customer_ids), -company.churn_probability))
    by_probability = riskiest_first[: len(listed)]
    best = np.sort(earned)[::-1][: len(listed)]
    return Gain(
        company.seed,
        len(company.truth),
        len(listed),
        float(earned[listed].sum()),
        float(earned[by_probability].sum()),
        float(best.sum()),
    )


def listed_by_value(company: ScoredCompany, list_size: int) -> NDArray[np.intp]:
    """Return the positions of the customers on the product's own list."""
    (offer,) = _TERMS.all_offers
    rates = np.full((len(company.truth), 1), offer.save_rate)
    net = expected_net_value(company.value_at_risk, rates, [offer.cost], _TERMS.saved_value_share)
    return choose(
        net,
        [offer.cost],
        list_size=list_size,
        budget=_TERMS.budget,
        capacities=[offer.capacity],
        minimum_value=_TERMS.minimum_value,
        customer_ids=company.customer_ids,
        risk_score=company.churn_probability,
    ).listed


def coverage_of(company: ScoredCompany, list_size: int, holdout_share: float, draws: int = REASSIGNMENTS) -> Coverage:
    """Draw the holdout of one list again and again, let customers leave by their true probabilities, and measure."""
    listed = listed_by_value(company, list_size)
    p, contacted, mrr = company.truth[listed], company.contacted[listed], company.mrr[listed]
    _, stratum = np.unique(company.stratum[listed], return_inverse=True)
    ids = [company.customer_ids[place] for place in listed]
    effect, revenue = float((p - contacted).mean()), float((mrr * (p - contacted)).mean())
    random = np.random.default_rng([_SEED, company.seed])
    found = []
    for draw in range(draws):
        arms = assign_arms(ids, seed=draw, campaign="evaluation", holdout_share=holdout_share)
        is_treated = arms == TREATMENT
        stayed = random.random(len(listed)) >= np.where(is_treated, contacted, p)
        found.append((_retained(stayed, is_treated, stratum), _revenue(stayed * mrr, is_treated, stratum)))
    estimates = np.array([retained.estimate for retained, _ in found])
    return Coverage(
        company.seed,
        len(listed),
        draws,
        holdout_share,
        effect,
        revenue,
        _share_holding(effect, [retained for retained, _ in found]),
        _share_holding(revenue, [money for _, money in found]),
        float((estimates.mean() - effect) / (estimates.std(ddof=1) / np.sqrt(draws))),
    )


def _retained(stayed: NDArray[np.bool_], is_treated: NDArray[np.bool_], stratum: NDArray[np.intp]) -> Difference:
    count = int(stratum.max()) + 1
    (x_t, n_t), (x_c, n_c) = (
        (np.bincount(stratum[side & stayed], minlength=count), np.bincount(stratum[side], minlength=count))
        for side in (is_treated, ~is_treated)
    )
    return stratified_difference(x_t, n_t, x_c, n_c, _LEVEL)


def _revenue(amount: Floats, is_treated: NDArray[np.bool_], stratum: NDArray[np.intp]) -> Difference:
    count = int(stratum.max()) + 1

    def figures(side: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
        n = np.bincount(stratum[side], minlength=count).astype(np.float64)
        mean = np.bincount(stratum[side], amount[side], count) / np.maximum(n, 1)
        squares = np.bincount(stratum[side], (amount[side] - mean[stratum[side]]) ** 2, count)
        return n, mean, squares / np.maximum(n - 1, 1)

    return mean_difference(*figures(is_treated), *figures(~is_treated), _LEVEL)


def _share_holding(truth: float, found: Sequence[Difference]) -> float:
    return float(np.mean([one.low <= truth <= one.high for one in found]))


# --- what is said of it -------------------------------------------------------------------------------------------


def mean_gain(found: Sequence[Gain]) -> tuple[float, float, float]:
    """Return the mean paired gain over companies and its 95 % interval by Student's t."""
    gains = np.array([one.by_value - one.by_probability for one in found])
    half = float(student.ppf((1 + _LEVEL) / 2, len(gains) - 1) * gains.std(ddof=1) / np.sqrt(len(gains)))
    return float(gains.mean()), float(gains.mean()) - half, float(gains.mean()) + half


def campaign_criteria(gains: Sequence[Gain], coverages: Sequence[Coverage]) -> list[tuple[str, bool]]:
    """Return each criterion in words with its figures, and whether it holds."""
    mean, low, high = mean_gain(gains)
    ahead = sum(one.by_value > one.by_probability for one in gains)
    earned = (
        f"the list by expected net value earns {mean:,.0f} more than that by churn probability at the same size, mean "
        f"of {len(gains)} companies in true expected effects (95 % interval {low:,.0f} to {high:,.0f}, above 0 wanted; "
        f"more in {ahead} of them)"
    )
    shares = [one.covered for one in coverages]
    covered = (
        f"over {coverages[0].draws:,} reassignments of each of {len(coverages)} lists and holdout shares, the 95 % "
        f"interval of the retained share holds the true effect in {np.mean(shares):.1%}, by list {min(shares):.1%} to "
        f"{max(shares):.1%} ({COVERED[0]:.0%} to {COVERED[1]:.0%} wanted)"
    )
    return [(earned, low > 0), (covered, COVERED[0] <= float(np.mean(shares)) <= COVERED[1])]


def campaign_tables(gains: Sequence[Gain], coverages: Sequence[Coverage]) -> str:
    """Return what every list earned, and every coverage."""
    earned = table(
        ("seed", "customers", "listed", "by net value", "by probability", "gain", "knowing every effect"),
        [
            (
                str(one.seed),
                f"{one.customers:,}",
                str(one.listed),
                *(number(value, 0) for value in (one.by_value, one.by_probability)),
                number(one.by_value - one.by_probability, 0),
                number(one.best, 0),
            )
            for one in gains
        ],
    )
    held = table(
        ("seed", "listed", "held out", "true effect", "covered", "mean off, in se", "true revenue", "covered"),
        [
            (
                str(one.seed),
                str(one.listed),
                f"{one.holdout_share:.0%}",
                number(one.effect, 4),
                f"{one.covered:.1%}",
                number(one.bias, 1),
                number(one.revenue, 2),
                f"{one.revenue_covered:.1%}",
            )
            for one in coverages
        ],
    )
    return f"{earned}\n\n{held}"

"""CLV where churn is inactivity: BG/NBD for purchases, gamma-gamma for value, the calibrated p to weigh them.

Within BG/NBD, with D(T) the discounted purchases of a customer alive at T, q the chance that such a customer
stays silent for the churn horizon h, and D_h the discounted purchases after h of one alive and silent until
then:

    V^S = value * (D - q D_h) / (1 - q)                         bought at least once within h
    V^L = value * P(alive at T + h | silent until then) * D_h   did not, but may return

V^S is (CLV - p V^L) / (1 - p) with the chance of being alive cancelled by hand, so that it stays exact for
customers who are almost surely gone. The calibrated churn probability then weighs the two (methods.md B).
Purchases of month k count as paid at its end, as in the contractual CLV. The intervals are `churn.clv.predictive`'s.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from churn.clv.bg_nbd import (
    QUADRATURE_NODES,
    BgNbdParams,
    alive_share,
    probability_no_purchase,
    purchases_given_alive,
    silence_given_alive,
)
from churn.clv.gamma_gamma import GammaGammaParams, expected_average_value
from churn.clv.inactivity_model import InactivityModel
from churn.clv.pareto_nbd import p_alive
from churn.clv.predictive import Prospects, Story, spread
from churn.clv.purchases import check_purchases
from churn.clv.values import (
    DAYS_PER_MONTH,
    ClvValues,
    Economics,
    Floats,
    as_floats,
    check_probabilities,
    check_same_length,
)

SHIFT = 1e-3
"""Step, in logarithms of parameters, over which CLV is differentiated."""

COARSE_NODES = 16
COARSE_ENDS = 4


@dataclass(frozen=True)
class InactivityClv:
    """CLV by inactivity.

    Attributes
    ----------
    values : ClvValues
    expected_purchases : ndarray of float64, shape (n,)
        Within the churn horizon, consistent with the churn probability that was passed in.
    p_alive : ndarray of float64, shape (n,)
        Chance that the customer has not dropped out, by Pareto/NBD from the purchases alone; NaN where the model has
        none, for instance because the purchases do not tell whether anybody drops out.
    purchase_probability : ndarray of float64, shape (n,)
        Chance of at least one purchase within the churn horizon: 1 - the churn probability.
    """

    values: ClvValues
    expected_purchases: Floats
    p_alive: Floats
    purchase_probability: Floats


@dataclass(frozen=True)
class Histories:
    """Purchase histories and the churn probability that was passed in, each of shape (n,)."""

    frequency: Floats
    recency_days: Floats
    t_days: Floats
    monetary_value: Floats
    churn_probability: Floats


@dataclass(frozen=True)
class Payments:
    """When purchases are paid for.

    Attributes
    ----------
    ends_days : ndarray of float64, shape (k,)
        Ends of the months of the CLV horizon.
    factors : ndarray of float64, shape (k,)
        Present value of 1 paid then.
    nodes : int
        Points of the quadrature over dropout probabilities.
    """

    ends_days: Floats
    factors: Floats
    nodes: int

    def purchases(self, params: BgNbdParams, x: Floats, t: Floats, delay_days: float = 0.0) -> Floats:
        """Return discounted purchases up to the CLV horizon of customers alive at t, `delay_days` after as_of."""
        ends = np.maximum(self.ends_days - delay_days, 0.0)
        weights = self.factors - np.r_[self.factors[1:], 0.0]
        return purchases_given_alive(params, x, t, ends, weights, self.nodes)

    def at_face_value(self) -> Payments:
        """Return the same horizon without discount."""
        return Payments(self.ends_days[-1:], np.ones(1), self.nodes)

    def coarse(self) -> Payments:
        """Return the same horizon in fewer steps and by fewer nodes, for derivatives."""
        step = -(-len(self.ends_days) // COARSE_ENDS)
        last = slice(len(self.ends_days) - 1, None, -step)
        middle = np.array([self.factors[max(0, i + 1 - step) : i + 1].mean() for i in range(len(self.factors))])
        return Payments(self.ends_days[last][::-1], middle[last][::-1], min(self.nodes, COARSE_NODES))


@dataclass(frozen=True)
class Counts:
    """Discounted purchases of those who buy within the churn horizon, of those who do not, and P of the latter."""

    retained: Floats
    churned: Floats
    churn_probability: Floats

    @property
    def expected(self) -> Floats:
        """Discounted purchases of everybody, shape (n,)."""
        p = self.churn_probability
        return np.asarray((1 - p) * self.retained + p * self.churned, dtype=np.float64)


def inactivity_clv(
    churn_probability: ArrayLike,
    frequency: ArrayLike,
    recency_days: ArrayLike,
    t_days: ArrayLike,
    monetary_value: ArrayLike,
    model: InactivityModel,
    *,
    economics: Economics,
    customer_keys: NDArray[np.int64],
    seed: int,
) -> InactivityClv:
    """Return CLV over the CLV horizon with its interval, and the purchases expected within the churn horizon.

    Parameters
    ----------
    churn_probability : array_like, shape (n,)
        Calibrated P(no purchase within the churn horizon); NaN (no champion model) means BG/NBD's own.
    frequency, recency_days, t_days, monetary_value : array_like, shape (n,)
        As `fit_inactivity`; customers without any purchase do not belong here.
    model : InactivityModel
    economics : Economics
    customer_keys : ndarray of int64, shape (n,)
        With the seed they decide a customer's draws, whoever is valued beside them.
    seed : int
        At least 0.

    Raises
    ------
    ModelError
        Impossible histories, probabilities outside [0, 1] or lengths that differ.
    """
    known = _checked(churn_probability, frequency, recency_days, t_days, monetary_value, customer_keys)
    payments = _payments(economics)
    counts = _counts(model.purchases, known, payments, float(economics.horizon_days))
    value = economics.gross_margin * expected_average_value(model.spend, known.frequency, known.monetary_value)
    clv = value * counts.expected
    story, prospects = _future(known, counts, payments, model, economics, customer_keys, seed)
    around = spread(story, prospects, clv)
    shifts = _with_level(_shifts(model, known, payments.coarse(), economics), clv, model)
    return InactivityClv(
        ClvValues(
            clv, value * counts.retained, value * counts.churned,
            around.low, around.high, around.variance, shifts,
        ),
        _expected_within(model.purchases, known, counts, float(economics.horizon_days)),
        _p_alive(model, known),
        1 - counts.churn_probability,
    )  # fmt: skip


def predictive_prospects(
    known: Histories, model: InactivityModel, economics: Economics, customer_keys: NDArray[np.int64], seed: int
) -> tuple[Story, Prospects]:
    """Return what `churn.clv.predictive` draws from, as `inactivity_clv` does."""
    payments = _payments(economics)
    counts = _counts(model.purchases, known, payments, float(economics.horizon_days))
    return _future(known, counts, payments, model, economics, customer_keys, seed)


def _checked(
    churn_probability: ArrayLike, frequency: ArrayLike, recency_days: ArrayLike, t_days: ArrayLike,
    monetary_value: ArrayLike, customer_keys: NDArray[np.int64],
) -> Histories:  # fmt: skip
    x, recency, t = check_purchases(frequency, recency_days, t_days)
    p, z = as_floats(churn_probability, "churn_probability"), as_floats(monetary_value, "monetary_value")
    keys = as_floats(customer_keys, "customer_keys")
    check_same_length(churn_probability=p, frequency=x, monetary_value=z, customer_keys=keys)
    check_probabilities(p)
    return Histories(x, recency, t, z, p)


def _payments(economics: Economics) -> Payments:
    factors = economics.discount_factors()
    ends = np.arange(1, len(factors) + 1, dtype=np.float64) * DAYS_PER_MONTH
    return Payments(ends, factors, QUADRATURE_NODES)


def _counts(params: BgNbdParams, known: Histories, payments: Payments, h: float) -> Counts:
    """Return discounted purchases by what happens within the churn horizon."""
    x, t, p = known.frequency, known.t_days, known.churn_probability
    if np.isnan(p).any():
        p = np.where(np.isnan(p), probability_no_purchase(params, x, known.recency_days, t, h), p)
    log_silent = silence_given_alive(params, x, t, h)
    later = payments.purchases(params, x, t + h, delay_days=h)
    retained = (payments.purchases(params, x, t) - np.exp(log_silent) * later) / -np.expm1(log_silent)
    return Counts(retained, alive_share(params, x, known.recency_days, t + h) * later, p)


def _expected_within(params: BgNbdParams, known: Histories, counts: Counts, h: float) -> Floats:
    """Return the purchases expected within the churn horizon, shape (n,)."""
    x, t = known.frequency, known.t_days
    given_bought = purchases_given_alive(params, x, t, np.array([h]), np.array([1.0]))
    given_bought /= -np.expm1(silence_given_alive(params, x, t, h))
    return np.asarray((1 - counts.churn_probability) * given_bought, dtype=np.float64)


def _p_alive(model: InactivityModel, known: Histories) -> Floats:
    if model.dropout is None:
        return np.full(len(known.frequency), np.nan)
    return p_alive(model.dropout, known.frequency, known.recency_days, known.t_days)


def _future(
    known: Histories, counts: Counts, payments: Payments, model: InactivityModel, economics: Economics,
    customer_keys: NDArray[np.int64], seed: int,
) -> tuple[Story, Prospects]:  # fmt: skip
    """Return what `churn.clv.predictive` draws from."""
    params, spend, h = model.purchases, model.spend, float(economics.horizon_days)
    face = _counts(params, known, payments.at_face_value(), h)
    seen = (known.frequency > 0) & np.isfinite(known.monetary_value)
    spent = np.where(seen, known.frequency * np.maximum(np.nan_to_num(known.monetary_value), 0.0), 0.0)
    prospects = Prospects(
        customer_keys, known.frequency, known.t_days, counts.churn_probability,
        alive_share(params, known.frequency, known.recency_days, known.t_days + h),
        spend.p * np.where(seen, known.frequency, 0.0) + spend.q, economics.gross_margin * (spend.v + spent),
        _ratio(counts.retained, face.retained), _ratio(counts.churned, face.churned),
    )  # fmt: skip
    return Story(params, spend.p, h, float(payments.ends_days[-1]), seed), prospects


def _ratio(discounted: Floats, face: Floats) -> Floats:
    return np.divide(discounted, face, out=np.ones(len(face)), where=face > 0)


def _shifts(model: InactivityModel, known: Histories, payments: Payments, economics: Economics) -> Floats:
    """Return by how much CLV moves with one standard deviation along each column of the factor, shape (n, m)."""
    factor = np.array(model.factor).reshape(7, -1) if model.factor else np.zeros((7, 0))
    shifts = np.empty((len(known.frequency), factor.shape[1]))
    h = float(economics.horizon_days)

    def value(spend: GammaGammaParams) -> Floats:
        return economics.gross_margin * expected_average_value(spend, known.frequency, known.monetary_value)

    def count(purchases: BgNbdParams) -> Floats:
        return _counts(purchases, known, payments, h).expected

    value_now, count_now = value(model.spend), count(model.purchases)
    for column, direction in enumerate(factor.T):
        length = max(float(np.abs(direction).max()), 1e-12)
        moved = _moved(model, direction * (SHIFT / length))
        if direction[:4].any():
            change = value_now * (count(moved.purchases) - count_now)
        else:
            change = count_now * (value(moved.spend) - value_now)
        shifts[:, column] = change * (length / SHIFT)
    return shifts


def _with_level(shifts: Floats, clv: Floats, model: InactivityModel) -> Floats:
    """Append how CLV moves with the level of coming months, which no parameter knows, where a backtest has told it."""
    return np.column_stack([shifts, clv * model.level_sd]) if model.level_sd > 0 else shifts


def _moved(model: InactivityModel, logs: Floats) -> InactivityModel:
    """Return the model with the logarithms of its seven parameters moved."""
    r, alpha, a, b, p, q, v = np.exp(logs).tolist()
    bought, spend = model.purchases, model.spend
    return replace(
        model,
        purchases=BgNbdParams(bought.r * r, bought.alpha_days * alpha, bought.a * a, bought.b * b),
        spend=GammaGammaParams(spend.p * p, spend.q * q, spend.v * v),
    )

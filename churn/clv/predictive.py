"""What a customer's margin may turn out to be: draws from BG/NBD with gamma-gamma, given the churn probability.

Exact given the parameters and the customer's history, in three cases (methods.md D):

- buys within the churn horizon h, with the calibrated 1 - p: the first purchase comes at a time t from the Lomax
  distribution of a customer alive, cut off at h; then lambda ~ Gamma(r + x + 1, alpha + T + t);
- silent but alive at T + h, with p P(alive at T + h | silent): lambda ~ Gamma(r + x, alpha + T + h);
- gone, with the rest: nothing.

In both of the first two p ~ Beta(a, b + x), so that purchases are the lesser of a Poisson count and a
beta-geometric lifetime. Their sum is Gamma(p n, nu) with nu ~ Gamma(p x + q, v + x z) (gamma-gamma). Money counts with
the mean discount of its case.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from churn.clv.bg_nbd import BgNbdParams
from churn.clv.predictive_draws import (
    DRAWS,
    Indices,
    gamma_draws,
    lifetime_draws,
    poisson_draws,
    strata,
    sum_draws,
    uniform_start,
)
from churn.clv.values import Floats

CHUNK = 2_048
LOW, HIGH = 0.1, 0.9
_FIRST, _RATE, _LIFETIME, _COUNT, _LEVEL, _SUM = range(6)
_TAME = 3.0


@dataclass(frozen=True)
class Prospects:
    """Customers whose future is drawn, each of shape (n,).

    Attributes
    ----------
    customer_keys : ndarray of int64
    frequency, t_days : ndarray of float64
    churn_probability : ndarray of float64
        P(no purchase within the churn horizon).
    alive_if_silent : ndarray of float64
        P(alive at its end | none until then).
    level_shape, level_scale : ndarray of float64
        nu ~ Gamma(level_shape) / level_scale; the margin is in `level_scale`.
    discount_retained, discount_churned : ndarray of float64
        Mean present value of 1 spent up to the CLV horizon, by those who buy within the churn horizon and those who
        return later.
    """

    customer_keys: NDArray[np.int64]
    frequency: Floats
    t_days: Floats
    churn_probability: Floats
    alive_if_silent: Floats
    level_shape: Floats
    level_scale: Floats
    discount_retained: Floats
    discount_churned: Floats

    def chunks(self) -> Iterator[tuple[slice, Prospects]]:
        """Yield positions and their customers, a bounded number at a time."""
        for low in range(0, len(self.frequency), CHUNK):
            rows = slice(low, low + CHUNK)
            yield rows, Prospects(*(getattr(self, field.name)[rows] for field in fields(self)))


@dataclass(frozen=True)
class Story:
    """The model that the draws follow.

    Attributes
    ----------
    purchases : BgNbdParams
    spend_shape : float
        p of gamma-gamma.
    churn_days, clv_days : float
        Lengths of the two horizons.
    seed : int
    """

    purchases: BgNbdParams
    spend_shape: float
    churn_days: float
    clv_days: float
    seed: int


@dataclass(frozen=True)
class Spread:
    """How far a customer's margin may lie from its expectation, each of shape (n,).

    Attributes
    ----------
    low, high : ndarray of float64
        Quantiles at 10 % and 90 %.
    variance : ndarray of float64
    """

    low: Floats
    high: Floats
    variance: Floats


def spread(story: Story, prospects: Prospects, expected: Floats) -> Spread:
    """Return the predictive quantiles and variance of customers whose expected margin, shape (n,), is known."""
    n = len(expected)
    low, high, second = np.empty(n), np.empty(n), np.empty(n)
    for rows, some in prospects.chunks():
        drawn = _draw(story, some)
        ordered = np.sort(drawn.margins(len(some.frequency)), axis=1)
        low[rows], high[rows] = _quantile(ordered, LOW), _quantile(ordered, HIGH)
        second[rows] = drawn.second_moment(story.spend_shape, some)
    return Spread(low, high, np.maximum(second - expected**2, 0.0))


def margin_draws(story: Story, prospects: Prospects) -> Floats:
    """Return `DRAWS` equally likely discounted margins per customer, shape (n, DRAWS)."""
    return np.concatenate(
        [np.empty((0, DRAWS)), *(_draw(story, some).margins(len(some.frequency)) for _, some in prospects.chunks())]
    )


@dataclass(frozen=True)
class Drawn:
    """Draws with a purchase, each of shape (m,): customer, number of the draw, purchases, discount, margin."""

    customer: Indices
    draw: Indices
    count: Floats
    discount: Floats
    margin: Floats

    def margins(self, customers: int) -> Floats:
        """Return the margin of every draw, shape (customers, DRAWS)."""
        table = np.zeros((customers, DRAWS))
        table[self.customer, self.draw] = self.margin
        return table

    def second_moment(self, shape: float, prospects: Prospects) -> Floats:
        """Return the mean square of the margin, shape (n,), exact in the spend given the purchases that were drawn.

        Where the level's inverse has no variance (level_shape <= 2), that of its draws stands in: large but finite.
        """
        counts = np.bincount(
            self.customer,
            weights=self.discount**2 * (shape * self.count + (shape * self.count) ** 2),
            minlength=len(prospects.frequency),
        )
        shapes, which = np.unique(prospects.level_shape, return_inverse=True)
        inverse = np.array(
            [1 / ((k - 1) * (k - 2)) if k > _TAME else float(np.mean(gamma_draws(k) ** -2.0)) for k in shapes.tolist()]
        )
        return np.asarray(counts / DRAWS * inverse[which] * prospects.level_scale**2, dtype=np.float64)


def _draw(story: Story, some: Prospects) -> Drawn:
    """Draw a chunk of customers."""
    p = some.churn_probability
    returns = p * some.alive_if_silent
    place = (np.arange(DRAWS) + uniform_start(some.customer_keys, story.seed)[:, None]) / DRAWS
    customer, draw = np.nonzero(place < (1 - p + returns)[:, None])
    soon = place[customer, draw] < (1 - p)[customer]
    count = _purchases(story, some, customer, draw, soon)
    bought = count > 0
    customer, draw, count, soon = customer[bought], draw[bought], count[bought], soon[bought]

    def stratum(quantity: int) -> Indices:
        return strata(some.customer_keys, story.seed, quantity, customer, draw)

    shapes, which = np.unique(some.level_shape, return_inverse=True)
    levels = np.stack([gamma_draws(shape) for shape in shapes.tolist()])
    level = levels.ravel()[which[customer] * DRAWS + stratum(_LEVEL)]
    discount = np.where(soon, some.discount_retained[customer], some.discount_churned[customer])
    margin = sum_draws(story.spend_shape, count, stratum(_SUM)) / level * some.level_scale[customer] * discount
    return Drawn(customer, draw, count, discount, margin)


def _purchases(story: Story, some: Prospects, customer: Indices, draw: Indices, soon: NDArray[np.bool_]) -> Floats:
    """Return the number of purchases up to the CLV horizon in each draw, shape (m,)."""
    params = story.purchases
    levels, which = np.unique(some.frequency, return_inverse=True)
    cell = which[customer] * DRAWS

    def stratum(quantity: int) -> Indices:
        return strata(some.customer_keys, story.seed, quantity, customer, draw)

    rates = np.stack([gamma_draws(params.r + x + bought) for bought in (0, 1) for x in levels.tolist()])
    lifetimes = np.stack([lifetime_draws(params.a, params.b + x) for x in levels.tolist()])
    waited = np.full(len(customer), story.churn_days)
    waited[soon] = _first_purchase(story, some, customer[soon], stratum(_FIRST)[soon])
    rate = rates.ravel()[cell + soon * (len(levels) * DRAWS) + stratum(_RATE)]
    rate /= params.alpha_days + some.t_days[customer] + waited
    left = story.clv_days - waited
    more = poisson_draws(rate * np.maximum(left, 0.0), stratum(_COUNT))
    lifetime = lifetimes.ravel()[cell + stratum(_LIFETIME)]
    return np.where(left >= 0, soon + np.minimum(more, lifetime - soon), 0.0)


def _first_purchase(story: Story, some: Prospects, customer: Indices, stratum: Indices) -> Floats:
    """Return the days until the first purchase of those who buy within the churn horizon, shape (m,)."""
    params = story.purchases
    age, shape = params.alpha_days + some.t_days, params.r + some.frequency
    buys = -np.expm1(-shape * np.log1p(story.churn_days / age))
    log_silent = np.log1p(-buys[customer] * ((stratum + 0.5) / DRAWS))
    return np.asarray(age[customer] * np.expm1(-log_silent / shape[customer]), dtype=np.float64)


def _quantile(ordered: Floats, share: float) -> Floats:
    """Return a quantile of draws in ascending order, interpolated between them, shape (n,)."""
    place = share * (DRAWS + 1) - 1
    below = int(place)
    return np.asarray(
        ordered[:, below] + (place - below) * (ordered[:, below + 1] - ordered[:, below]), dtype=np.float64
    )

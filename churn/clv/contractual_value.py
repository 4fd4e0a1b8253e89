"""Value contracts: what is expected of each, and what it may turn out to be.

Month k ends k * 30.4375 days after as_of; whoever is still there then pays that month's mrr then, worth
mrr * margin / (1 + d) ** (k / 12) today. Whoever leaves later may pay again; whoever leaves within the churn horizon is
counted as lost, so that what is at risk is all that a customer who stays will bring (methods.md B).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from churn.clv.contractual import ContractualModel
from churn.clv.lattice import DRAWS, uniforms
from churn.clv.money import drawn_paths, mean_paths, picks
from churn.clv.panel import Contracts
from churn.clv.survival import Survival, survival_of
from churn.clv.values import (
    DAYS_PER_MONTH,
    ClvValues,
    Economics,
    Floats,
    as_floats,
    check_probabilities,
    check_same_length,
)

LOW, HIGH = 0.1, 0.9
SHIFTS = 2
_CHUNK_MONTHS = 24_000
_LEAST_CHUNK = 100
_FIELDS = ("clv", "clv_if_retained", "value_if_churned", "low", "high", "variance", "shifts")


def contractual_clv(
    model: ContractualModel,
    contracts: Contracts,
    churn_probability: ArrayLike,
    *,
    economics: Economics,
    customer_keys: NDArray[np.int64],
    seed: int,
) -> ClvValues:
    """Return the discounted margin of the next `horizon_months`, and what it may turn out to be.

    Parameters
    ----------
    model : ContractualModel
    contracts : Contracts
        n customers as of the night.
    churn_probability : array_like, shape (n,)
        Calibrated, over `economics.horizon_days`; NaN (no champion model) means the curve's own.
    economics : Economics
    customer_keys : ndarray of int64, shape (n,)
        With the seed they decide a customer's draws, whoever is valued beside them.
    seed : int

    Returns
    -------
    ClvValues
        Its shifts are two: the level of coming hazards, and that of the growth of the mrr.

    Raises
    ------
    ModelError
        Probabilities outside [0, 1] or lengths that differ.
    """
    p, keys = _checked(contracts, churn_probability, customer_keys)
    parts = [_valued(model, contracts.take(at), p[at], economics, keys[at], seed) for at in _chunks(len(p), economics)]
    if not parts:
        return ClvValues(**dict.fromkeys(_FIELDS[:-1], np.empty(0)), shifts=np.empty((0, SHIFTS)))
    return ClvValues(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in _FIELDS})


def predictive_draws(
    model: ContractualModel,
    contracts: Contracts,
    churn_probability: ArrayLike,
    *,
    economics: Economics,
    customer_keys: NDArray[np.int64],
    seed: int,
) -> Floats:
    """Return the draws of each customer's realised discounted margin that low, high and variance come from.

    Parameters as `contractual_clv`; shape (n, 128).
    """
    p, keys = _checked(contracts, churn_probability, customer_keys)
    found = np.empty((len(p), DRAWS))
    for at in _chunks(len(p), economics):
        part = contracts.take(at)
        found[at] = _drawn(model, part, survival_of(model, part, p[at], economics), economics, keys[at], seed)
    return found


def _checked(
    contracts: Contracts, churn_probability: ArrayLike, customer_keys: NDArray[np.int64]
) -> tuple[Floats, NDArray[np.int64]]:
    p, keys = as_floats(churn_probability, "churn_probability"), np.asarray(customer_keys, dtype=np.int64)
    check_same_length(churn_probability=p, mrr=contracts.mrr, customer_keys=keys.astype(np.float64))
    check_probabilities(p)
    return p, keys


def _chunks(n: int, economics: Economics) -> list[slice]:
    """Return the parts that are valued at a time: draws take memory by customer and month."""
    size = max(_LEAST_CHUNK, _CHUNK_MONTHS // economics.horizon_months)
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]


def _valued(
    model: ContractualModel, contracts: Contracts, p: Floats, economics: Economics, keys: NDArray[np.int64], seed: int
) -> ClvValues:
    """Value some customers."""
    until_leaving, in_all = _worth_of_leaving(model, contracts, economics)

    def expected(lives: Survival) -> tuple[Floats, Floats, Floats]:
        retained = (lives.if_retained * in_all).sum(axis=1)
        churned = (lives.if_churned * until_leaving).sum(axis=1)
        return (1 - lives.p) * retained + lives.p * churned, retained, churned

    lives = survival_of(model, contracts, p, economics)
    value, retained, churned = expected(lives)
    harder, _, _ = expected(survival_of(model, contracts, p, economics, model.hazard_sd))
    draws = _drawn(model, contracts, lives, economics, keys, seed)
    low, high = np.quantile(draws, (LOW, HIGH), axis=1)
    shifts = np.stack([harder - value, value * model.growth.sd], axis=1)
    return ClvValues(value, retained, churned, low, high, draws.var(axis=1), shifts)


def _worth_of_leaving(model: ContractualModel, contracts: Contracts, economics: Economics) -> tuple[Floats, Floats]:
    """Return the discounted margin of who leaves in month 1, 2, ... or later, until then and with returns.

    Each of shape (n, months + 1).
    """
    months, factors = economics.horizon_months, economics.discount_factors()
    path = mean_paths(model.growth, contracts, months)
    shares, amounts = model.returns.shares(contracts, months), model.returns.amounts(contracts)
    worth = np.zeros_like(path)
    worth[:, 1:] = np.cumsum(path[:, 1:] * factors, axis=1)
    again = np.zeros_like(path)
    for month in range(months):
        share = (shares[:, : months - month] * factors[month:]).sum(axis=1)
        again[:, month] = path[:, month] * amounts * share
    margin = (contracts.mrr * economics.gross_margin)[:, None]
    return np.asarray(worth * margin), np.asarray((worth + again) * margin)


def _drawn(
    model: ContractualModel,
    contracts: Contracts,
    lives: Survival,
    economics: Economics,
    keys: NDArray[np.int64],
    seed: int,
) -> Floats:
    """Return draws of the realised discounted margin, shape (n, DRAWS): when they leave, what they pay, returns."""
    lost_before = int(np.ceil(economics.horizon_days / DAYS_PER_MONTH))
    months, factors = economics.horizon_months, economics.discount_factors()
    u = uniforms(keys, seed, 3 + picks(model.growth, contracts, months))
    cumulative = np.cumsum(lives.overall, axis=1)[:, None, :-1]
    left_in = (u[0][:, :, None] > cumulative).sum(axis=2)
    path = drawn_paths(model.growth, contracts, months, u[2:])
    lag = np.arange(months) - left_in[:, :, None]
    last = np.take_along_axis(path, np.maximum(left_in - 1, 0)[:, :, None], axis=2)[:, :, 0]
    again = np.where(left_in > 0, last, 1.0) * model.returns.amounts(contracts)[:, None]
    shares = np.broadcast_to(model.returns.shares(contracts, months)[:, None, :], lag.shape)
    # One number per draw decides who is back, so that who is back stays while the share lasts.
    back = u[1][:, :, None] < np.take_along_axis(shares, np.maximum(lag, 0), axis=2)
    back &= (left_in >= lost_before)[:, :, None]
    # Not a matrix product: its last bits would depend on the number of cores.
    paid = np.einsum("ndk,k->nd", np.where(lag < 0, path, again[:, :, None] * back), factors, optimize=False)
    return np.asarray(paid * (contracts.mrr * economics.gross_margin)[:, None])

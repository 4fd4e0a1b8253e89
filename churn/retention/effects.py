"""What a campaign did, by assignment: differences between its arms, with intervals, and the share it saved."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri, stdtrit

from churn.errors import ModelError

_NAN = float("nan")
_LEAST_EXPECTED, _LEAST_MEANT = 5, 10
_NEVER = 1e-9


@dataclass(frozen=True)
class Difference:
    """Treatment less control, with its interval.

    Attributes
    ----------
    estimate, low, high : float
        NaN if one of the arms is empty; low and high also where no interval can be given.
    merged : tuple of int
        Strata that were analysed as one, because they are too small to stand alone.
    """

    estimate: float
    low: float
    high: float
    merged: tuple[int, ...] = ()


@dataclass(frozen=True)
class SaveRate:
    """Share of those about to leave whom a campaign kept, 1 − p_T / p_C, with its variance and interval.

    All are NaN if one of the arms is empty.
    """

    rate: float
    variance: float
    low: float
    high: float


def newcombe(x_t: int, n_t: int, x_c: int, n_c: int, level: float = 0.95) -> Difference:
    """Return x_t / n_t − x_c / n_c with Newcombe's hybrid score interval.

    Method 10 of Newcombe 1998, Statistics in Medicine 17.

    Parameters
    ----------
    x_t, n_t, x_c, n_c : int
        Those of whom it is true, and all, of treatment and control.
    level : float
        Of the interval, in (0, 1).

    Raises
    ------
    ModelError
        A count is negative or more than all.
    """
    return stratified_difference([x_t], [n_t], [x_c], [n_c], level)


def stratified_difference(
    x_t: ArrayLike, n_t: ArrayLike, x_c: ArrayLike, n_c: ArrayLike, level: float = 0.95
) -> Difference:
    """Return the difference of two shares over strata: Σ w_g (p_Tg − p_Cg), w_g = n_g / n (methods.md C).

    The interval is Newcombe's in each stratum, combined by MOVER (Zou & Donner 2008, Statistics in Medicine 27).
    A stratum stands alone if each arm is expected to have 5 customers of either outcome in it, by the whole campaign's
    shares; the others become one, which the smallest of the rest join until it can stand as well. Nobody is left out;
    within the union assignment is at random if its strata have the same share held out. (A construction of this
    project: over strata without leavers the combined intervals covered 91 to 99.8 % in simulations; so, 94 to 97 %.)

    Parameters
    ----------
    x_t, n_t, x_c, n_c : array_like of int, shape (strata,)
        Those of whom it is true, and all, of treatment and control.
    level : float
        Of the interval, in (0, 1).

    Raises
    ------
    ModelError
        A count is negative or more than all, or lengths differ.
    """
    counts = np.stack(
        np.broadcast_arrays(*(np.atleast_1d(np.asarray(c, dtype=np.float64)) for c in (x_t, n_t, x_c, n_c)))
    )
    if not ((counts >= 0).all() and (counts[0] <= counts[1]).all() and (counts[2] <= counts[3]).all()):
        raise ModelError("A campaign's counts are not counts of its customers.", "Count each customer once.")
    rate = (counts[0] + counts[2]).sum() / max((counts[1] + counts[3]).sum(), 1)
    rarer = max(min(rate, 1 - rate), _NEVER)
    merged = _too_small(counts[1], counts[3], expected=_LEAST_EXPECTED / rarer, least=1)
    counts = np.column_stack([counts[:, ~merged], counts[:, merged].sum(axis=1)[:, None]])
    counts = counts[:, (counts[1] + counts[3]) > 0]
    places = _union_of(merged)
    if counts.shape[1] == 0 or not (counts[[1, 3]] > 0).all():
        return Difference(_NAN, _NAN, _NAN, places)
    x, n = counts[[0, 2]], counts[[1, 3]]
    share, (low, high) = x / n, _wilson(x, n, level)
    weight = n.sum(axis=0) / n.sum()
    estimate = float(weight @ (share[0] - share[1]))
    below = math.sqrt(float(weight**2 @ ((share[0] - low[0]) ** 2 + (high[1] - share[1]) ** 2)))
    above = math.sqrt(float(weight**2 @ ((high[0] - share[0]) ** 2 + (share[1] - low[1]) ** 2)))
    return Difference(estimate, estimate - below, estimate + above, places)


def mean_difference(
    n_t: ArrayLike,
    mean_t: ArrayLike,
    variance_t: ArrayLike,
    n_c: ArrayLike,
    mean_c: ArrayLike,
    variance_c: ArrayLike,
    level: float = 0.95,
) -> Difference:
    """Return the difference of two means over strata, weighted by n_g / n, with Welch's interval.

    Degrees of freedom by Welch and Satterthwaite over all strata and arms (Welch 1947, Biometrika 34). Strata in which
    an arm is expected to have fewer than 10 customers become one, as in `stratified_difference`.

    Parameters
    ----------
    n_t, mean_t, variance_t, n_c, mean_c, variance_c : array_like, shape (strata,)
        Customers, mean and sample variance (over n − 1) of treatment and control; mean and variance are ignored where
        they can't be told.
    level : float
        Of the interval, in (0, 1).

    Raises
    ------
    ModelError
        A count or a variance is negative, a figure is missing, or lengths differ.
    """
    n, mean, variance = (
        np.stack(np.broadcast_arrays(*(np.atleast_1d(np.asarray(side, dtype=np.float64)) for side in pair)))
        for pair in ((n_t, n_c), (mean_t, mean_c), (variance_t, variance_c))
    )
    mean, variance = np.where(n > 0, mean, 0.0), np.where(n > 1, variance, 0.0)
    if not ((n >= 0).all() and (variance >= 0).all() and np.isfinite(mean).all()):
        raise ModelError("A campaign's means are not those of its customers.", "Give customers, means and variances.")
    merged = _too_small(n[0], n[1], expected=_LEAST_MEANT, least=2)
    n, mean, variance = _with_union(n, mean, variance, merged)
    places = _union_of(merged)
    if n.shape[1] == 0 or not (n > 0).all():
        return Difference(_NAN, _NAN, _NAN, places)
    weight = n.sum(axis=0) / n.sum()
    estimate = float(weight @ (mean[0] - mean[1]))
    if not (n > 1).all():
        return Difference(estimate, _NAN, _NAN, places)
    half = _welch_half_width(weight**2 * variance / n, n, level)
    return Difference(estimate, estimate - half, estimate + half, places)


def save_rate(x_t: int, n_t: int, x_c: int, n_c: int, level: float = 0.95) -> SaveRate:
    """Return the share of those about to leave whom a campaign kept (methods.md C).

    The variance is by the delta method; the interval is that of the logarithm of p_T / p_C (Katz et al. 1978,
    Biometrics 34). An empty cell counts 0.5.

    Parameters
    ----------
    x_t, n_t, x_c, n_c : int
        Those who left, and all, of treatment and control.
    level : float
        Of the interval, in (0, 1).
    """
    if min(n_t, n_c) < 1:
        return SaveRate(_NAN, _NAN, _NAN, _NAN)
    if not (0 <= x_t <= n_t and 0 <= x_c <= n_c):
        raise ModelError("A campaign's counts are not counts of its customers.", "Count each customer once.")
    left_t, stayed_t, left_c, stayed_c = (max(float(cell), 0.5) for cell in (x_t, n_t - x_t, x_c, n_c - x_c))
    ratio = left_t / (left_t + stayed_t) * (left_c + stayed_c) / left_c
    log_variance = 1 / left_t - 1 / (left_t + stayed_t) + 1 / left_c - 1 / (left_c + stayed_c)
    spread = math.exp(_z(level) * math.sqrt(log_variance))
    return SaveRate(1 - ratio, ratio**2 * log_variance, 1 - ratio * spread, 1 - ratio / spread)


def _z(level: float) -> float:
    return float(ndtri((1 + level) / 2))


def _wilson(
    x: NDArray[np.float64], n: NDArray[np.float64], level: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the ends of Wilson's score interval of x / n (Wilson 1927, JASA 22)."""
    z = _z(level)
    middle, half = 2 * x + z**2, z * np.sqrt(z**2 + 4 * x * (n - x) / n)
    return (middle - half) / (2 * (n + z**2)), (middle + half) / (2 * (n + z**2))


def _too_small(n_t: NDArray[np.float64], n_c: NDArray[np.float64], *, expected: float, least: int) -> NDArray[np.bool_]:
    """Return which strata are analysed as one, shape (strata,).

    Those in which the smaller arm is expected to have fewer than `expected` customers or an arm has fewer than `least`,
    and then the smallest others until neither is so of all of them together. What is expected follows from the sizes
    of strata and arms, so that who happens to be held out hardly has a say.
    """
    size = n_t + n_c
    wanted = size * min(n_t.sum(), n_c.sum()) / max(size.sum(), 1)
    merged = np.asarray((wanted < expected) | (np.minimum(n_t, n_c) < least))
    while merged.any() and not merged.all():
        if wanted[merged].sum() >= expected and min(n_t[merged].sum(), n_c[merged].sum()) >= least:
            break
        merged[np.argmin(np.where(merged, np.inf, size))] = True
    return merged


def _union_of(merged: NDArray[np.bool_]) -> tuple[int, ...]:
    """Return the places of the strata that are one; none where that is a single one."""
    places = np.flatnonzero(merged)
    return tuple(places.tolist()) if len(places) > 1 else ()


def _with_union(
    n: NDArray[np.float64], mean: NDArray[np.float64], variance: NDArray[np.float64], merged: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Replace the merged strata by one that has the customers of them all; arrays of shape (2, strata)."""
    if not merged.any():
        return n, mean, variance
    count, part = n[:, merged].sum(axis=1), n[:, merged]
    total = np.maximum(count, 1)
    middle = (part * mean[:, merged]).sum(axis=1) / total
    squares = (np.maximum(part - 1, 0) * variance[:, merged] + part * (mean[:, merged] - middle[:, None]) ** 2).sum(
        axis=1
    )
    union = count, middle, squares / np.maximum(count - 1, 1)
    n, mean, variance = (
        np.column_stack([kept[:, ~merged], one]) for kept, one in zip((n, mean, variance), union, strict=True)
    )
    return n, mean, variance


def _welch_half_width(parts: NDArray[np.float64], n: NDArray[np.float64], level: float) -> float:
    """Return half the width of Welch's interval; `parts` are the variances that strata and arms add."""
    total = float(parts.sum())
    if total == 0:
        return 0.0
    freedom = total**2 / float((parts**2 / (n - 1)).sum())
    return float(stdtrit(freedom, (1 + level) / 2)) * math.sqrt(total)

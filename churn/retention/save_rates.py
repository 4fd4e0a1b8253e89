"""What campaigns measured of an offer's save rate, shrunk towards what was assumed (methods.md C)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr

from churn.errors import ModelError

ENOUGH_CAMPAIGNS = 5
"""From so many campaigns on, how far they differ is measured."""

_LEAST_SD = 0.025


@dataclass(frozen=True)
class Shrunk:
    """A save rate after what campaigns have measured.

    Attributes
    ----------
    rate : float
        s*; below 0, contacting is expected to hurt.
    between_variance : float
        τ²: how far the true rates lie from the assumed one.
    probability_harmful : float
        P(s < 0), above 0.5 exactly if the rate is below 0.
    measured, variance : float
        The campaigns' rates as one, ŝ, and its variance; NaN without campaigns.
    """

    rate: float
    between_variance: float
    probability_harmful: float
    measured: float
    variance: float


def paule_mandel(rates: Sequence[float], variances: Sequence[float], mean: float | None = None) -> float:
    """Return the variance τ² >= 0 between true rates (Paule & Mandel 1982, J. Research of the NBS 87).

    The τ² at which Σ (ŝ_k − mean)² / (v_k + τ²) equals its expectation; 0 where sampling alone explains more.

    Parameters
    ----------
    rates, variances : sequence of float, length k
        Measured rates, and the sampling variance of each, > 0.
    mean : float, optional
        What the true rates lie around; without it their own weighted mean, which costs a degree of freedom.
    """
    found, noise = _checked(rates, variances)
    freedom = len(found) - (mean is None)
    if freedom < 1:
        return 0.0

    def excess(between: float) -> float:
        weight = 1 / (noise + between)
        centre = float(weight @ found / weight.sum()) if mean is None else mean
        return float(weight @ (found - centre) ** 2) - freedom

    if excess(0.0) <= 0:
        return 0.0
    furthest = float(np.abs(found - (found.mean() if mean is None else mean)).max())
    most = len(found) * furthest**2
    return float(brentq(excess, 0.0, 2 * most, xtol=1e-15, rtol=1e-12))


def shrunk_rate(prior: float, rates: Sequence[float], variances: Sequence[float]) -> Shrunk:
    """Return s* = (s₀/τ² + ŝ/v) / (1/τ² + 1/v), s₀ the prior (methods.md C).

    τ² is (s₀/2)², but never below that of a prior of 0.05: otherwise one of 0 would never learn. From
    `ENOUGH_CAMPAIGNS` on it is Paule–Mandel's about s₀, if that is more: towards s₀ we shrink, so the distance from s₀
    is what counts, and campaigns that agree with one another must not make the prior certain. Campaigns become one, ŝ,
    with weights 1 / (v_k + τ²); its variance v holds how they differ once that is measured.

    Parameters
    ----------
    prior : float
        s₀, the rate assumed.
    rates, variances : sequence of float, length k >= 0
        What each campaign measured, and its sampling variance, > 0.

    Raises
    ------
    ModelError
        A rate is not a number, a variance not positive, or lengths differ.
    """
    found, noise = _checked(rates, variances)
    between = max(abs(prior) / 2, _LEAST_SD) ** 2
    is_measured = len(found) >= ENOUGH_CAMPAIGNS
    if is_measured:
        between = max(between, paule_mandel(rates, variances, prior))
    if len(found) == 0:
        return Shrunk(prior, between, float(ndtr(-prior / math.sqrt(between))), math.nan, math.nan)
    weight = 1 / (noise + between)
    weight /= weight.sum()
    measured, variance = float(weight @ found), float(weight**2 @ (noise + between * is_measured))
    rate = (prior / between + measured / variance) / (1 / between + 1 / variance)
    sd = math.sqrt(1 / (1 / between + 1 / variance))
    return Shrunk(rate, between, float(ndtr(-rate / sd)), measured, variance)


def _checked(rates: Sequence[float], variances: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    found, noise = np.asarray(rates, dtype=np.float64), np.asarray(variances, dtype=np.float64)
    if found.shape != noise.shape or not (np.isfinite(found).all() and np.isfinite(noise).all() and (noise > 0).all()):
        raise ModelError(
            "A campaign's save rate has no variance.", "Leave out campaigns in which an arm has nobody measured."
        )
    return found, noise

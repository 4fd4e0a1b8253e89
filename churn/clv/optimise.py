"""Maximum likelihood over positive parameters: several starts, a clear failure over a wrong answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from churn.clv.values import Floats
from churn.errors import ModelError

Objective = Callable[[Floats], tuple[float, Floats]]

GRADIENT_TOLERANCE = 1e-5
"""Largest component of the projected gradient, per customer and unit of log parameter, of a converged fit."""

POLISHED = 1e-10
"""The same, at which Newton steps stop."""

NEWTON_STEPS = 12
HESSIAN_STEP = 1e-4
OPTIONS = {"maxiter": 1000, "maxfun": 3000, "ftol": 1e-14, "gtol": 1e-9, "maxcor": 20}


@dataclass(frozen=True)
class Maximum:
    """Where a log-likelihood is largest.

    Attributes
    ----------
    parameters : ndarray of float64, shape (k,)
    log_likelihood : float
    at_bounds : tuple of int
        Positions of parameters that ran into a bound: the data do not identify them.
    factor : ndarray of float64, shape (k, m)
        Its product with its transpose is the covariance of the logarithms of the parameters as estimated (the inverse
        of the information); rows of parameters at bounds are 0.
    """

    parameters: Floats
    log_likelihood: float
    at_bounds: tuple[int, ...]
    factor: Floats


@dataclass(frozen=True)
class Problem:
    """A loss per customer in the logarithms of the parameters, and the box that these stay in, each of shape (k,)."""

    loss: Objective
    lows: Floats
    highs: Floats

    def projected(self, theta: Floats, gradient: Floats) -> Floats:
        """Return the step down the gradient that stays in the box, shape (k,)."""
        return np.asarray(np.clip(theta - gradient, self.lows, self.highs) - theta, dtype=np.float64)

    def bound(self, theta: Floats) -> NDArray[np.intp]:
        """Return positions of the parameters at an edge of the box."""
        return np.flatnonzero((theta - self.lows < 1e-6) | (self.highs - theta < 1e-6))


def maximise(
    objective: Objective,
    starts: Sequence[Sequence[float]],
    bounds: Sequence[tuple[float, float]],
    *,
    weight: float,
    model: str,
    sample: tuple[Objective, float] | None = None,
) -> Maximum:
    """Maximise a log-likelihood in the logarithms of its positive parameters.

    Every start runs by L-BFGS-B, on a sample where one is given; the best that converged is then taken to the maximum
    of everything by Newton steps with the sample's Hessian (at a bound by L-BFGS-B), and is held to the same test of
    convergence. Where that fails, every start runs on everything.

    Parameters
    ----------
    objective : callable
        Maps parameters (k,) to the log-likelihood and its gradient by parameter.
    starts : sequence of k positive floats each
        Every one is tried, the best that converged is kept.
    bounds : sequence of (low, high)
        Per parameter, positive.
    weight : float
        Number of customers, by which the objective is scaled.
    model : str
        Name for the error message.
    sample : (callable, float), optional
        The same objective on some of the customers, and their number: much cheaper.

    Raises
    ------
    ModelError
        No start converged.
    """
    lows, highs = np.log(np.array(bounds, dtype=np.float64)).T
    everything = Problem(_per_customer(objective, weight), lows, highs)
    # One thread: sums are then the same on any machine, and too short for more to help.
    with threadpool_limits(limits=1, user_api="blas"):
        few = None if sample is None else Problem(_per_customer(*sample), lows, highs)
        found = (few and _through_sample(everything, few, starts)) or _from_everything(everything, starts)
        if found is None:
            raise ModelError(
                f"The {model} model did not converge from any of {len(starts)} starts.",
                "Check the purchases it was given: units of days, one row per customer, no extreme amounts.",
            )
        theta, hessian = found
        value, _ = everything.loss(theta)
    at_bounds = everything.bound(theta)
    factor = _factor(hessian, at_bounds, weight)
    return Maximum(np.exp(theta), -value * weight, tuple(int(i) for i in at_bounds), factor)


def _per_customer(objective: Objective, weight: float) -> Objective:
    """Return the loss per customer as a function of the logarithms of the parameters."""

    def loss(theta: Floats) -> tuple[float, Floats]:
        parameters = np.exp(theta)
        value, gradient = objective(parameters)
        if not np.isfinite(value):
            return 1e10, np.zeros_like(theta)
        return -value / weight, -gradient * parameters / weight

    return loss


def _best_start(problem: Problem, starts: Floats) -> Floats | None:
    """Return the best of the points to which the starts, shape (s, k), converge, if any does."""
    best: tuple[float, Floats] | None = None
    box = list(zip(problem.lows, problem.highs, strict=True))
    for start in starts:
        theta = np.clip(start, problem.lows, problem.highs)
        result = minimize(problem.loss, theta, jac=True, method="L-BFGS-B", bounds=box, options=OPTIONS)
        if _converged(problem, result.x) and (best is None or result.fun < best[0]):
            best = (float(result.fun), np.asarray(result.x, dtype=np.float64))
    return None if best is None else best[1]


def _from_everything(everything: Problem, starts: Sequence[Sequence[float]]) -> tuple[Floats, Floats] | None:
    """Return the best maximum that a start leads to, and the Hessian there."""
    theta = _best_start(everything, np.log(np.asarray(starts, dtype=np.float64)))
    return None if theta is None else (theta, _hessian(everything, theta))


def _through_sample(
    everything: Problem, sample: Problem, starts: Sequence[Sequence[float]]
) -> tuple[Floats, Floats] | None:
    """Return the maximum of everything near the best of the sample, if there is one, and its Hessian.

    The Hessian per customer is the sample's, which serves for standard errors as for steps.
    """
    theta = _best_start(sample, np.log(np.asarray(starts, dtype=np.float64)))
    if theta is None:
        return None
    hessian = _hessian(sample, theta)
    polished = None if len(sample.bound(theta)) else _newton(everything, theta, hessian)
    if polished is None:
        polished = _best_start(everything, theta[None, :])
    return None if polished is None else (polished, hessian)


def _newton(everything: Problem, theta: Floats, hessian: Floats) -> Floats | None:
    """Return where steps with a fixed Hessian lead, if that is a maximum inside the box."""
    if np.linalg.eigvalsh(hessian)[0] <= 0:
        return None
    for _ in range(NEWTON_STEPS):
        _, gradient = everything.loss(theta)
        if np.abs(gradient).max() < POLISHED:
            break
        theta = np.clip(theta - np.linalg.solve(hessian, gradient), everything.lows, everything.highs)
    return theta if _converged(everything, theta) and not len(everything.bound(theta)) else None


def _hessian(problem: Problem, theta: Floats) -> Floats:
    """Return the second derivatives of the loss by central differences of the gradient, shape (k, k)."""
    steps = HESSIAN_STEP * np.eye(len(theta))
    rows = [(problem.loss(theta + step)[1] - problem.loss(theta - step)[1]) / (2 * HESSIAN_STEP) for step in steps]
    return np.asarray((np.array(rows) + np.array(rows).T) / 2, dtype=np.float64)


def _factor(hessian: Floats, at_bounds: NDArray[np.intp], weight: float) -> Floats:
    """Return the factor of the covariance of the parameters inside the box, shape (k, m).

    A direction in which the likelihood is flat is known to one unit of the logarithm at best, so that it can't drown
    the others.
    """
    inside = np.setdiff1d(np.arange(len(hessian)), at_bounds)
    information, directions = np.linalg.eigh(hessian[np.ix_(inside, inside)] * weight)
    factor = np.zeros((len(hessian), len(inside)))
    factor[inside] = directions / np.sqrt(np.maximum(information, 1.0))
    return factor


def _converged(problem: Problem, theta: Floats) -> bool:
    """Say whether the projected gradient vanishes; the optimiser's own flag gives up at rounding error."""
    value, gradient = problem.loss(theta)
    steepest = np.abs(problem.projected(theta, gradient)).max()
    return bool(np.isfinite(value) and value < 1e10 and steepest < GRADIENT_TOLERANCE)

"""Maximum likelihood over positive parameters: several starts, a clear failure over a wrong answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from churn.clv.values import Floats
from churn.errors import ModelError

Objective = Callable[[Floats], tuple[float, Floats]]

GRADIENT_TOLERANCE = 1e-5
"""Largest component of the projected gradient, per customer and unit of log parameter, of a converged fit."""


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
    """

    parameters: Floats
    log_likelihood: float
    at_bounds: tuple[int, ...]


def maximise(
    objective: Objective,
    starts: Sequence[Sequence[float]],
    bounds: Sequence[tuple[float, float]],
    *,
    weight: float,
    model: str,
) -> Maximum:
    """Maximise a log-likelihood by L-BFGS-B in the logarithms of its positive parameters.

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

    Raises
    ------
    ModelError
        No start converged.
    """
    log_bounds = [(float(np.log(low)), float(np.log(high))) for low, high in bounds]
    lows, highs = np.array(log_bounds).T

    def loss(theta: Floats) -> tuple[float, Floats]:
        parameters = np.exp(theta)
        value, gradient = objective(parameters)
        if not np.isfinite(value):
            return 1e10, np.zeros_like(theta)
        return -value / weight, -gradient * parameters / weight

    best: tuple[float, Floats] | None = None
    for start in starts:
        theta = np.clip(np.log(np.asarray(start, dtype=np.float64)), lows, highs)
        # One thread: sums are then the same on any machine, and too short for more to help.
        with threadpool_limits(limits=1, user_api="blas"):
            result = minimize(loss, theta, jac=True, method="L-BFGS-B", bounds=log_bounds, options=OPTIONS)
            converged = _converged(loss, result.x, lows, highs)
        if converged and (best is None or result.fun < best[0]):
            best = (float(result.fun), np.asarray(result.x, dtype=np.float64))
    if best is None:
        raise ModelError(
            f"The {model} model did not converge from any of {len(starts)} starts.",
            "Check the purchases it was given: units of days, one row per customer, no extreme amounts.",
        )
    theta = best[1]
    near = np.flatnonzero((theta - lows < 1e-6) | (highs - theta < 1e-6))
    return Maximum(np.exp(theta), -best[0] * weight, tuple(int(i) for i in near))


def _converged(loss: Objective, theta: Floats, lows: Floats, highs: Floats) -> bool:
    """Say whether the projected gradient vanishes; the optimiser's own flag gives up at rounding error."""
    value, gradient = loss(theta)
    projected = np.clip(theta - gradient, lows, highs) - theta
    return bool(np.isfinite(value) and value < 1e10 and np.abs(projected).max() < GRADIENT_TOLERANCE)

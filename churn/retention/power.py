"""What a list could show at all, told before it goes out: power by the normal approximation."""

from __future__ import annotations

import math

from scipy.optimize import brentq
from scipy.special import ndtr, ndtri


def power_of(n_t: float, n_c: float, treated_rate: float, base_rate: float, level: float = 0.05) -> float:
    """Return the chance that a two-sided test shows a difference between two churn rates.

    Parameters
    ----------
    n_t, n_c : float
        Customers in treatment and control.
    treated_rate, base_rate : float
        True churn rates of treatment and control, in [0, 1].
    level : float
        Of the test: the chance of a difference where there is none.
    """
    if min(n_t, n_c) <= 0:
        return 0.0
    sd = math.sqrt(treated_rate * (1 - treated_rate) / n_t + base_rate * (1 - base_rate) / n_c)
    if sd == 0:
        return float(treated_rate != base_rate)
    shift, z = abs(base_rate - treated_rate) / sd, float(ndtri(1 - level / 2))
    return float(ndtr(shift - z) + ndtr(-shift - z))


def detectable_effect(n_t: float, n_c: float, base_rate: float, power: float = 0.8, level: float = 0.05) -> float:
    """Return the smallest fall of the churn rate that arms of this size show with `power`, in (0, base_rate].

    NaN if not even saving everybody would be seen, or the base rate is unknown. Divided by the base rate it is the
    smallest save rate that can be shown.
    """

    def missing(effect: float) -> float:
        return power_of(n_t, n_c, base_rate - effect, base_rate, level) - power

    if not 0 < base_rate < 1 or missing(base_rate) < 0:
        return math.nan
    return float(brentq(missing, 0.0, base_rate, xtol=1e-9))


def needed_list(holdout_share: float, base_rate: float, save_rate: float, power: float = 0.8) -> float:
    """Return how long a list must be to show a save rate with `power`; infinite where none is long enough."""
    if not (0 < holdout_share < 1 and 0 < base_rate < 1 and save_rate > 0):
        return math.inf
    treated = base_rate * (1 - save_rate)
    sd = math.sqrt(treated * (1 - treated) / (1 - holdout_share) + base_rate * (1 - base_rate) / holdout_share)
    z = float(ndtri(0.975) + ndtri(power))
    return (z * sd / (base_rate - treated)) ** 2


def statement(treatment: int, holdout: int, base_rate: float, save_rate: float) -> str:
    """Return in plain words the smallest effect that a list can show, or why it can't show any.

    Parameters
    ----------
    treatment, holdout : int
        Customers of the list in each arm.
    base_rate : float
        Share of them expected to leave if left alone; NaN if unknown.
    save_rate : float
        Share of those whom the offers are expected to keep; NaN if unknown.
    """
    arms = f"{treatment:,} customers to contact and {holdout:,} held out"
    if treatment == 0 or holdout == 0:
        side = "held out" if holdout == 0 else "contacted"
        return f"With {arms}, this list can't show what it does: nobody is {side} to compare with."
    if not 0 < base_rate < 1:
        return f"With {arms}, nobody can say beforehand what this list can show: how many will leave is unknown."
    effect = detectable_effect(treatment, holdout, base_rate)
    if math.isnan(effect):
        begin = (
            f"With {arms}, of whom {base_rate:.1%} are expected to leave, this list is too small to learn from: "
            "not even keeping everyone would be seen reliably."
        )
    else:
        begin = (
            f"With {arms}, of whom {base_rate:.1%} are expected to leave, the smallest effect that this list can show "
            f"four times in five is keeping {effect / base_rate:.0%} of them ({100 * effect:.1f} percentage points)."
        )
    return begin + _outlook(treatment, holdout, base_rate, save_rate)


def _outlook(treatment: int, holdout: int, base_rate: float, save_rate: float) -> str:
    """Say what the assumed save rate would come to, and what list would show it."""
    if not save_rate > 0:
        return ""
    chance = power_of(treatment, holdout, base_rate * (1 - min(save_rate, 1.0)), base_rate)
    if chance >= 0.8:
        return f" The {save_rate:.0%} assumed would be seen with a chance of {chance:.0%}."
    needed = needed_list(holdout / (treatment + holdout), base_rate, min(save_rate, 1.0))
    return (
        f" The {save_rate:.0%} assumed would be seen with a chance of {chance:.0%} only; it takes about "
        f"{_rounded(needed):,} customers in the same proportion, over one list or several of the same campaign."
    )


def _rounded(size: float) -> int:
    """Round up to two significant figures."""
    step = int(10 ** max(math.floor(math.log10(size)) - 1, 0))
    return math.ceil(size / step) * step

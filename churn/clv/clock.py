"""The renewal clock: in which months ahead a contract comes up, and how much of the hazard each month carries.

A contract that is billed monthly comes up every month. A longer one can (almost) only be left at its renewal; how
much falls into the month before the renewal's or the one after, and how much elsewhere, is measured, since notice
periods and late ends differ from company to company.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from churn.clv.panel import Contracts
from churn.clv.values import DAYS_PER_MONTH, Floats

QUARTERS = 4


@dataclass(frozen=True)
class Clock:
    """Where in the cycle of a longer contract customers leave; shares of a cycle's log hazard.

    Attributes
    ----------
    early, late : tuple of float
        Share that falls into the month before the renewal's, and into the one after, by the quarter of the month
        ahead in which the renewal lies.
    off : float
        Share that falls elsewhere in the cycle, evenly.
    """

    early: tuple[float, ...] = (0.0,) * QUARTERS
    late: tuple[float, ...] = (0.0,) * QUARTERS
    off: float = 0.0


@dataclass(frozen=True)
class Schedule:
    """The months ahead of n customers, each array of shape (n, months).

    Attributes
    ----------
    share : ndarray of float64
        Share of a renewal's log hazard that falls into each month: 1 for monthly contracts.
    renewals : ndarray of float64
        Completed renewals before the renewal that the month belongs to; NaN where tenure is unknown.
    is_long : ndarray of bool, shape (n,)
        Billed less often than monthly.
    """

    share: Floats
    renewals: Floats
    is_long: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]


def renewal_positions(contracts: Contracts) -> tuple[Floats, Floats]:
    """Return in how many months the next renewal falls, and the renewals completed before it, each of shape (n,).

    Where the renewal's day is unknown it follows from tenure; without that it is taken as half a cycle ahead.
    """
    cycle = contracts.months
    tenure = contracts.paid_tenure_days / DAYS_PER_MONTH
    ahead = contracts.days_to_renewal / DAYS_PER_MONTH
    by_tenure = cycle - np.mod(np.nan_to_num(tenure, nan=0.0), cycle)
    ahead = np.where(np.isnan(ahead), np.where(np.isnan(tenure), cycle / 2, by_tenure), ahead)
    completed = np.maximum(np.round((tenure + ahead) / cycle) - 1.0, 0.0)
    return np.maximum(ahead, 0.0), completed


def schedule(contracts: Contracts, months: int, clock: Clock) -> Schedule:
    """Lay out the next `months` months of each contract."""
    n, cycle = len(contracts), contracts.months
    is_long = cycle > 1
    tenure = np.maximum(np.floor(contracts.paid_tenure_days / DAYS_PER_MONTH), 0.0)
    share = np.ones((n, months))
    renewals = np.asarray(tenure[:, None] + np.arange(months), dtype=np.float64)
    rows = np.flatnonzero(is_long)
    if len(rows):
        share[rows], renewals[rows] = _long(contracts.take(rows), months, clock)
    return Schedule(share, renewals, is_long)


def _long(contracts: Contracts, months: int, clock: Clock) -> tuple[Floats, Floats]:
    """Return shares and completed renewals of longer contracts, each of shape (n, months)."""
    ahead, completed = renewal_positions(contracts)
    cycle = contracts.months[:, None]
    month = np.arange(months)[None, :]
    first = np.floor(ahead)[:, None]
    quarter = np.minimum(((ahead - np.floor(ahead)) * QUARTERS).astype(np.int64), QUARTERS - 1)
    early, late = (np.asarray(shares)[quarter][:, None] for shares in (clock.early, clock.late))
    phase = np.mod(month - first, cycle)
    # The renewal of the month itself, the one next month (early leavers), the one of last month (late ones).
    share = np.where(phase == 0, 1.0 - early - late, 0.0)
    share = np.where(phase == cycle - 1, early + (cycle == 2) * late, share)
    share = np.where((phase == 1) & (cycle > 2), late, share)
    passed = np.floor((month - first) / cycle)
    belongs = np.where(phase > cycle / 2, passed + 1, passed)
    return share * (1.0 - clock.off) + clock.off / cycle, np.maximum(completed[:, None] + belongs, 0.0)

"""Measure where in their cycle longer contracts are left."""

from __future__ import annotations

import numpy as np

from churn.clv.clock import QUARTERS, Clock, renewal_positions
from churn.clv.panel import Panel, Stays

_PRIOR_CHURNERS = 5.0
"""Shares are shrunk to 0 by so many churners who left in the month of their renewal."""


def fit_clock(panel: Panel, stays: Stays) -> Clock:
    """Return the shares of departures before, after and far from the renewal's month, shrunk to none."""
    left = stays.left & (stays.stay_end == stays.day) & (panel.contracts.months > 1)
    rows = np.flatnonzero(left)
    if not len(rows):
        return Clock()
    contracts, weight = panel.contracts.take(rows), panel.weights[rows]
    ahead, _ = renewal_positions(contracts)
    phase = np.mod(-np.floor(ahead), contracts.months)
    quarter = np.minimum(((ahead - np.floor(ahead)) * QUARTERS).astype(np.int64), QUARTERS - 1)
    cycle = contracts.months

    def counted(
        where: np.ndarray[tuple[int, ...], np.dtype[np.bool_]],
    ) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        return np.bincount(quarter[where], weights=weight[where], minlength=QUARTERS).astype(np.float64)

    on, early = counted(phase == 0), counted(phase == cycle - 1)
    late = counted((phase == 1) & (cycle > 2))
    near = on + early + late
    off = float(weight.sum() - near.sum())
    return Clock(
        tuple(float(share) for share in early / (near + _PRIOR_CHURNERS)),
        tuple(float(share) for share in late / (near + _PRIOR_CHURNERS)),
        off / float(weight.sum() + _PRIOR_CHURNERS),
    )

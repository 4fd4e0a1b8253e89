"""The time of the year: what a model knows of it, and what that adds to a night's probabilities."""

from __future__ import annotations

import calendar
import math
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import numpy as np
from numpy.typing import NDArray

SEASON_FEATURES = ("season_sin", "season_cos")
MONTHS_A_YEAR = 12
SeasonKind = Literal["none", "features", "level"]
_DAYS_A_YEAR = 365.2425


@dataclass(frozen=True)
class Season:
    """What a model knows of the time of the year.

    Attributes
    ----------
    kind : {"none", "features", "level"}
        `features`: two columns of the model, after the numbers, say where in the year the label window lies.
        `level`: the calibrated log-odds move by a shift for the time of the year.
    shifts : tuple of float
        For `level`: log-odds by calendar month, January first, of a snapshot taken on the first day of the month; its
        label window lies behind that day. Otherwise empty.
    """

    kind: SeasonKind = "none"
    shifts: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Check that the kind and the shifts belong together.

        Raises
        ------
        ValueError
            If they don't.
        """
        expected = MONTHS_A_YEAR if self.kind == "level" else 0
        if self.kind not in ("none", "features", "level") or len(self.shifts) != expected:
            raise ValueError(f"a season of kind {self.kind!r} with {len(self.shifts)} shifts")
        if not all(math.isfinite(shift) for shift in self.shifts):
            raise ValueError("a season with a shift that is not finite")

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the names of the columns that the model gets beside the customers' features."""
        return SEASON_FEATURES if self.kind == "features" else ()

    def shift(self, as_of: date) -> float:
        """Return what the time of the year adds to the calibrated log-odds of a night.

        Between the first days of two months the shift goes in a straight line, as the label window moves from the one
        to the other.
        """
        if self.kind != "level":
            return 0.0
        passed = (as_of.day - 1) / calendar.monthrange(as_of.year, as_of.month)[1]
        return (1 - passed) * self.shifts[as_of.month - 1] + passed * self.shifts[as_of.month % MONTHS_A_YEAR]

    def extend(self, numbers: NDArray[np.float32], as_of: date, horizon_days: int) -> NDArray[np.float32]:
        """Return `numbers` (shape (n, K)) with this season's columns for a night behind them."""
        if not self.columns:
            return numbers
        place = np.array(place_in_year(as_of, horizon_days), dtype=np.float32)
        return np.hstack([numbers, np.broadcast_to(place, (len(numbers), 2))])


def place_in_year(as_of: date, horizon_days: int) -> tuple[float, float]:
    """Return (sine, cosine) of the angle that the middle of the label window has gone through the year."""
    middle = as_of + timedelta(days=horizon_days // 2)
    angle = 2 * math.pi * (middle - date(middle.year, 1, 1)).days / _DAYS_A_YEAR
    return math.sin(angle), math.cos(angle)

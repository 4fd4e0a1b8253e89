"""Where the curve of silence bends: how long a customer may be silent before that means something."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from churn.dashboard.blocks import Row

RARE = 0.10
"""Fewer than this share come back: to count them as gone is right nine times in ten."""

SETTINGS = (14, 30, 45, 60, 90, 120, 180, 365)
_FEWEST_POINTS = 10
_BEND = 0.05
"""A curve that is nowhere further from its chord than this has no bend worth naming."""


@dataclass(frozen=True)
class Knee:
    """What a curve says.

    Attributes
    ----------
    bend_days : int or None
        Where it bends most: the day furthest below the straight line between its ends. None for a curve without a
        bend.
    rare_days : int or None
        First day from which fewer than `RARE` come back; None where that is never so.
    last_days : int
        Last day that enough silences have reached.
    """

    bend_days: int | None
    rare_days: int | None
    last_days: int

    @property
    def days(self) -> int | None:
        """The days to go by: from where few come back, else the bend."""
        return self.rare_days if self.rare_days is not None else self.bend_days

    @property
    def setting(self) -> int | None:
        """The first of the usual settings that isn't shorter; None where the curve says nothing."""
        if self.days is None:
            return None
        return next((days for days in SETTINGS if days >= self.days), SETTINGS[-1])


def knee_of(rows: Sequence[Row]) -> Knee | None:
    """Find out where a curve of `sql/profile/curve.sql` bends; None where it is too short to say."""
    points = [(int(row["days"]), float(row["still_silent"])) for row in rows]
    if len(points) < _FEWEST_POINTS:
        return None
    last_days, rest = points[-1]
    falling = [point for point in points if point[1] > rest]
    rare = next((int(row["days"]) for row in rows if float(row["come_back_later"]) < RARE), last_days)
    bend = _bend([(0, 1.0), *falling, points[len(falling)]])
    # Near its end a curve says of itself that nobody comes back any more: it has to go on as long again.
    return Knee(bend, rare if 2 * rare <= last_days else None, last_days)


def _bend(points: Sequence[tuple[int, float]]) -> int | None:
    """Return the day furthest below the chord, both axes taken from 0 to 1."""
    (first_day, top), (last_day, bottom) = points[0], points[-1]
    width, height = last_day - first_day, top - bottom
    if height <= 0:
        return None
    distance, day = max((1 - (day - first_day) / width - (share - bottom) / height, day) for day, share in points)
    return day if distance > _BEND else None


def at(rows: Sequence[Row], days: int) -> Row | None:
    """Return the row of a curve that holds for a day: the last one not after it; None beyond the curve's end."""
    if not rows or days > rows[-1]["days"]:
        return None
    return next((row for row in reversed(rows) if row["days"] <= days), None)

"""The simulated company's calendar: day indices counted from the first day of its history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

NEVER = np.int32(1_000_000)
SIMULATED_FUTURE_DAYS = 366
_WEEKDAY_ACTIVITY = np.array([1.0, 1.08, 1.08, 1.03, 0.9, 0.35, 0.3])


@dataclass(frozen=True)
class Timeline:
    """Days of a simulation; day 0 is `origin`, day `as_of_day` the first one that nobody knows yet.

    The future is always simulated, so that it can't change the past; `known_days` says how much of
    it the source tables may tell.

    Attributes
    ----------
    origin : numpy.datetime64
        Date of day 0, unit day.
    as_of_day : int
        Index of `as_of`.
    known_days : int
        Facts dated on or after this index are not told.
    days : int
        Number of simulated days.
    """

    origin: np.datetime64
    as_of_day: int
    known_days: int
    days: int

    def index(self, day: date) -> int:
        """Return the day index of a date; it may lie outside the simulation."""
        return int((np.datetime64(day, "D") - self.origin) // np.timedelta64(1, "D"))

    def dates(self) -> NDArray[np.datetime64]:
        """Return the date of every simulated day, shape (days,)."""
        return self.origin + np.arange(self.days)

    def monthly_days(self, first: NDArray[np.int32], months: int) -> NDArray[np.int32]:
        """Return the day indices of `first` plus 0, 1, ... months, shape (n, months).

        A day of month that a month lacks becomes its last day, as Postgres' `interval '1 month'` does.
        """
        dates = self.origin + first.astype(np.int64)
        first_month = dates.astype("datetime64[M]")
        month_days = (dates - first_month.astype("datetime64[D]")).astype(np.int64)
        month = first_month[:, None] + np.arange(months)
        month_start = month.astype("datetime64[D]")
        length = ((month + 1).astype("datetime64[D]") - month_start).astype(np.int64)
        day = month_start + np.minimum(month_days[:, None], length - 1)
        return np.asarray((day - self.origin).astype(np.int64), dtype=np.int32)

    def year_days(self, month: int) -> list[int]:
        """Return the first of a calendar month in every simulated year, as day indices, even below 0."""
        years = range(int(str(self.origin)[:4]), int(str(self.origin + self.days)[:4]) + 1)
        return [self.index(date(year, month, 1)) for year in years]

    def activity(self) -> NDArray[np.float32]:
        """Return how busy each day is by weekday and time of year, mean about 0.8, shape (days,)."""
        dates = self.dates()
        weekday = (dates.astype(np.int64) + 3) % 7
        day_of_year = (dates - dates.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.int64)
        wave = 1.0 + 0.12 * np.cos(2 * np.pi * (day_of_year - 60) / 365.25)
        summer = 1.0 - 0.25 * np.exp(-0.5 * ((day_of_year - 222) / 14.0) ** 2)
        yule = 1.0 - 0.5 * np.exp(-0.5 * ((day_of_year - 361) / 5.0) ** 2)
        return np.asarray(_WEEKDAY_ACTIVITY[weekday] * wave * summer * yule, dtype=np.float32)


def days_in_window(marks: NDArray[np.generic], window_days: int) -> NDArray[np.int32]:
    """Return the sum of `marks` over the days [d - window_days, d), for each day d.

    Parameters
    ----------
    marks : ndarray, shape (n, days)
    window_days : int

    Returns
    -------
    ndarray of int32, shape (n, days)
    """
    total = np.zeros((marks.shape[0], marks.shape[1] + 1), dtype=np.int32)
    np.cumsum(marks, axis=1, out=total[:, 1:])
    sums = total[:, :-1].copy()
    sums[:, window_days:] -= total[:, : max(marks.shape[1] - window_days, 0)]
    return sums


def mark_days(days: NDArray[np.int32], first_day: int, length: int) -> NDArray[np.uint8]:
    """Return a matrix with 1 on each row's given days; days outside the columns are ignored.

    Parameters
    ----------
    days : ndarray of int32, shape (n, any)
        Day indices.
    first_day, length : int
        The columns' first day index and number.

    Returns
    -------
    ndarray of uint8, shape (n, length)
    """
    marks = np.zeros((days.shape[0], length), dtype=np.uint8)
    row, column = np.nonzero((days >= first_day) & (days < first_day + length))
    marks[row, days[row, column] - first_day] = 1
    return marks

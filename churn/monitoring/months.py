"""The series of months that realised figures are judged by: one night a month, so that label windows hardly overlap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from churn.risk.expectation import OUTSIDE, WARNING, judge_series


def first_nights(nights: Sequence[date]) -> list[date]:
    """Return the first of the nights of each calendar month, ascending."""
    first: dict[tuple[int, int], date] = {}
    for night in sorted(nights):
        first.setdefault((night.year, night.month), night)
    return list(first.values())


def series_statuses(statuses: Mapping[date, str]) -> dict[date, str]:
    """Turn `outside` into `warning` where the month before was outside, too.

    The nights of one month look at nearly the same days, so that two of them in a row prove nothing. A night is
    judged behind the first evaluated nights of the months before its own, whichever model scored them.

    Parameters
    ----------
    statuses : mapping of date to str
        One figure's status by evaluated night.

    Returns
    -------
    dict of date to str
    """
    alone = {night: OUTSIDE if status == WARNING else status for night, status in statuses.items()}
    leading = first_nights(list(alone))
    judged = {}
    for night, status in alone.items():
        before = [alone[first] for first in leading if (first.year, first.month) < (night.year, night.month)]
        judged[night] = judge_series([*before, status])[-1]
    return judged

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
    """Turn `outside` into `warning` where the first night of a month and that of the month before were outside.

    The nights of one month look at nearly the same days, so that two of them in a row prove nothing: a month is judged
    by its first evaluated night, whichever model scored it, and warns once. A month of which nothing was evaluated
    ends a run of breaches.

    Parameters
    ----------
    statuses : mapping of date to str
        One figure's status by evaluated night.

    Returns
    -------
    dict of date to str
    """
    judged = {night: OUTSIDE if status == WARNING else status for night, status in statuses.items()}
    leading = first_nights(list(judged))
    starts = [at for at, night in enumerate(leading) if at == 0 or _month(night) != _month(leading[at - 1]) + 1]
    for start, end in zip(starts, [*starts[1:], len(leading)], strict=True):
        run = leading[start:end]
        judged |= zip(run, judge_series([judged[night] for night in run]), strict=True)
    return judged


def _month(day: date) -> int:
    return day.year * 12 + day.month

"""All date arithmetic: half-open windows, maturity, purges, month ends and the business day.

A window is a pair ``(start, end)`` that holds the days ``start <= day < end``. Nothing here reads the clock.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from churn.errors import ConfigError

_MONTHS_A_YEAR = 12


def observation_window(as_of: date, days: int) -> tuple[date, date]:
    """Give the days that a feature of the last ``days`` days may see.

    Parameters
    ----------
    as_of : date
        The business date of the night; the window ends before it.
    days : int
        Length in days, at least 1.

    Returns
    -------
    tuple of date
        ``[as_of - days, as_of)``.

    Raises
    ------
    ValueError
        If ``days`` is less than 1.
    """
    _at_least(1, days=days)
    return as_of - timedelta(days=days), as_of


def label_window(as_of: date, horizon_days: int) -> tuple[date, date]:
    """Give the days in which a customer scored at ``as_of`` churns or does not.

    Returns
    -------
    tuple of date
        ``[as_of, as_of + horizon_days)``.

    Raises
    ------
    ValueError
        If ``horizon_days`` is less than 1.
    """
    _at_least(1, horizon_days=horizon_days)
    return as_of, as_of + timedelta(days=horizon_days)


def matures_on(as_of: date, horizon_days: int, grace_days: int) -> date:
    """Give the first date on which the label of ``as_of`` is known for good.

    Returns
    -------
    date
        ``as_of + horizon_days + grace_days``: a run of this date or later has seen the whole label window
        and, for someone who left on its last day, every day of grace.

    Raises
    ------
    ValueError
        If ``horizon_days`` is less than 1 or ``grace_days`` is negative.
    """
    _at_least(1, horizon_days=horizon_days)
    _at_least(0, grace_days=grace_days)
    return as_of + timedelta(days=horizon_days + grace_days)


def purge_ok(earlier_as_of: date, later_as_of: date, horizon_days: int, grace_days: int) -> bool:
    """Say whether the earlier period's labels were all known when the later period began.

    The purge of methods.md, "Churn, exactly": later as_of >= earlier as_of + horizon + grace.
    """
    return later_as_of >= matures_on(earlier_as_of, horizon_days, grace_days)


def month_start(day: date) -> date:
    """Give the first day of the month that ``day`` is in."""
    return day.replace(day=1)


def add_months(day: date, months: int) -> date:
    """Move a date by whole months, kept inside the month it lands in (31 January + 1 is 28 or 29 February).

    Raises
    ------
    OverflowError
        If the result lies outside the years 1 to 9999.
    """
    index = day.year * _MONTHS_A_YEAR + (day.month - 1) + months
    year, month = index // _MONTHS_A_YEAR, index % _MONTHS_A_YEAR + 1
    if not date.min.year <= year <= date.max.year:
        raise OverflowError(f"{day} moved by {months} months leaves the calendar")
    return date(year, month, min(day.day, _days_in_month(year, month)))


def snapshot_dates(first: date, until: date, horizon_days: int, grace_days: int, count: int) -> list[date]:
    """List the latest month-end snapshots whose labels have matured.

    A month-end snapshot is taken as the first day of the next month begins: it has seen the whole month.

    Parameters
    ----------
    first : date
        No snapshot lies before this date (too little history behind it).
    until : date
        The date of the run; a label must have matured on or before it.
    horizon_days, grace_days : int
        Length of the label window and of the grace after it, in days.
    count : int
        How many snapshots at most.

    Returns
    -------
    list of date
        First days of months, ascending; empty when none has matured.

    Raises
    ------
    ValueError
        If ``count`` is negative, ``horizon_days`` is less than 1 or ``grace_days`` is negative.
    """
    _at_least(0, count=count)
    to_maturity = matures_on(until, horizon_days, grace_days) - until
    found: list[date] = []
    snapshot = month_start(until - to_maturity)
    while len(found) < count and snapshot >= first:
        found.append(snapshot)
        snapshot = add_months(snapshot, -1)
    return found[::-1]


def business_today(now_utc: datetime, timezone: str) -> date:
    """Give the business date at an instant: the calendar day in the business's timezone.

    Parameters
    ----------
    now_utc : datetime
        The instant, with a timezone (UTC at the edge that reads the clock).
    timezone : str
        An IANA name such as ``Europe/London``.

    Raises
    ------
    ValueError
        If ``now_utc`` has no timezone: a naive time would be read as this machine's own.
    ConfigError
        If the timezone is unknown.
    """
    if now_utc.tzinfo is None:
        raise ValueError("now_utc needs a timezone")
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigError(
            f"Timezone '{timezone}' is not known.", "Use an IANA name such as 'Europe/London' or 'UTC'."
        ) from error
    return now_utc.astimezone(zone).date()


def _days_in_month(year: int, month: int) -> int:
    if month == _MONTHS_A_YEAR:
        return 31
    return (date(year, month + 1, 1) - date(year, month, 1)).days


def _at_least(least: int, **values: int) -> None:
    for name, value in values.items():
        if value < least:
            raise ValueError(f"{name} is {value}; it must be at least {least}")


def business_day_start(day: date, timezone: str) -> datetime:
    """Give the instant at which a business day begins."""
    return datetime.combine(day, time(), ZoneInfo(timezone))

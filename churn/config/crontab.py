"""Cron expressions as crontab(5) means them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from apscheduler.triggers.cron import CronTrigger

_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_NUMBERED = re.compile(r"(?:(?P<first>\d)(?:-(?P<last>\d))?|\*)(?:/(?P<step>\d))?")


def cron_trigger(expression: str, timezone: str) -> CronTrigger:
    """Return when a cron expression is due.

    APScheduler 3 counts weekdays from Monday, crontab(5) from Sunday (0 and 7): numbers are turned into names here,
    so that `0 5 * * 1` means Monday as everywhere else.

    Parameters
    ----------
    expression : str
        Minute, hour, day of month, month, day of week. A time must satisfy all five.
    timezone : str
        IANA name.

    Raises
    ------
    ValueError
        The expression isn't one.
    """
    from apscheduler.triggers.cron import CronTrigger

    fields = expression.split()
    if len(fields) != 5:
        raise ValueError(f"a cron expression has five fields, such as 15 3 * * *; this one has {len(fields)}")
    weekdays = ",".join(_named(part) for part in fields[4].lower().split(","))
    return CronTrigger.from_crontab(" ".join([*fields[:4], weekdays]), timezone=ZoneInfo(timezone))


def _named(part: str) -> str:
    """Spell a numbered part of the weekday field by names; `*` and names stay."""
    match = _NUMBERED.fullmatch(part)
    if part == "*" or match is None:
        return part
    first = int(match["first"] or 0)
    last = int(match["last"] or (match["first"] or 6))
    step = int(match["step"] or 1)
    if first > 7 or not first <= last <= 7 or step == 0:
        raise ValueError(f"{part} is no day of the week: 0 or 7 is Sunday, 1 is Monday")
    return ",".join(_DAYS[day % 7] for day in range(first, last + 1, step))

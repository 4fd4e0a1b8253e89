"""Cron expressions as crontab(5) means them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from churn.config.sections import Settings
    from churn.config.wallclock import WallClockTrigger

JOBS = ("nightly", "train")
_SOME_DAY = datetime(2000, 1, 1, tzinfo=UTC)
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_NUMBERED = re.compile(r"(?:(?P<first>\d)(?:-(?P<last>\d))?|\*)(?:/(?P<step>\d))?")


def cron_trigger(expression: str, timezone: str) -> WallClockTrigger:
    """Return when a cron expression is due; on days on which clocks are changed, too, once for each time it names.

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
        The expression isn't one, or is never due.
    """
    from apscheduler.triggers.cron import CronTrigger

    from churn.config.wallclock import WallClockTrigger

    fields = expression.split()
    if len(fields) != 5:
        raise ValueError(f"a cron expression has five fields, such as 15 3 * * *; this one has {len(fields)}")
    weekdays = ",".join(_named(part) for part in fields[4].lower().split(","))
    wall = CronTrigger.from_crontab(" ".join([*fields[:4], weekdays]), timezone=UTC)
    if wall.get_next_fire_time(None, _SOME_DAY) is None:
        raise ValueError(f"{expression} is never due: no month has such a day")
    return WallClockTrigger(wall, ZoneInfo(timezone))


def triggers(settings: Settings) -> dict[str, WallClockTrigger]:
    """Return when each job of `[schedule]` is due."""
    zone = settings.business.timezone
    return {job: cron_trigger(getattr(settings.schedule, job), zone) for job in JOBS}


def next_runs(settings: Settings, now: datetime) -> list[tuple[str, datetime]]:
    """Return when the scheduler runs each job next.

    Parameters
    ----------
    settings : Settings
    now : datetime
        The instant from which on runs are looked for, with a timezone.

    Returns
    -------
    list of (str, datetime)
        Job and time in the business's zone, the soonest first.
    """
    due = [(job, trigger.get_next_fire_time(None, now)) for job, trigger in triggers(settings).items()]
    return sorted(((job, when) for job, when in due if when is not None), key=lambda run: run[1])


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

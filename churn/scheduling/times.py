"""Which firing is due, and which nights were missed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from churn.config.wallclock import WallClockTrigger

_TICK = timedelta(microseconds=1)
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Firing:
    """A job and the time that it was due at.

    Attributes
    ----------
    job : {"nightly", "train"}
    due : datetime
        In the business's zone; its date is the night that is to be run.
    """

    job: str
    due: datetime


def latest_due(trigger: WallClockTrigger, now: datetime, within: timedelta) -> datetime | None:
    """Return when a job was due last, at most `within` ago; None where it was not due since."""
    # Steps back by ever longer strides, so that a job which is due every minute costs no more than a monthly one.
    stride = timedelta(minutes=2)
    while True:
        stride = min(stride, within)
        due = trigger.get_next_fire_time(None, now - stride)
        if (due is not None and due <= now) or stride == within:
            break
        stride *= 4
    latest = None
    while due is not None and due <= now:
        latest, due = due, trigger.get_next_fire_time(due, now)
    return latest


def is_due_on(trigger: WallClockTrigger, day: date) -> bool:
    """Say whether a job is due at any time of a business day."""
    midnight = datetime.combine(day, time(), tzinfo=trigger.timezone)
    due = trigger.get_next_fire_time(None, midnight.astimezone(UTC))
    return due is not None and due.date() == day


def missed_nights(trigger: WallClockTrigger, published: date | None, tonight: date, most: int) -> list[date]:
    """List the nights to make up for before tonight's, oldest first.

    Parameters
    ----------
    trigger : WallClockTrigger
        A day on which no night was due is no night that was missed.
    published : date, optional
        The latest published night; where there is none, none was missed.
    tonight : date
    most : int
        Where more were missed, the latest of them are kept: they are what somebody may still act on.
    """
    found: list[date] = []
    day = tonight - _DAY
    while published is not None and day > published and len(found) < most:
        if is_due_on(trigger, day):
            found.append(day)
        day -= _DAY
    return found[::-1]

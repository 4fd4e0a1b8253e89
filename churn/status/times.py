"""When nights are due: the last one, the next ones, and those that were missed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from churn.alerts.book import MISSED_DAYS
from churn.config import Settings, next_runs, triggers

_SPANS = (timedelta(days=1), timedelta(days=8), timedelta(days=40), timedelta(days=400))


def latest_due(settings: Settings, now: datetime) -> datetime | None:
    """Return when a night was due last, in the business's zone; its date is the night's. None where none ever was."""
    trigger = triggers(settings)["nightly"]
    for span in _SPANS:
        latest, due = None, trigger.get_next_fire_time(None, now - span)
        while due is not None and due <= now:
            latest, due = due, trigger.get_next_fire_time(due, due + timedelta(seconds=1))
        if latest is not None:
            return latest
    return None


def missed_nights(settings: Settings, published: Collection[date], due: date) -> list[date]:
    """Return the nights of the last four weeks before `due` that were due and were not published, ascending.

    Parameters
    ----------
    settings : Settings
    published : collection of date
        Nights that are published; none before the first of them was missed.
    due : date
    """
    if not published:
        return []
    first = max(min(published), due - timedelta(days=MISSED_DAYS))
    days = [first + timedelta(days=number) for number in range((due - first).days)]
    return [day for day in days if day not in published and _is_due_on(settings, day)]


def _is_due_on(settings: Settings, day: date) -> bool:
    midnight = datetime.combine(day, time(), tzinfo=ZoneInfo(settings.business.timezone)).astimezone(UTC)
    due: datetime | None = triggers(settings)["nightly"].get_next_fire_time(None, midnight)
    return due is not None and due.date() == day


def next_lines(settings: Settings, now: datetime) -> list[str]:
    """Say when the scheduler runs what next."""
    return [
        f"Next {job}: {due:%Y-%m-%d %H:%M %Z}, where `churn scheduler` runs." for job, due in next_runs(settings, now)
    ]


def ago(seconds: float) -> str:
    """Say a length of time in words, roughly.

    Parameters
    ----------
    seconds : float
        Less than none counts as none: clocks of two machines differ.
    """
    if seconds < 120:
        return f"{max(0, seconds):.0f} s"
    if seconds < 2 * 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.0f} days"

"""When a cron expression is due by the clock on the wall, also on the days on which that clock is changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from apscheduler.triggers.base import BaseTrigger

if TYPE_CHECKING:
    from apscheduler.triggers.cron import CronTrigger

_TICK = timedelta(microseconds=1)
_SECOND = timedelta(seconds=1)


class WallClockTrigger(BaseTrigger):  # type: ignore[misc]
    """Fires once for each time that a cron expression names, whatever is done to the clocks.

    APScheduler 3's own cron trigger fires twice where a time exists twice, and may give the same time for ever there
    (its issue 1021). Here a time that exists twice is due when it comes first, and one that is left out is due the
    moment that the clocks have been put forward, as cron(8) has it; several that are left out are due once together.

    Parameters
    ----------
    wall : CronTrigger
        The expression, read in a zone that never changes its clocks (UTC).
    zone : ZoneInfo
        Zone of the clock on the wall.
    """

    __slots__ = ("timezone", "wall")

    def __init__(self, wall: CronTrigger, zone: ZoneInfo) -> None:
        self.wall = wall
        self.timezone = zone

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """Return the first time that is due after the previous one, or from now on where there was none."""
        after = (previous_fire_time or now).astimezone(UTC)
        if previous_fire_time is None:
            after -= _TICK
        named = self._named(after.astimezone(self.timezone).replace(tzinfo=UTC, fold=0))
        while named is not None:
            due = self._instant(named)
            if due > after:
                return due.astimezone(self.timezone)
            named = self._named(named + _TICK)
        return None

    def _named(self, wall: datetime) -> datetime | None:
        """Return the first time from `wall` on that the expression names."""
        found: datetime | None = self.wall.get_next_fire_time(None, wall)
        return found

    def _instant(self, wall: datetime) -> datetime:
        """Return when the clock shows a time first, or when it skips it.

        The instants rise with the times, so that the first named time after an instant is also the first that is due.
        """
        before, after = (wall.replace(tzinfo=self.timezone, fold=fold).astimezone(UTC) for fold in (0, 1))
        if before <= after:
            return before
        # Skipped (PEP 495: the offsets from before and after the change come in the wrong order): find the change.
        low, high = after, before
        offset = low.astimezone(self.timezone).utcoffset()
        while high - low > _SECOND:
            middle = low + timedelta(seconds=(high - low) // _SECOND // 2)
            if middle.astimezone(self.timezone).utcoffset() == offset:
                low = middle
            else:
                high = middle
        return high

    def __str__(self) -> str:
        """Say what is due and where the clock hangs."""
        return f"{self.wall} in {self.timezone}"

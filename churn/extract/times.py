"""The one place where times change clocks: source columns to business-local, bounds to the source's clock.

A `timestamptz` is an instant and is shown on the business's clock. A `timestamp` is read on the clock of
`source.timezone` first. A `date` is a business date already: its local time is midnight, and it never passes
through a time with zone. The source does the arithmetic, so a row is converted before it is grouped.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from churn.config import Settings

BOUND_MARGIN = timedelta(hours=3)
"""How far a bound on the raw column reaches beyond the exact one: wall clocks repeat an hour when they go
back,
and the source's own time zone rules may be older than ours."""


@dataclass(frozen=True)
class Days:
    """Business days `[first, until)` that rows are read of.

    Attributes
    ----------
    first : datetime.date
    until : datetime.date or None
        None: all that follow.
    is_rest : bool
        Read what lies outside of them instead: before, after, and rows without a time.
    """

    first: date
    until: date | None = None
    is_rest: bool = False


@dataclass(frozen=True)
class Clocks:
    """The two time zones, and the moment of the run.

    Attributes
    ----------
    business, source : str
        IANA names: of the business's days, and of source times that carry no zone.
    started_at : datetime
        Start of the run, aware, UTC.
    """

    business: str
    source: str
    started_at: datetime

    @classmethod
    def of(cls, settings: Settings, started_at: datetime) -> Clocks:
        """Take the zones from the configuration; `started_at` must carry a zone."""
        if started_at.tzinfo is None:
            raise ValueError("started_at needs a timezone")
        return cls(settings.business.timezone, settings.source_timezone, started_at.astimezone(UTC))

    @property
    def learned_at(self) -> datetime:
        """Start of the run on the business's clock, without zone."""
        return self.started_at.astimezone(ZoneInfo(self.business)).replace(tzinfo=None)

    @property
    def latest_at(self) -> datetime:
        """Business-local time after which a row hasn't happened yet: a day past the start of the run."""
        return self.learned_at + timedelta(days=1)

    def instant(self, local: datetime) -> datetime:
        """Return the (earlier) instant at which the business's clock shows `local`."""
        return local.replace(tzinfo=ZoneInfo(self.business), fold=0).astimezone(UTC)

    def local_time(self, column: sa.ColumnElement[datetime], kind: str) -> sa.ColumnElement[datetime]:
        """Return a source column as business-local `timestamp`.

        Parameters
        ----------
        column : sqlalchemy.ColumnElement
        kind : {"timestamptz", "timestamp", "date"}
            Its Postgres type.
        """
        if kind == "timestamptz":
            return sa.func.timezone(self.business, column)
        if kind == "date":
            return sa.cast(column, sa.DateTime())
        if self.source == self.business:
            return column
        return sa.func.timezone(self.business, sa.func.timezone(self.source, column))

    def raw_bound(self, instant: datetime, kind: str) -> sa.ColumnElement[Any]:
        """Return an instant as a constant of a column's own type and clock, so that an index serves."""
        if kind == "timestamptz":
            return sa.cast(sa.literal(instant.astimezone(UTC).isoformat()), sa.DateTime(timezone=True))
        zone = ZoneInfo(self.business if kind == "date" else self.source)
        wall = instant.astimezone(zone).replace(tzinfo=None)
        if kind == "date":
            return _date(wall.date())
        return sa.cast(sa.literal(wall.isoformat()), sa.DateTime())

    def lies_in(self, column: sa.ColumnElement[datetime], kind: str, days: Days) -> sa.ColumnElement[bool]:
        """Say that a column lies in business days, with bounds on the raw column too, so that an index serves."""
        if days.is_rest:
            later = () if days.until is None else (self._not_before(column, kind, days.until),)
            return sa.or_(column.is_(None), self._before(column, kind, days.first), *later)
        inside = self._not_before(column, kind, days.first)
        return inside if days.until is None else sa.and_(inside, self._before(column, kind, days.until))

    def _not_before(self, column: sa.ColumnElement[datetime], kind: str, first: date) -> sa.ColumnElement[bool]:
        bound = self.raw_bound(self.midnight(first) - self._margin(kind), kind)
        return sa.and_(column >= bound, self._day(column, kind) >= _date(first))

    def _before(self, column: sa.ColumnElement[datetime], kind: str, until: date) -> sa.ColumnElement[bool]:
        bound = self.raw_bound(self.midnight(until) + self._margin(kind), kind)
        return sa.and_(column < bound, self._day(column, kind) < _date(until))

    def _day(self, column: sa.ColumnElement[datetime], kind: str) -> sa.ColumnElement[date]:
        return sa.cast(self.local_time(column, kind), sa.Date())

    def midnight(self, day: date) -> datetime:
        """Return the instant at which a business day begins."""
        return self.instant(datetime(day.year, day.month, day.day))

    @staticmethod
    def _margin(kind: str) -> timedelta:
        return timedelta(0) if kind == "date" else BOUND_MARGIN


def _date(day: date) -> sa.ColumnElement[Any]:
    return sa.cast(sa.literal(day.isoformat()), sa.Date())

"""What to read of each entity: everything, what changed, or the last days; decided from the watermarks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn.config import Settings
from churn.extract.contract import USAGE_EVENTS
from churn.extract.mapping import MappedEntity, describe, load_mappings
from churn.extract.reading import changed_rows, usage_by_customer, usage_by_day
from churn.extract.times import Clocks, Days
from churn.schema import watermarks

Mode = Literal["full", "changed", "recent", "recent and late"]

LATE_LOOK_BACK_DAYS = 180
"""Days before those read again in which late events are counted: as far as any usage feature looks back."""


@dataclass(frozen=True)
class Watermark:
    """How far an entity was read by the last extraction that succeeded.

    Attributes
    ----------
    mapping_digest : str
    read_through : datetime or None
        Business-local: the last day with usage, never later than that run's start.
    updated_through : datetime or None
        Business-local: the latest `updated_at` seen, never later than that run's start.
    full_read_at : datetime
        Instant of the last full comparison (of usage: of the last full read or count of late events).
    """

    mapping_digest: str
    read_through: datetime | None
    updated_through: datetime | None
    full_read_at: datetime


@dataclass(frozen=True)
class EntityPlan:
    """What to read of one entity.

    Attributes
    ----------
    entity : MappedEntity
    digest : str
        Digest of the mapping, types and zones.
    mode : {"full", "changed", "recent", "recent and late"}
    previous : Watermark or None
        None when the entity was never read.
    first_day : datetime.date or None
        First business day of usage to read again; None for all of it.
    late_days : tuple of datetime.date or None
        Half-open range of days in which late events are counted.
    """

    entity: MappedEntity
    digest: str
    mode: Mode
    previous: Watermark | None
    first_day: date | None = None
    late_days: tuple[date, date] | None = None

    @property
    def name(self) -> str:
        """Name of the entity."""
        return self.entity.name

    @property
    def is_first(self) -> bool:
        """Whether the entity was never read before."""
        return self.previous is None

    @property
    def is_whole(self) -> bool:
        """Whether every row is read, so that deletions show."""
        return self.mode == "full"

    @property
    def is_rebased(self) -> bool:
        """Whether the mapping or a zone changed since the last extraction."""
        return self.previous is not None and self.previous.mapping_digest != self.digest

    def query(self, clocks: Clocks) -> sa.Select[Any]:
        """Return what to run in the source."""
        if self.name == USAGE_EVENTS.name:
            days = None if self.first_day is None else Days(self.first_day)
            return usage_by_day(self.entity, clocks, days)
        return changed_rows(self.entity, clocks, self._updated_through())

    def late_query(self, clocks: Clocks) -> sa.Select[Any] | None:
        """Return what counts late events in the source, on nights that do."""
        return None if self.late_days is None else usage_by_customer(self.entity, clocks, Days(*self.late_days))

    def _updated_through(self) -> datetime | None:
        return self.previous.updated_through if self.mode == "changed" and self.previous else None


def read_watermarks(connection: Connection) -> dict[str, Watermark]:
    """Read the watermark of every entity that was ever extracted."""
    columns = watermarks.c
    rows = connection.execute(
        sa.select(
            columns.entity,
            columns.mapping_digest,
            columns.read_through,
            columns.updated_through,
            columns.full_read_at,
        )
    )
    return {row.entity: Watermark(*row[1:]) for row in rows}


def plan_entities(
    reading: Connection, watermarks: dict[str, Watermark], settings: Settings, clocks: Clocks, *, full: bool
) -> list[EntityPlan]:
    """Decide what to read of each mapped entity, in the contract's order.

    Raises
    ------
    DataContractError
        A mapping is missing or doesn't keep the contract.
    """
    return [
        plan_entity(describe(reading, mapping), watermarks.get(name), settings, clocks, full=full)
        for name, mapping in load_mappings(settings).items()
    ]


def plan_entity(
    entity: MappedEntity, previous: Watermark | None, settings: Settings, clocks: Clocks, *, full: bool
) -> EntityPlan:
    """Decide what to read of an entity.

    Parameters
    ----------
    previous : Watermark, optional
    full : bool
        Read everything, whatever the watermark says.
    """
    digest = entity.digest(settings)
    if full or previous is None or previous.mapping_digest != digest:
        return EntityPlan(entity, digest, "full", previous)
    is_due = _days_since(previous.full_read_at, clocks) >= settings.extract.full_compare_days
    if entity.name == USAGE_EVENTS.name:
        return _plan_usage(entity, digest, previous, settings.extract.late_days, is_due=is_due)
    is_changed_enough = entity.has("updated_at") and previous.updated_through is not None and not is_due
    return EntityPlan(entity, digest, "changed" if is_changed_enough else "full", previous)


def _plan_usage(entity: MappedEntity, digest: str, previous: Watermark, late_days: int, *, is_due: bool) -> EntityPlan:
    if previous.read_through is None:
        return EntityPlan(entity, digest, "full", previous)
    first = previous.read_through.date() - timedelta(days=late_days)
    if not is_due:
        return EntityPlan(entity, digest, "recent", previous, first)
    late = (first - timedelta(days=LATE_LOOK_BACK_DAYS), first)
    return EntityPlan(entity, digest, "recent and late", previous, first, late)


def _days_since(instant: datetime, clocks: Clocks) -> int:
    zone = ZoneInfo(clocks.business)
    return (clocks.learned_at.date() - instant.astimezone(zone).date()).days

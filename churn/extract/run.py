"""Extraction (DESIGN §5): one consistent look at the source, one transaction in the warehouse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn.config import Settings
from churn.extract.contract import CUSTOMERS, USAGE_EVENTS
from churn.extract.entities import stage_rows, stage_usage
from churn.extract.load import create_tables, load_table, same_text, stream
from churn.extract.mapping import blaming, describe, load_mappings
from churn.extract.plan import EntityPlan, plan_entity, read_watermarks
from churn.extract.recording import move_watermark, record_counts
from churn.extract.report import EntityCounts, ExtractionReport, QuarantineError
from churn.extract.times import Clocks
from churn.sqlfiles import read_sql
from churn.warehouse import Database, literal_sql, translated

Progress = Callable[[str, int], None]

_SOURCE_WORK_MEM = "128MB"


def extract(
    source: Database,
    connection: Connection,
    settings: Settings,
    *,
    run_id: int,
    started_at: datetime,
    progress: Progress,
    full: bool = False,
) -> ExtractionReport:
    """Bring staging up to the source.

    All entities are read in one `REPEATABLE READ, READ ONLY` transaction, which ends before staging is
    touched. All writing happens in the transaction of `connection`: until the caller commits it, nothing has
    changed.

    Parameters
    ----------
    source : Database
    connection : sqlalchemy.Connection
        To the warehouse, in a transaction, under the writer lock.
    settings : Settings
    run_id : int
        Run that `ops` rows are written under.
    started_at : datetime
        Start of the run, with a time zone.
    progress : callable
        Called with an entity and the rows of it (of usage: groups) that have been read so far.
    full : bool
        Read everything, whatever was read before.

    Raises
    ------
    SourceError
        The source can't be reached or refuses the login.
    DataContractError
        A mapping is missing or doesn't keep the contract.
    QuarantineError
        Too many rows of an entity are unusable; carries the counts.
    """
    clocks = Clocks.of(settings, started_at)
    with translated("warehouse"):
        plans, loaded = _load(source, connection, settings, clocks, progress, full=full)
        counts: dict[str, EntityCounts] = {}
        for plan in plans:
            counts[plan.name] = _stage(connection, plan, loaded, counts, settings, clocks, run_id)
        dates = connection.execute(read_sql("staging/data_dates.sql").statement).one()
        earlier = read_watermarks(connection)
    return ExtractionReport(
        entities=counts,
        attributes=next(plan.entity.attributes for plan in plans if plan.name == CUSTOMERS.name),
        columns={plan.name: tuple(plan.entity.types) for plan in plans},
        mapping_digests={plan.name: plan.digest for plan in plans},
        no_longer_mapped=tuple(sorted(name for name in earlier if name not in counts)),
        first_date=dates.first_date,
        last_date=dates.last_date,
    )


@dataclass(frozen=True)
class EntityPreview:
    """What an extraction would read of one entity.

    Attributes
    ----------
    entity, mode : str
    rows : int
        Source rows (of usage: events) within the bounds.
    first_day : datetime.date or None
        First business day of usage that would be read; None for all of it.
    """

    entity: str
    mode: str
    rows: int
    first_day: date | None


def preview(
    source: Database, connection: Connection, settings: Settings, *, started_at: datetime, full: bool = False
) -> list[EntityPreview]:
    """Count what `extract` would read now, and write nothing (`--dry-run`)."""
    clocks = Clocks.of(settings, started_at)
    previews = []
    with source_snapshot(source) as reading, translated("warehouse"):
        for plan in _plans(reading, connection, settings, clocks, full=full):
            rows = plan.query(clocks).subquery("rows")
            count = sa.func.sum(rows.c.events) if plan.name == USAGE_EVENTS.name else sa.func.count()
            query = literal_sql(sa.select(sa.func.coalesce(count, 0)).select_from(rows))
            with blaming(plan.entity.mapping.file), translated("source"):
                found = reading.exec_driver_sql(query, execution_options={"no_parameters": True}).scalar_one()
            previews.append(EntityPreview(plan.name, plan.mode, int(found), plan.first_day))
    return previews


@contextmanager
def source_snapshot(source: Database) -> Iterator[Connection]:
    """Open one consistent, read-only look at the source."""
    with source.connect(isolation="REPEATABLE READ") as connection:
        reading = connection.execution_options(postgresql_readonly=True)
        same_text(reading)
        reading.execute(
            sa.text(
                "select set_config('work_mem', :size, true) "
                "where pg_size_bytes(current_setting('work_mem')) < pg_size_bytes(:size)"
            ),
            {"size": _SOURCE_WORK_MEM},
        )
        yield reading


def _plans(
    reading: Connection, connection: Connection, settings: Settings, clocks: Clocks, *, full: bool
) -> list[EntityPlan]:
    watermarks = read_watermarks(connection)
    return [
        plan_entity(describe(reading, mapping), watermarks.get(name), settings, clocks, full=full)
        for name, mapping in load_mappings(settings).items()
    ]


def _load(
    source: Database,
    connection: Connection,
    settings: Settings,
    clocks: Clocks,
    progress: Progress,
    *,
    full: bool,
) -> tuple[list[EntityPlan], dict[str, int]]:
    """Copy what the plans ask for into temporary tables; return the plans and the rows copied, by entity."""
    loaded = {}
    with source_snapshot(source) as reading, translated("warehouse"):
        plans = _plans(reading, connection, settings, clocks, full=full)
        same_text(connection)
        create_tables(connection, tuple(plan.name for plan in plans))
        for plan in plans:
            file = plan.entity.mapping.file

            def report(rows: int, name: str = plan.name) -> None:
                progress(name, rows)

            query = plan.query(clocks)
            loaded[plan.name] = stream(reading, query, connection, load_table(plan.name), file=file, progress=report)
            late = plan.late_query(clocks)
            if late is not None:
                stream(reading, late, connection, "load_usage_late", file=file, progress=lambda _rows: None)
    return plans, loaded


def _stage(
    connection: Connection,
    plan: EntityPlan,
    loaded: dict[str, int],
    earlier: dict[str, EntityCounts],
    settings: Settings,
    clocks: Clocks,
    run_id: int,
) -> EntityCounts:
    last_usage_date = None
    try:
        if plan.name == USAGE_EVENTS.name:
            counts, last_usage_date = stage_usage(connection, plan, settings.extract)
        else:
            counts = stage_rows(
                connection, plan, loaded[plan.name], clocks, settings.extract, settings.business.currency
            )
    except QuarantineError as error:
        before = tuple(count for done in earlier.values() for count in done.quarantine)
        raise QuarantineError(error.message, error.hint, before + error.quarantine) from None
    record_counts(connection, run_id, counts)
    move_watermark(connection, run_id, plan, clocks, last_usage_date)
    return counts

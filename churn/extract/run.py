"""Extraction (DESIGN §5): one consistent look at the source, one transaction in the warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn.config import Settings
from churn.errors import DataContractError
from churn.extract.contract import CUSTOMERS, USAGE_EVENTS
from churn.extract.copying import Copying, Loaded, load_rows
from churn.extract.entities import FEWEST_VANISHED, stage_rows, stage_usage
from churn.extract.history import drop_histories, forget_history, read_histories
from churn.extract.load import create_tables, same_text, source_snapshot, stream
from churn.extract.mapping import blaming
from churn.extract.parts import Progress, finish_history, read_history
from churn.extract.plan import EntityPlan, plan_entities, read_watermarks
from churn.extract.recording import move_watermark, record_counts
from churn.extract.report import EntityCounts, ExtractionReport, QuarantineError
from churn.extract.times import Clocks
from churn.extract.versions import current_rows
from churn.sqlfiles import read_sql
from churn.tombstones import load as load_tombstones
from churn.warehouse import Database, literal_sql, translated


def extract(
    source: Database,
    connection: Connection,
    settings: Settings,
    *,
    run_id: int,
    started_at: datetime,
    progress: Progress,
    full: bool = False,
    warehouse: Database | None = None,
    past_is_read: bool = False,
) -> ExtractionReport:
    """Bring staging up to the source.

    All entities are read in one `REPEATABLE READ, READ ONLY` transaction, which ends before staging is
    touched. All writing happens in the transaction of `connection`: until the caller commits it, nothing has
    changed. Only the past of a big entity that is new is read before, in parts that are kept beside staging until
    then (`churn.extract.history`): what is there by the time a run dies is not read again.

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
    warehouse : Database, optional
        The warehouse of `connection`, for the transactions of those parts; without it everything is read at once.
    past_is_read : bool
        `read_past` was called before, so that the transaction of `connection` need not stand open meanwhile.

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
    if warehouse is not None and not full and not past_is_read:
        read_history(source, warehouse, settings, clocks, progress)
    with translated("warehouse"):
        plans, loaded = _load(source, connection, settings, clocks, progress, full=full)
        counts: dict[str, EntityCounts] = {}
        for plan in plans:
            with _mistrusting(warehouse, plan.name):
                counts[plan.name] = _stage(connection, plan, loaded, counts, settings, clocks, run_id)
        drop_histories(connection)
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


def read_past(
    source: Database, warehouse: Database, settings: Settings, *, started_at: datetime, progress: Progress
) -> None:
    """Read the past of big entities that are new, in parts that are committed one by one; `extract` reads the rest."""
    read_history(source, warehouse, settings, Clocks.of(settings, started_at), progress)


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
        for plan in plan_entities(reading, read_watermarks(connection), settings, clocks, full=full):
            rows = plan.query(clocks).subquery("rows")
            count = sa.func.sum(rows.c.events) if plan.name == USAGE_EVENTS.name else sa.func.count()
            query = literal_sql(sa.select(sa.func.coalesce(count, 0)).select_from(rows))
            with blaming(plan.entity.mapping.file), translated("source"):
                found = reading.exec_driver_sql(query, execution_options={"no_parameters": True}).scalar_one()
            previews.append(EntityPreview(plan.name, plan.mode, int(found), plan.first_day))
    return previews


def _load(
    source: Database,
    connection: Connection,
    settings: Settings,
    clocks: Clocks,
    progress: Progress,
    *,
    full: bool,
) -> tuple[list[EntityPlan], dict[str, Loaded]]:
    """Copy what the plans ask for into load tables; return the plans and what was copied, by entity."""
    loaded = {}
    histories = {} if full else read_histories(connection)
    with source_snapshot(source) as reading, translated("warehouse"):
        plans = plan_entities(reading, read_watermarks(connection), settings, clocks, full=full)
        plans = [_whole_where_rows_vanished(reading, connection, plan) for plan in plans]
        same_text(connection)
        create_tables(connection, tuple(plan.name for plan in plans))
        copying = Copying(reading, connection, clocks, load_tombstones(connection, settings))
        for plan in plans:

            def report(rows: int, name: str = plan.name) -> None:
                progress(name, rows)

            history = histories.get(plan.name)
            if history is not None and history.is_whole and history.serves(plan, clocks):
                loaded[plan.name] = finish_history(copying, plan, history, settings.extract.late_days, report)
            else:
                loaded[plan.name] = load_rows(copying, plan, report)
            late = plan.late_query(clocks)
            if late is not None:
                file = plan.entity.mapping.file
                stream(reading, late, connection, "load_usage_late", file=file, progress=lambda _rows: None)
    return plans, loaded


def _whole_where_rows_vanished(reading: Connection, connection: Connection, plan: EntityPlan) -> EntityPlan:
    """Read an entity whole that is read by `updated_at`, where the source holds notably fewer rows than staging does.

    What was deleted does not show by `updated_at`; a table that was emptied would be noticed days later.
    """
    if plan.mode != "changed":
        return plan
    rows = literal_sql(sa.select(sa.func.count()).select_from(plan.entity.subquery()))
    with blaming(plan.entity.mapping.file), translated("source"):
        found = reading.exec_driver_sql(rows, execution_options={"no_parameters": True}).scalar_one()
    return replace(plan, mode="full") if found + FEWEST_VANISHED <= current_rows(connection, plan.name) else plan


@contextmanager
def _mistrusting(warehouse: Database | None, entity: str) -> Iterator[None]:
    """Read an entity's past anew after its rows were refused: what is mended in the source must show."""
    try:
        yield
    except DataContractError:
        if warehouse is not None:
            with warehouse.begin() as connection:
                forget_history(connection, entity)
        raise


def _stage(
    connection: Connection,
    plan: EntityPlan,
    loaded: dict[str, Loaded],
    earlier: dict[str, EntityCounts],
    settings: Settings,
    clocks: Clocks,
    run_id: int,
) -> EntityCounts:
    last_usage_date = None
    try:
        if plan.name == USAGE_EVENTS.name:
            counts, last_usage_date = stage_usage(connection, plan, loaded[plan.name], settings.extract)
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

"""The past of a big entity, read part by part into tables that outlive a death: the next extraction goes on there.

The tables are `staging.load_<entity>`, and `staging.load_parts` says what they hold. Each part is committed with its
mark. All are unlogged, so that a crash of the server which empties one empties the others; all go in the transaction
that brings staging up to date, or when a later extraction can't use them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

import churn
from churn.extract.contract import USAGE_EVENTS
from churn.extract.load import load_columns, load_table
from churn.extract.plan import EntityPlan
from churn.extract.reading import TIME_COLUMNS
from churn.extract.times import Clocks, Days
from churn.warehouse import quoted, run_ddl

KEPT = timedelta(days=7)
"""A load that was begun longer ago is begun anew."""

_SCHEMA = "staging"
IS_FORGOTTEN = "is_forgotten"
"""Column that is true in a row which only counts what a forgotten customer's part had."""
_PARTS = sa.Table(
    "load_parts",
    sa.MetaData(),
    sa.Column("entity", sa.Text),
    sa.Column("digest", sa.Text),
    sa.Column("started_at", sa.DateTime(timezone=True)),
    sa.Column("first_date", sa.Date),
    sa.Column("until_date", sa.Date),
    sa.Column("rows", sa.BigInteger),
    schema=_SCHEMA,
    prefixes=["UNLOGGED"],
)


@dataclass(frozen=True)
class Part:
    """A part of an entity's past: its days, and the rows that were copied of it; None: not read yet."""

    days: Days
    rows: int | None


@dataclass(frozen=True)
class History:
    """How far the past of an entity is read.

    Attributes
    ----------
    entity : str
    digest : str
        Of the mapping, the zones and the release that reads.
    started_at : datetime
        Instant; no part was read before it.
    parts : tuple of Part
        In the order of their days, without gaps.
    """

    entity: str
    digest: str
    started_at: datetime
    parts: tuple[Part, ...]

    @property
    def is_whole(self) -> bool:
        """Whether every part is read."""
        return all(part.rows is not None for part in self.parts)

    @property
    def rows(self) -> int:
        """Rows copied so far."""
        return sum(part.rows or 0 for part in self.parts)

    def serves(self, plan: EntityPlan, clocks: Clocks) -> bool:
        """Say whether an extraction may go on from here."""
        age = clocks.started_at - self.started_at
        return is_read_in_parts(plan) and self.digest == _digest(plan) and timedelta(0) <= age <= KEPT


def is_read_in_parts(plan: EntityPlan) -> bool:
    """Say whether the past of an entity may be read part by part: when it is read for the first time, or anew."""
    if plan.name == USAGE_EVENTS.name:
        return plan.is_whole
    return plan.name in TIME_COLUMNS and (plan.is_first or plan.is_rebased)


def read_histories(connection: Connection) -> dict[str, History]:
    """Return what earlier extractions have read and not used yet, by entity."""
    if not _exist(connection):
        return {}
    found: dict[str, History] = {}
    for row in connection.execute(sa.select(_PARTS).order_by(_PARTS.c.entity, _PARTS.c.first_date)):
        part = Part(Days(row.first_date, row.until_date), row.rows)
        earlier = found[row.entity].parts if row.entity in found else ()
        found[row.entity] = History(row.entity, row.digest, row.started_at, (*earlier, part))
    return found


def begin_history(connection: Connection, plan: EntityPlan, clocks: Clocks, days: Iterable[Days]) -> History:
    """Make the tables of an entity's past, and note the parts to read."""
    _PARTS.create(connection, checkfirst=True)
    kept_table(plan.name).create(connection)
    history = History(plan.name, _digest(plan), clocks.started_at, tuple(Part(part, None) for part in days))
    for part in history.parts:
        values = {"entity": plan.name, "digest": history.digest, "started_at": history.started_at}
        connection.execute(sa.insert(_PARTS).values(**values, first_date=part.days.first, until_date=part.days.until))
    return history


def forget_history(connection: Connection, entity: str) -> None:
    """Let no later extraction go on from what was read of an entity; its table goes with the next one."""
    if _exist(connection):
        connection.execute(sa.delete(_PARTS).where(_PARTS.c.entity == entity))


def drop_histories(connection: Connection, *, but: Iterable[str] = ()) -> None:
    """Drop the load tables and marks of all entities but these."""
    kept = {load_table(name) for name in but}
    for table in sa.inspect(connection).get_table_names(schema=_SCHEMA):
        if table.startswith(load_table("")) and table not in {*kept, _PARTS.name}:
            run_ddl(connection, f"drop table {_SCHEMA}.{quoted(table)} cascade")
    if kept:
        connection.execute(sa.delete(_PARTS).where(_PARTS.c.entity.not_in(list(but))))
    else:
        _PARTS.drop(connection, checkfirst=True)


def mark_read(connection: Connection, entity: str, part: Part, rows: int) -> None:
    """Note that a part is read, in the transaction that has written its rows."""
    connection.execute(
        sa.update(_PARTS).values(rows=rows).where(_PARTS.c.entity == entity, _PARTS.c.first_date == part.days.first)
    )


def kept_table(name: str) -> sa.Table:
    """Return the table that keeps what is read of an entity's past."""
    return sa.Table(
        load_table(name),
        sa.MetaData(),
        *load_columns(name),
        sa.Column(IS_FORGOTTEN, sa.Boolean, server_default="false", nullable=False),
        schema=_SCHEMA,
        prefixes=["UNLOGGED"],
    )


def _exist(connection: Connection) -> bool:
    return bool(sa.inspect(connection).has_table(_PARTS.name, schema=_SCHEMA))


def _digest(plan: EntityPlan) -> str:
    return f"{churn.__version__} {plan.digest}"

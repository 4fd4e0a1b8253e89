"""Rows on their way from the source to a load table, without those of forgotten customers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn.extract.contract import CUSTOMERS
from churn.extract.forgotten import delete_forgotten, empty_forgotten_values, find_forgotten
from churn.extract.load import create_load, load_table, stream
from churn.extract.plan import EntityPlan
from churn.extract.times import Clocks
from churn.tombstones import Tombstones


@dataclass(frozen=True)
class Copying:
    """A look at the source and a transaction in the warehouse, between which rows are copied.

    Attributes
    ----------
    source, warehouse : sqlalchemy.Connection
    clocks : Clocks
    tombstones : Tombstones or None
        None where nobody was forgotten.
    """

    source: Connection
    warehouse: Connection
    clocks: Clocks
    tombstones: Tombstones | None


@dataclass(frozen=True)
class Loaded:
    """What landed in an entity's load table.

    Attributes
    ----------
    rows : int
        Rows that were copied; of usage, groups.
    forgotten : int
        Source rows (events) of forgotten customers, which were taken out again.
    """

    rows: int
    forgotten: int


def load_rows(copying: Copying, plan: EntityPlan, progress: Callable[[int], None]) -> Loaded:
    """Copy what the plan asks for into the entity's temporary load table."""
    create_load(copying.warehouse, plan.name)
    rows = copy_query(copying, plan, plan.query(copying.clocks), progress)
    find_forgotten(copying.warehouse, copying.tombstones, plan.name)
    forgotten = delete_forgotten(copying.warehouse, plan.name)
    if plan.name == CUSTOMERS.name:
        empty_forgotten_values(copying.warehouse, copying.tombstones)
    return Loaded(rows, forgotten)


def copy_query(copying: Copying, plan: EntityPlan, query: sa.Select[Any], progress: Callable[[int], None]) -> int:
    """Copy the rows of a query in the source into the entity's temporary load table; return how many."""
    return stream(
        copying.source,
        query,
        copying.warehouse,
        load_table(plan.name),
        file=plan.entity.mapping.file,
        progress=progress,
    )

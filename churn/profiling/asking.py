"""Asking the source: one moment for the whole profile, patience for each statement, nothing kept of any row."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn.config import Settings
from churn.dashboard.blocks import Answer, Row
from churn.errors import ChurnError
from churn.extract.estimates import explained
from churn.extract.mapping import MappedEntity, blaming, describe, load_mappings
from churn.profiling.blocks import SourceBlock
from churn.profiling.relations import composed
from churn.warehouse import Database, sqlstate, translated

LOOKED_AT_ROWS = 500_000
"""Of an entity with more rows, each value is looked at for a part of the customers alone."""

ALL_TOGETHER = 12
"""The whole profile may take so many times what one statement may: its snapshot holds up the source's vacuum."""

_LOCK_WAIT_MS = 10_000
_TOOK_TOO_LONG = ("57014", "55P03")  # cancelled by statement_timeout, and by lock_timeout


@dataclass(frozen=True)
class Asker:
    """Asks statements in one transaction; one that takes too long is left out, and the others go on.

    Attributes
    ----------
    connection : Connection
    patience_seconds : int
        Longest that one statement may take.
    left_seconds : callable
        How long all that is still to come may take.
    """

    connection: Connection
    patience_seconds: int
    left_seconds: Callable[[], float]

    def rows(
        self,
        block: SourceBlock,
        relations: Mapping[str, str],
        params: Mapping[str, Any],
        *,
        files: str,
        spells: str = "",
    ) -> list[Row] | None:
        """Return the answer of a statement, or None where it takes too long, or the time for all is used up.

        Parameters
        ----------
        block : SourceBlock
        relations : mapping of str to str
            What it reads, by name.
        params : mapping
            Those that it doesn't have are left out.
        files : str
            The mapping files to blame where the source refuses it.
        spells : str
            File of the relation `spells`, where the statement reads it.
        """
        left = min(self.patience_seconds, self.left_seconds())
        if left <= 0:
            return None
        statement = composed(block.sql, relations, spells)
        wanted = statement.compile().params
        given = {name: value for name, value in params.items() if name in wanted}
        try:
            with blaming(files), translated("source"), self.connection.begin_nested():
                _limit(self.connection, left)
                return [dict(row) for row in self.connection.execute(statement, given).mappings()]
        except ChurnError as error:
            if sqlstate(error) not in _TOOK_TOO_LONG:
                raise
            return None

    def answer(self, block: SourceBlock, rows: list[Row] | None) -> Answer:
        """Return rows as the answer of a block, which says so where there are none since that took too long."""
        if rows is not None:
            return Answer(block, rows, len(rows))
        patience = (
            f"Not known: to ask takes longer than {self.patience_seconds} seconds, or the "
            f"{ALL_TOGETHER * self.patience_seconds:,} for the whole profile were used up. Give --patience more."
        )
        return Answer(replace(block, empty=patience), [], 0)


@contextmanager
def asking(source: Database, patience_seconds: int, ticking: Callable[[], float] = time.monotonic) -> Iterator[Asker]:
    """Open the source for reading, all of it as of one moment.

    Parameters
    ----------
    source : Database
    patience_seconds : int
        Longest that one statement may take; all of them together may take `ALL_TOGETHER` times as long.
    ticking : callable
        Gives seconds that only ever grow.

    Raises
    ------
    SourceError
        It can't be reached.
    """
    with source.begin() as connection:
        connection.exec_driver_sql("set transaction isolation level repeatable read, read only")
        connection.exec_driver_sql(f"set local lock_timeout = {_LOCK_WAIT_MS}")
        _limit(connection, patience_seconds)
        ends = ticking() + ALL_TOGETHER * patience_seconds
        yield Asker(connection, patience_seconds, lambda: ends - ticking())


def _limit(connection: Connection, seconds: float) -> None:
    """Cancel any statement of this transaction that takes longer."""
    connection.execute(
        sa.text("select pg_catalog.set_config('statement_timeout', :limit, true)"),
        {"limit": f"{max(1, int(seconds * 1000))}ms"},
    )


def mapped_entities(connection: Connection, settings: Settings) -> dict[str, MappedEntity]:
    """Return the entities that are mapped, as the source delivers them.

    Raises
    ------
    DataContractError
        A mapping is missing, or the source refuses it.
    """
    return {name: describe(connection, mapping) for name, mapping in load_mappings(settings).items()}


def parts_looked_at(connection: Connection, entities: Mapping[str, MappedEntity]) -> dict[str, int]:
    """Say of each big entity that one customer in so many is enough, by Postgres's estimate of its rows."""
    found = {}
    for name, entity in entities.items():
        rows = int(explained(connection, entity, sa.select(entity.subquery()))["Plan Rows"])
        if name != "customers" and rows > LOOKED_AT_ROWS:
            found[name] = -(-rows // LOOKED_AT_ROWS)
    return found

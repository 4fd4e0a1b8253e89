"""Asking the source: one moment for the whole profile, patience for each statement, nothing kept of any row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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

_CANCELLED = "57014"


@dataclass(frozen=True)
class Asker:
    """Asks statements in one transaction; one that takes too long is left out, and the others go on.

    Attributes
    ----------
    connection : Connection
    patience_seconds : int
        Longest that one statement may take.
    """

    connection: Connection
    patience_seconds: int

    def rows(
        self,
        block: SourceBlock,
        relations: Mapping[str, str],
        params: Mapping[str, Any],
        *,
        files: str,
        spells: str = "",
    ) -> list[Row] | None:
        """Return the answer of a statement, or None where it takes too long.

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
        statement = composed(block.sql, relations, spells)
        wanted = statement.compile().params
        given = {name: value for name, value in params.items() if name in wanted}
        try:
            with blaming(files), translated("source"), self.connection.begin_nested():
                return [dict(row) for row in self.connection.execute(statement, given).mappings()]
        except ChurnError as error:
            if sqlstate(error) != _CANCELLED:
                raise
            return None

    def answer(self, block: SourceBlock, rows: list[Row] | None) -> Answer:
        """Return rows as the answer of a block, which says so where there are none since that took too long."""
        if rows is not None:
            return Answer(block, rows, len(rows))
        patience = f"Not known: to ask takes longer than {self.patience_seconds} seconds. Give --patience more."
        return Answer(replace(block, empty=patience), [], 0)


@contextmanager
def asking(source: Database, patience_seconds: int) -> Iterator[Asker]:
    """Open the source for reading, all of it as of one moment.

    Raises
    ------
    SourceError
        It can't be reached.
    """
    with source.begin() as connection:
        connection.exec_driver_sql("set transaction isolation level repeatable read, read only")
        connection.execute(
            sa.text("select pg_catalog.set_config('statement_timeout', :patience, true)"),
            {"patience": f"{patience_seconds}s"},
        )
        yield Asker(connection, patience_seconds)


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

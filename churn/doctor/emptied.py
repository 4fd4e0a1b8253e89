"""Tables of the source that are empty now and were not before."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from churn.config import Settings
from churn.connections import open_warehouse
from churn.doctor.findings import Finding
from churn.errors import ChurnError, DataContractError
from churn.extract.contract import REQUIRED_ENTITIES
from churn.schema import extractions


def rows_before(settings: Settings) -> Mapping[str, int]:
    """Return the most rows that one extraction has read of each entity; nothing where the warehouse can't say.

    Why it can't is found by the look at the warehouse.
    """
    most = sa.func.max(extractions.c.rows_read)
    query = sa.select(extractions.c.entity, most).group_by(extractions.c.entity).having(most > 0)
    try:
        with open_warehouse(settings, job="doctor").begin() as connection:
            return {entity: int(rows) for entity, rows in connection.execute(query)}
    except ChurnError:
        return {}


def emptied(settings: Settings, entity: str, before: int) -> Finding:
    """Say that an entity has no row any more; a failure where churn can't be told without it."""
    is_required = entity in REQUIRED_ENTITIES[settings.churn.definition]
    return Finding(
        "fail" if is_required else "warn",
        f"source {entity}: is empty; {before:,} rows were extracted before",
        f"Look at the feed of that table and at source/{entity}.sql.",
        DataContractError.exit_code if is_required else 0,
    )

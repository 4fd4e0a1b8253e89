"""The reader's sessions: as `bi_reader`, read only, cut off when they take too long, kept open for the next page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import Connection

from churn.config import Settings
from churn.connections import open_for_reading
from churn.errors import WarehouseError
from churn.warehouse import sqlstate

_CUT_OFF = "57014"


class Reader:
    """Opens moments of the warehouse for whoever shows it; implements `reading.Source`.

    Parameters
    ----------
    settings : Settings
    job : str
        Shown as the sessions' `application_name`.
    """

    def __init__(self, settings: Settings, job: str = "dashboard") -> None:
        limits = settings.dashboard
        self._timeout_seconds = limits.statement_timeout_seconds
        self._database = open_for_reading(
            settings, job=job, statement_timeout_seconds=limits.statement_timeout_seconds, kept=limits.threads
        )

    @contextmanager
    def moment(self) -> Iterator[Connection]:
        """Open a read-only transaction that sees one moment.

        Raises
        ------
        WarehouseError
            The warehouse is not there or not migrated, the login may not become `roles.bi_reader`, or a query took
            longer than it may.
        TransientError
            The warehouse is busy.
        """
        try:
            with self._database.connect(isolation="REPEATABLE READ") as connection:
                yield connection.execution_options(postgresql_readonly=True)
        except WarehouseError as error:
            if sqlstate(error) != _CUT_OFF:
                raise
            raise WarehouseError(
                f"A query took longer than {self._timeout_seconds} seconds and was cut off.",
                "Ask for less, try again when no job is at work, or raise dashboard.statement_timeout_seconds.",
            ) from error

    def close(self) -> None:
        """Close the sessions that are kept."""
        self._database.dispose()

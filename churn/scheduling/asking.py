"""What the scheduler asks the warehouse before it starts a job."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import date, datetime, timedelta
from typing import Literal, Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn import embedded
from churn.config import Settings
from churn.connections import EMBEDDED_SCHEME, open_warehouse
from churn.errors import WarehouseError
from churn.schema import published, runs
from churn.warehouse import Database

ASK_TIMEOUT_MS = 5_000
TRAINING_LOCK_KEY = 0x747261696E  # "train"
# A run whose last sign of life is older than this may be dead; the writer lock then decides.
ALIVE_FOR = timedelta(minutes=5)

Training = Literal["none", "running", "succeeded"]


class Ledger(Protocol):
    """What is known of nights and trainings, whichever machine they ran on."""

    def is_published(self, night: date) -> bool:
        """Say whether readers see that night."""

    def latest_published(self) -> date | None:
        """Return the latest published night."""

    def training_since(self, due: datetime, now: datetime) -> Training:
        """Say what became of a training that was due."""

    def training_alone(self) -> AbstractContextManager[bool]:
        """Keep the schedulers of other machines from training meanwhile; false where one of them is at it."""


class WarehouseLedger:
    """Asks the warehouse, in a session that ends with the answer.

    Every method raises `WarehouseError` or `TransientError` where there is no answer.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def is_published(self, night: date) -> bool:
        """Say whether readers see that night."""
        with asking(open_warehouse(self._settings, job="scheduler")) as connection:
            query = sa.select(published.c.run_id).where(published.c.as_of_date == night)
            return connection.scalar(query) is not None

    def latest_published(self) -> date | None:
        """Return the latest published night."""
        with asking(open_warehouse(self._settings, job="scheduler")) as connection:
            found: date | None = connection.scalar(sa.select(sa.func.max(published.c.as_of_date)))
            return found

    def training_since(self, due: datetime, now: datetime) -> Training:
        """Say whether a training that began since then has succeeded or is at work."""
        sign_of_life = sa.func.coalesce(runs.c.heartbeat_at, runs.c.started_at)
        query = sa.select(
            sa.func.bool_or(runs.c.status == "succeeded"),
            sa.func.bool_or((runs.c.status == "running") & (sign_of_life > now - ALIVE_FOR)),
        ).where(runs.c.job == "train", runs.c.started_at >= due)
        with asking(open_warehouse(self._settings, job="scheduler")) as connection:
            succeeded, at_work = connection.execute(query).one()
        if succeeded:
            return "succeeded"
        return "running" if at_work else "none"

    @contextmanager
    def training_alone(self) -> Iterator[bool]:
        """Hold a lock that no job knows of, so that to ask and to train is one step among schedulers.

        It ends with its session: where that breaks off, the writer lock still keeps trainings apart.
        """
        with open_warehouse(self._settings, job="scheduler").connect() as connection:
            query = sa.text("select pg_try_advisory_lock(:key)")
            yield bool(connection.scalar(query, {"key": TRAINING_LOCK_KEY}))


@contextmanager
def asking(warehouse: Database) -> Iterator[Connection]:
    """Open a transaction that reads, and whose statements end after a few seconds."""
    with warehouse.begin() as connection:
        connection.execute(sa.text("set transaction isolation level repeatable read, read only"))
        for name in ("statement_timeout", "lock_timeout"):
            connection.execute(sa.func.set_config(name, str(ASK_TIMEOUT_MS), True).select())
        yield connection


def open_without_starting(settings: Settings) -> Database:
    """Open the warehouse for looking on: an embedded Postgres that somebody has stopped stays so.

    Raises
    ------
    WarehouseError
        The embedded Postgres isn't running.
    """
    url = settings.warehouse.url
    if (url is None or url.get_secret_value().startswith(EMBEDDED_SCHEME)) and not embedded.status(
        settings.home
    ).running:
        raise WarehouseError("The embedded Postgres isn't running.", "Start it with `churn db start`.")
    return open_warehouse(settings, job="scheduler")

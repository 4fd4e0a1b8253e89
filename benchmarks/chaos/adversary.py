"""Another session in the job's way: it holds a table, or closes a circle of waits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from benchmarks.chaos.ground import superuser
from churn.warehouse import run_ddl

if TYPE_CHECKING:
    from benchmarks.chaos.child import Child
    from benchmarks.chaos.night import Night

_LOOK_EVERY_SECONDS = 0.02
# Who waits for the table that this session holds, and which other tables it has written to in that transaction.
_WAITING = """
select l.pid
from pg_locks as l
where l.relation = cast(:table as regclass) and not l.granted
"""
_WRITTEN = """
select cast(cast(l.relation as regclass) as text)
from pg_locks as l
inner join pg_class as c on l.relation = c.oid
where
    l.pid = :pid and l.granted and l.mode = 'RowExclusiveLock' and c.relkind in ('r', 'p')
    and c.relnamespace in ('staging'::regnamespace, 'scores'::regnamespace, 'ops'::regnamespace)
order by 1
"""


@contextmanager
def hold(engine: sa.Engine, table: str, mode: str) -> Iterator[None]:
    """Hold a table through the block."""
    with engine.begin() as connection:
        run_ddl(connection, f"lock table {table} in {mode} mode")
        yield


def deadlock(night: Night, child: Child, table: str, *, is_victim: bool) -> None:
    """Hold a table until the job waits for it, then ask for one that the job holds.

    Parameters
    ----------
    night : Night
    child : Child
        The job at work.
    table : str
        What is held.
    is_victim : bool
        Whether Postgres is to end the job's transaction rather than this one: the first to have waited for
        `deadlock_timeout` is ended.
    """
    with superuser(night.office.warehouse_url).connect() as connection:
        run_ddl(connection, f"set deadlock_timeout = '{'20s' if is_victim else '20ms'}'")
        run_ddl(connection, f"lock table {table} in share row exclusive mode")
        pid = None
        while pid is None and child.is_alive:
            pid = connection.scalar(sa.text(_WAITING), {"table": table})
            time.sleep(_LOOK_EVERY_SECONDS)
        night.note_stage(child)
        written = list(connection.scalars(sa.text(_WRITTEN), {"pid": pid}))
        if written:
            other = written[int(night.rng.integers(len(written)))]
            try:
                run_ddl(connection, f"lock table {other} in share row exclusive mode")
            except OperationalError as error:
                if is_victim or "deadlock" not in str(error):
                    raise
        connection.rollback()

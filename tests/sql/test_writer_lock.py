"""One writer at a time, across machines; one that has lost the lock neither writes nor publishes."""

from __future__ import annotations

import threading
import time
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg2
import pytest
import sqlalchemy as sa

from benchmarks.chaos.pooler import Pooler
from benchmarks.chaos.wire import Target
from churn.errors import LockedError, TransientError, WarehouseError
from churn.warehouse import Claim, behind_pooler, lock_in_transaction, open_database, refuse_pooler, writer_lock

NIGHT = Claim("nightly", date(2026, 7, 1), lambda: datetime(2026, 7, 1, 3, 15, tzinfo=UTC))
OTHER = Claim("train")


def fence_of(database) -> int:
    with database.begin() as connection:
        return int(connection.scalar(sa.text("select fence from ops.writer")))


def end_session(database, condition: str) -> int:
    """End sessions as a failing network would."""
    with database.connect() as connection:
        connection.exec_driver_sql("reset role")
        return len(
            connection.execute(
                sa.text(
                    "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = current_database() "
                    f"and pid <> pg_backend_pid() and {condition}"
                )
            ).all()
        )


HOLDS_THE_LOCK = (
    "pid in (select pid from pg_locks where relation = 'ops.writer'::regclass and granted "
    "and mode = 'ShareUpdateExclusiveLock')"
)


def test_the_lock_has_one_holder_and_names_it(warehouse):
    with writer_lock(warehouse, NIGHT) as writer:
        writer.note_run(12)
        with (
            pytest.raises(LockedError, match=r"Another job is writing to this warehouse") as caught,
            writer_lock(warehouse, OTHER, patience_seconds=0.2),
        ):
            pass
    assert caught.value.exit_code == 17
    message = str(caught.value)
    for told in ("churn nightly for 2026-07-01", "run 12", "process ", "since 2026-07-01 03:15:00 UTC", "--wait"):
        assert told in message


def test_whoever_waits_has_the_lock_when_it_is_free_and_hears_who_has_it(warehouse, monkeypatch):
    monkeypatch.setattr("churn.warehouse.locks._LONGEST_WAIT_SECONDS", 0.1)
    heard: list[str] = []
    taken = threading.Event()

    def hold() -> None:
        with writer_lock(warehouse, NIGHT):
            taken.set()
            while not heard:
                time.sleep(0.02)

    holder = threading.Thread(target=hold)
    holder.start()
    assert taken.wait(10)
    with writer_lock(warehouse, OTHER, patience_seconds=None, waiting=heard.append):
        assert fence_of(warehouse) == 2
    holder.join()
    assert "churn nightly for 2026-07-01" in heard[0]


def test_the_lock_ends_with_its_session(warehouse):
    with writer_lock(warehouse, NIGHT):
        assert end_session(warehouse, HOLDS_THE_LOCK) == 1
        with writer_lock(warehouse, OTHER):
            pass


def test_a_run_that_lost_its_lock_can_not_begin_a_transaction(warehouse):
    with writer_lock(warehouse, NIGHT) as late:
        with late.database.begin() as connection:
            connection.execute(sa.text("select 1"))
        end_session(warehouse, HOLDS_THE_LOCK)
        with writer_lock(warehouse, OTHER):
            pass
        with pytest.raises(LockedError, match="another job has taken over"), late.database.begin() as connection:
            connection.execute(sa.text("delete from ops.published"))
        with pytest.raises(LockedError, match="another job has taken over"):
            late.confirm()


def test_taking_over_ends_what_the_dead_run_has_open(warehouse):
    with writer_lock(warehouse, NIGHT) as late:
        open_transaction = late.database.begin()
        connection = open_transaction.__enter__()
        connection.execute(sa.text("update ops.writer set host = 'zombie'"))
        end_session(warehouse, HOLDS_THE_LOCK)
        with writer_lock(warehouse, OTHER):
            pass
        with pytest.raises(TransientError):
            open_transaction.__exit__(None, None, None)
    with warehouse.begin() as connection:
        assert connection.scalar(sa.text("select host from ops.writer")) != "zombie"


def test_where_it_may_not_be_ended_the_one_that_takes_over_waits_for_its_transaction(warehouse, monkeypatch):
    monkeypatch.setattr("churn.warehouse.locks.end_left_over_sessions", lambda _database: None)
    with writer_lock(warehouse, NIGHT) as late:
        done: list[str] = []

        def take_over() -> None:
            with writer_lock(warehouse, OTHER):
                done.append("taken over")

        with late.database.begin() as connection:
            end_session(warehouse, HOLDS_THE_LOCK)
            taker = threading.Thread(target=take_over)
            taker.start()
            time.sleep(0.3)
            done.append("committed")
            connection.execute(sa.text("select 1"))
        taker.join()
        assert done == ["committed", "taken over"]
        with pytest.raises(LockedError), late.database.begin():
            pass


def test_a_lock_whose_session_broke_off_is_taken_again_where_nobody_else_had_it(warehouse):
    with writer_lock(warehouse, NIGHT) as writer:
        end_session(warehouse, HOLDS_THE_LOCK)
        writer.confirm()
        with pytest.raises(LockedError), writer_lock(warehouse, OTHER, patience_seconds=0.2):
            pass
        with writer.database.begin() as connection:
            connection.execute(sa.text("select 1"))
    with writer_lock(warehouse, OTHER):
        pass


def test_migrating_waits_for_no_writer(warehouse):
    with (
        writer_lock(warehouse, NIGHT),
        pytest.raises(LockedError, match="churn nightly for 2026-07-01"),
        warehouse.begin() as connection,
    ):
        lock_in_transaction(connection, patience_seconds=0.2)
    with warehouse.begin() as connection:
        before = connection.scalar(sa.text("show lock_timeout"))
        lock_in_transaction(connection)
        assert connection.scalar(sa.text("show lock_timeout")) == before
        with pytest.raises(LockedError), writer_lock(warehouse, OTHER, patience_seconds=0.2):
            pass


@pytest.mark.parametrize("role", ["bi_reader", "marketing_reader"])
@pytest.mark.parametrize("mode", ["access share", "share update exclusive", "access exclusive"])
def test_readers_can_not_take_the_lock(warehouse, role, mode):
    with warehouse.engine.connect() as connection:
        connection.exec_driver_sql("reset role")
        connection.exec_driver_sql(f"set role {role}")
        with pytest.raises(sa.exc.ProgrammingError) as caught:
            connection.exec_driver_sql(f"lock table ops.writer in {mode} mode nowait")
    assert isinstance(caught.value.orig, psycopg2.errors.InsufficientPrivilege)


def test_reading_the_ledger_waits_for_no_writer(warehouse):
    with writer_lock(warehouse, NIGHT), warehouse.begin() as connection:
        connection.execute(sa.text("set local lock_timeout = '100ms'"))
        assert connection.execute(sa.text("select job from ops.writer")).scalar_one() == "nightly"


def test_sessions_of_other_programs_are_left_alone(warehouse, warehouse_url):
    reader = open_database(warehouse_url, "warehouse", application_name="churn status")
    with reader.connect() as connection:
        with writer_lock(warehouse, NIGHT):
            pass
        assert connection.scalar(sa.text("select 1")) == 1


def test_no_pooler_is_seen_where_there_is_none(warehouse):
    assert not behind_pooler(warehouse)


@pytest.mark.parametrize("sessions", [1, 2, 3])
def test_a_pooler_in_transaction_mode_is_recognised_and_refused(warehouse, warehouse_url, sessions):
    socket_dir = sa.make_url(warehouse_url).query["host"]
    with Pooler(Target(Path(str(socket_dir)) / ".s.PGSQL.5432"), sessions=sessions) as pooler:
        pooled = open_database(pooler.url(warehouse_url), "warehouse")
        assert behind_pooler(pooled)
        with pytest.raises(WarehouseError, match="pooler in transaction mode") as caught:
            refuse_pooler(pooled)
    assert caught.value.exit_code == 15

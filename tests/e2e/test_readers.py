"""BI tools that read while nights are published see whole nights and wait for nobody; a second job waits its turn."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from churn.cli import main
from churn.errors import LockedError
from churn.feature_view import refresh_feature_view
from churn.migrate import bi_views
from churn.pipeline import run_nightly
from churn.progress import Silence
from churn.warehouse import open_database
from tests.e2e.company import AS_OF, Office, night_of

NEXT = AS_OF + timedelta(days=1)

READERS = 10

# Every view that shows one night alone, by the run that its rows come from.
OF_THE_RUN = (
    "customer_scores",
    "segments",
    "customer_features",
    "churn_drivers",
    "clv_totals",
    "kpi_monthly",
    "kpi_monthly_by",
    "retention_cohorts",
    "list_exclusions",
    "insights",
)
ADDED_UP = ("customers_start", "new", "reactivated", "mrr_start", "mrr_new", "mrr_expansion", "mrr_contraction",
            "mrr_churned", "mrr_reactivated", "mrr_end")  # fmt: skip

# One statement: the nights and runs that the views show; how many of the list are scored; what adds up to what.
WHOLE_NIGHT = f"""
select
    array(
        select distinct (as_of_date, run_id)::text
        from ({" union all ".join(f"select as_of_date, run_id from bi.{view}" for view in OF_THE_RUN)}) as v
    ) as nights,
    array(select distinct as_of_date from bi.at_risk_customers) as list_nights,
    array(select distinct run_id from bi.at_risk_customers) as list_runs,
    (select count(*) from bi.customer_scores) as scored,
    (select count(*) from bi.customer_features) as with_features,
    (select sum(customers) from bi.segments) as in_segments,
    (select count(*) from bi.at_risk_customers) as listed,
    (select count(*) from bi.at_risk_customers inner join bi.customer_scores using (customer_id)) as listed_and_scored,
    (
        select count(*)
        from bi.kpi_monthly
        where mrr_start + mrr_new + mrr_reactivated + mrr_expansion - mrr_contraction - mrr_churned <> mrr_end
    ) as months_off,
    (select count(*) from bi.kpi_monthly) as months,
    (
        select count(*)
        from bi.kpi_monthly as k
        inner join (
            select month, {", ".join(f"sum({name}) as {name}" for name in ADDED_UP)}
            from bi.kpi_monthly_by
            group by month, dimension
        ) as b using (month)
        where {" or ".join(f"k.{name} is distinct from b.{name}" for name in ADDED_UP)}
    ) as dimensions_off
"""
IN_A_TRANSACTION = (
    "select as_of_date, run_id, customer_id from bi.customer_scores",
    "select as_of_date, run_id, customer_id from bi.customer_features",
    "select as_of_date, run_id, customers from bi.segments",
    "select as_of_date, run_id, month, churned, mrr_end from bi.kpi_monthly",
    "select as_of_date, customer_id, campaign_group from bi.at_risk_customers",
)
# What readers wait for. A night that has new features replaces bi.customer_features when nobody reads it; who comes in
# those milliseconds waits for them (Postgres can't replace a view otherwise), and for nothing else ever.
WAITING = """
select l.relation::regclass::text
from pg_stat_activity as a
inner join pg_locks as l on a.pid = l.pid and not l.granted
where a.application_name like 'reader %' and a.datname = current_database()
"""
MOMENTARY = {"bi.customer_features"}


class Readers:
    """Ten BI tools that read as `bi_reader` until told to stop, and keep what they saw; one watches for waits."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.nights: list[dict[str, Any]] = []
        self.views: Counter[str] = Counter()
        self.transactions: list[tuple[Any, Any]] = []
        self.waits: list[list[str]] = []
        self._stop = threading.Event()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Read all through the block; an error of a reader is raised at its end."""
        loops = [self._statement] * 2 + [self._transaction] * 2 + [self._every_view] * (READERS - 4) + [self._watch]
        self._statement()
        with ThreadPoolExecutor(len(loops)) as threads:
            running = [threads.submit(self._repeated, loop) for loop in loops]
            try:
                yield
            finally:
                self._stop.set()
            for loop in running:
                loop.result()
        self._statement()

    def _repeated(self, loop: Callable[[], None]) -> None:
        while not self._stop.wait(0.05):
            loop()

    @contextmanager
    def _connected(self) -> Iterator[sa.Connection]:
        with self.office.reading() as connection:
            connection.exec_driver_sql(f"set local application_name = 'reader {threading.get_ident()}'")
            yield connection

    def _statement(self) -> None:
        with self._connected() as connection:
            self.nights.append(dict(connection.execute(sa.text(WHOLE_NIGHT)).mappings().one()))

    def _every_view(self) -> None:
        """Read every view, each in a transaction of its own as a dashboard does."""
        for view in bi_views():
            with self._connected() as connection:
                connection.execute(sa.text(f"select * from bi.{view.name}")).all()
                self.views[view.name] += 1
            if self._stop.wait(0.02):
                return

    def _transaction(self) -> None:
        """Look twice in one transaction, a good part of a night apart."""
        with self._connected() as connection:
            looks = []
            for _ in range(2):
                looks.append([sorted(map(tuple, connection.execute(sa.text(query)))) for query in IN_A_TRANSACTION])
                self._stop.wait(1.0)
            self.transactions.append((looks[0], looks[1]))

    def _watch(self) -> None:
        self.waits.append(self.office.column(WAITING))


def test_ten_readers_of_all_views_see_whole_nights_and_never_wait(office: Office) -> None:
    readers = Readers(office)
    counts = "select as_of_date, run_id, count(*) as customers from bi.customer_scores group by 1, 2"
    customers = {f"({row['as_of_date']},{row['run_id']})": row["customers"] for row in office.rows(counts)}
    (first,) = customers
    entries = [
        {"name": "exports", "event_type": "export", "measure": "sum"},
        {"name": "logins", "event_type": "login", "measure": "count"},
    ]
    with readers.reading():
        for night, options in ((AS_OF, {"replace_list": True}), (NEXT, {})):
            run = office.nightly(night, now=night_of(night) + timedelta(hours=1), **options)
            customers[f"({run.as_of},{run.run_id})"] = run.customers
            office.configure(features__usage=entries)

    seen = set()
    for row in readers.nights:
        (night,) = row["nights"]
        seen.add(night)
        assert [str(day) for day in row["list_nights"]] == [night[1:11]]
        assert len(row["list_runs"]) == 1
        assert row["scored"] == row["with_features"] == row["in_segments"] == customers[night]
        assert row["listed"] == row["listed_and_scored"] > 0
        assert (row["months_off"], row["dimensions_off"]) == (0, 0)
        assert row["months"] > 12
    assert seen >= {first, f"({NEXT},{run.run_id})"}
    assert len(seen) >= 3

    assert set(readers.views) == {view.name for view in bi_views()}
    assert min(readers.views.values()) >= 3
    for before, after in readers.transactions:
        assert before == after
        assert len({row[:2] for rows in before[:4] for row in rows}) == 1
    assert len(readers.transactions) >= 4
    assert len(readers.waits) > 50
    waits = [relation for looked in readers.waits for relation in looked]
    assert set(waits) <= MOMENTARY
    assert len(waits) < 10

    # What no reader would have let the second night add, the next one adds.
    warehouse = open_database(office.warehouse_url, "warehouse", role="churn_job")
    assert refresh_feature_view(warehouse, office.settings) is None
    assert office.value("select count(usage_logins_28d) from bi.customer_features") > 0


class Pause(Silence):
    """Stops at a stage until told to go on."""

    def __init__(self, stage: str) -> None:
        self.stage = stage
        self.reached = threading.Event()
        self.go_on = threading.Event()

    def stage_started(self, stage: str) -> None:
        if stage == self.stage:
            self.reached.set()
            assert self.go_on.wait(60)


@pytest.mark.parametrize("command", ["nightly", "migrate"])
def test_a_second_command_is_refused_and_told_who_holds_the_lock(
    office: Office,
    command: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pause = Pause("segments")
    job = office.job(NEXT, progress=pause)
    first = threading.Thread(target=run_nightly, args=(job,))
    first.start()
    try:
        assert pause.reached.wait(60)
        with pytest.raises(SystemExit) as stopped:
            main([command, "--config", str(office.config)])
    finally:
        pause.go_on.set()
        first.join()
    assert stopped.value.code == LockedError.exit_code == 17
    message = capsys.readouterr().err.strip().splitlines()[-1]
    assert message.startswith(
        "churn: Another job is writing to this warehouse (churn nightly for 2025-11-04, run 3, process "
    )
    assert f"on {socket.gethostname()}, login " in message
    assert ", since 2025-11-04 03:15:00 UTC). Try again later, or wait for it with --wait." in message
    assert office.column("select job from ops.runs order by run_id") == ["train", "nightly", "nightly"]
    assert office.value("select status from bi.job_runs where published and as_of_date = :night", night=NEXT) == (
        "succeeded"
    )

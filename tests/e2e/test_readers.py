"""BI tools that read while nights are published see whole nights and wait for nobody; a second job waits its turn."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from churn.cli import main
from churn.errors import LockedError
from churn.pipeline import run_nightly
from churn.progress import Silence
from tests.e2e.company import AS_OF, Office, night_of

NEXT = AS_OF + timedelta(days=1)
LAST_MONTH = AS_OF - timedelta(days=20)

# Of one statement: each view's night, run and rows; how many of the list are scored; what the segments add up to.
WHOLE_NIGHT = """
select
    (select array_agg(distinct s.as_of_date) from bi.customer_scores as s) as scores_night,
    (select array_agg(distinct n.as_of_date) from bi.segments as n) as segments_night,
    (select array_agg(distinct a.as_of_date) from bi.at_risk_customers as a) as list_night,
    (select array_agg(distinct s.run_id) from bi.customer_scores as s) as scores_run,
    (select array_agg(distinct n.run_id) from bi.segments as n) as segments_run,
    (select array_agg(distinct a.run_id) from bi.at_risk_customers as a) as list_run,
    (select count(*) from bi.customer_scores) as scored,
    (select sum(n.customers) from bi.segments as n) as in_segments,
    (select count(*) from bi.at_risk_customers) as listed,
    (
        select count(*)
        from bi.at_risk_customers as a
        inner join bi.customer_scores as s on a.customer_id = s.customer_id
    ) as listed_and_scored
"""
ONE_VIEW = {
    "customer_scores": "select as_of_date, run_id, customer_id from bi.customer_scores",
    "at_risk_customers": "select as_of_date, run_id, customer_id from bi.at_risk_customers",
    "segments": "select as_of_date, run_id, customers from bi.segments",
}


class Readers:
    """Threads that read as `bi_reader` until told to stop, and keep what they saw."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.nights: list[dict[str, Any]] = []
        self.views: list[tuple[str, list[tuple[Any, ...]]]] = []
        self.transactions: list[tuple[Any, Any]] = []
        self._stop = threading.Event()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Read all through the block; an error of a reader is raised at its end."""
        self._statements()
        loops = (self._statements, self._single_views, self._transactions)
        with ThreadPoolExecutor(len(loops)) as threads:
            running = [threads.submit(self._repeated, loop) for loop in loops]
            try:
                yield
            finally:
                self._stop.set()
            for loop in running:
                loop.result()
        self._statements()

    def _repeated(self, loop: Callable[[], None]) -> None:
        while not self._stop.wait(0.05):
            loop()

    def _statements(self) -> None:
        with self.office.reading() as connection:
            self.nights.append(dict(connection.execute(sa.text(WHOLE_NIGHT)).mappings().one()))

    def _single_views(self) -> None:
        for view, query in ONE_VIEW.items():
            with self.office.reading() as connection:
                self.views.append((view, [tuple(row) for row in connection.execute(sa.text(query))]))

    def _transactions(self) -> None:
        """Look twice in one transaction, a good part of a night apart, and view by view."""
        with self.office.reading() as connection:
            looks = []
            for _ in range(2):
                looks.append({view: sorted(map(tuple, connection.execute(sa.text(q)))) for view, q in ONE_VIEW.items()})
                self._stop.wait(1.5)
            self.transactions.append((looks[0], looks[1]))


def test_readers_see_whole_nights_and_never_wait(office: Office) -> None:
    readers = Readers(office)
    counts = "select as_of_date, run_id, count(*) as customers from bi.customer_scores group by 1, 2"
    customers: dict[tuple[date, int], int] = {
        (row["as_of_date"], row["run_id"]): row["customers"] for row in office.rows(counts)
    }
    (first,) = customers
    with readers.reading():
        for night, options in (
            (AS_OF, {"replace_list": True}),
            (LAST_MONTH, {}),
            (NEXT, {}),
            (NEXT, {"replace_list": True}),
        ):
            run = office.nightly(night, now=night_of(max(night, AS_OF)) + timedelta(hours=1), **options)
            customers[run.as_of, run.run_id] = run.customers

    seen = set()
    for row in readers.nights:
        (night,), (run_id,) = row["scores_night"], row["scores_run"]
        seen.add((night, run_id))
        assert row["segments_night"] == row["list_night"] == [night]
        assert row["segments_run"] == [run_id]
        assert len(row["list_run"]) == 1
        assert row["scored"] == row["in_segments"] == customers[night, run_id]
        assert row["listed"] == row["listed_and_scored"] > 0
    assert seen >= {first, (NEXT, run.run_id)}
    assert len(seen) >= 3

    for view, rows in readers.views:
        ((night, run_id),) = {row[:2] for row in rows}
        if view == "customer_scores":
            assert len(rows) == len({row[2] for row in rows}) == customers[night, run_id]
        if view == "segments":
            assert sum(row[2] for row in rows) == customers[night, run_id]
    for before, after in readers.transactions:
        assert before == after
        assert len({row[:2] for view in ("customer_scores", "segments") for row in before[view]}) == 1
    assert len(readers.transactions) >= 2


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
    assert message.startswith("churn: Another job is writing to this warehouse (churn nightly, since 20")
    assert office.column("select job from ops.runs order by run_id") == ["train", "nightly", "nightly"]
    assert office.value("select status from bi.job_runs where published and as_of_date = :night", night=NEXT) == (
        "succeeded"
    )

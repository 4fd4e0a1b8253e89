"""A first extraction that is killed late goes on where it was, and ends as one that was not."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from churn.config import load_settings
from churn.extract import estimates
from churn.pipeline import run_extract
from churn.progress import Silence
from churn.running import Job
from tests.conftest import MakeDatabase, MakeTemplate
from tests.e2e.bad_input_source import Shop, fill_shop

AS_OF = date(2025, 6, 30)
NIGHT, AGAIN = datetime(2025, 6, 30, 3, 15, tzinfo=UTC), datetime(2025, 6, 30, 4, 15, tzinfo=UTC)
BIG = 1_000
USAGE = """
insert into usage_events
select 'c' || (1 + n % 40), timestamptz '2024-06-01 12:00+00' + n * interval '1 hour', 'view', 1
from generate_series(0, 9400) as n;
create index on usage_events (occurred_at);
analyze;
"""

# Forked from a process that has imported everything and has no threads.
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["churn.pipeline", __name__])


class Death(Silence):
    """Kills its own process once it has seen so many groups of usage."""

    def __init__(self, rows: float) -> None:
        self.rows = rows

    def advanced(self, what: str, rows: int) -> None:
        if what == "usage_events" and rows >= self.rows:
            os.kill(os.getpid(), signal.SIGKILL)


def _extract(config: Path, death: Death) -> None:
    estimates.READ_IN_PARTS_FROM_ROWS = BIG
    run_extract(Job(load_settings(config), AS_OF, lambda: NIGHT, death))


@pytest.fixture(scope="module")
def busy_shop(make_template: MakeTemplate, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A template of a shop with a year of usage that was never extracted."""

    def fill(url: str) -> None:
        folder = tmp_path_factory.mktemp("fill")
        fill_shop(url, folder, customers=40, night=None)
        Shop(folder, url).execute(USAGE)

    return make_template("busy_shop", fill)


def fetched(shop: Shop) -> int:
    """Rows of usage that all sessions before have fetched."""
    time.sleep(0.5)
    return int(
        shop.value(
            "select seq_tup_read + coalesce(idx_tup_fetch, 0) from pg_stat_user_tables "
            "where schemaname = 'public' and relname = 'usage_events'"
        )
    )


def staged(shop: Shop) -> dict[str, object]:
    return {name: rows for name, rows in shop.contents().items() if name.startswith("staging.")}


def test_an_extraction_killed_after_nine_tenths_reads_only_the_rest(
    busy_shop: str, make_database: MakeDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spared, killed = (Shop(tmp_path / name, make_database(busy_shop)) for name in ("spared", "killed"))
    monkeypatch.setattr(estimates, "READ_IN_PARTS_FROM_ROWS", BIG)
    job = Job(load_settings(spared.config), AS_OF, lambda: AGAIN, Silence())
    whole = run_extract(job).entities
    groups = int(spared.value("select count(*) from staging.usage_daily"))
    empty = staged(killed)

    process = _PROCESSES.Process(target=_extract, args=(killed.config, Death(0.9 * groups)))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert {name: rows for name, rows in staged(killed).items() if ".load_" not in name} == empty
    marked = killed.rows("select first_date, until_date, rows from staging.load_parts order by 1")
    assert sum(part["rows"] or 0 for part in marked) >= 0.8 * groups

    before = fetched(killed)
    job = Job(load_settings(killed.config), AS_OF, lambda: AGAIN, Silence())
    assert run_extract(job).entities == whole
    assert fetched(killed) - before < 0.35 * whole["usage_events"].rows_read
    assert staged(killed) == staged(spared)

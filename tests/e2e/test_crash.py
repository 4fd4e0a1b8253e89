"""A night killed with SIGKILL anywhere: nothing half-published, and the next try makes it good."""

from __future__ import annotations

import multiprocessing
import os
import signal
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from churn.config import load_settings
from churn.errors import ChurnError
from churn.pipeline import STAGES, run_nightly
from churn.progress import Silence
from churn.running import Job
from tests.e2e.company import AS_OF, Office, night_of
from tests.e2e.conftest import MakeOffice

NEXT = AS_OF + timedelta(days=1)
RERUN = night_of(NEXT) + timedelta(hours=1)

READING, COMMITTING, DONE = "while it reads the source", "before it commits", "once it is done"

# Forked from a process that has imported everything and has no threads.
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["churn.pipeline", __name__])


class Death(Silence):
    """Kills its own process at a moment of a stage.

    It hears of a stage once the ledger says that it has begun; the next commit is of what the stage made.
    """

    def __init__(self, stage: str, moment: str) -> None:
        self.stage, self.moment = stage, moment

    def stage_started(self, stage: str) -> None:
        if (stage, self.moment) == (self.stage, COMMITTING):
            sa.event.listen(sa.Engine, "commit", lambda _connection: self._die())

    def advanced(self, what: str, rows: int) -> None:
        if (what, self.moment) == ("usage_events", READING):
            self._die()

    def stage_finished(self, stage: str, rows: int, seconds: float) -> None:
        if (stage, self.moment) == (self.stage, DONE):
            self._die()

    def _die(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


def _night(config: Path, as_of: date, now: datetime, death: Death) -> None:
    job = Job(load_settings(config), as_of, lambda: now, death)
    try:
        run_nightly(job)
    except ChurnError as error:
        print(error)
        raise SystemExit(error.exit_code) from None


def kill(office: Office, stage: str, moment: str, as_of: date = NEXT) -> int:
    """Run a night until it dies there; returns its run_id."""
    now = night_of(NEXT)
    office.tell(now)
    process = _PROCESSES.Process(target=_night, args=(office.config, as_of, now, Death(stage, moment)))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    dead = office.rows("select run_id, stage, status from bi.job_runs order by run_id desc limit 1")[0]
    assert (dead["stage"], dead["status"]) == (stage, "running")
    return int(dead["run_id"])


def statuses(office: Office) -> dict[int, str]:
    return {row["run_id"]: row["status"] for row in office.rows("select run_id, status from bi.job_runs")}


def assert_nothing_is_left_of_dead_runs(office: Office) -> None:
    """The run after them has swept what they wrote."""
    died = set(office.column("select run_id from bi.job_runs where status = 'died'"))
    for table in ("customer_scores", "at_risk_list", "segment_nights"):
        assert not died & set(office.column(f"select distinct run_id from scores.{table}"))
    current = set(office.column("select snapshot_id from ops.snapshots where is_current"))
    assert set(office.column("select distinct snapshot_id from scores.feature_snapshots")) == current


@pytest.fixture(scope="module")
def undisturbed(make_office: MakeOffice) -> dict[str, list[str]]:
    """What readers see when nothing goes wrong."""
    office = make_office()
    office.nightly(NEXT)
    return office.shown()


@pytest.mark.parametrize("stage", STAGES)
def test_a_night_killed_in_a_stage_is_made_good_by_the_next_run(
    office: Office, undisturbed: dict[str, list[str]], stage: str
) -> None:
    last_night = office.shown()

    dead = kill(office, stage, COMMITTING)
    assert office.shown() == last_night
    assert office.column("select as_of_date from ops.published") == [AS_OF]

    assert kill(office, stage, DONE) == dead
    was_published = stage == "publish"
    assert office.shown() == (undisturbed if was_published else last_night)

    run = office.nightly(NEXT, now=RERUN).run_id
    assert office.shown() == undisturbed
    assert office.value("select run_id from ops.published where as_of_date = :night", night=NEXT) == run
    # A run that had not published goes on under its number.
    assert (run == dead) == (not was_published)
    assert {statuses(office)[one] for one in (dead, run)} == {"succeeded"}
    assert office.value("select attempts from ops.runs where run_id = :run_id", run_id=dead) == 3 - was_published
    assert_nothing_is_left_of_dead_runs(office)


@pytest.mark.parametrize("stage", ["retention", "publish"])
def test_a_killed_rerun_leaves_the_night_to_the_run_before_it(office: Office, stage: str) -> None:
    published, shown = office.rows("select * from ops.published"), office.shown()
    kill(office, stage, COMMITTING, AS_OF)
    assert office.rows("select * from ops.published") == published
    assert office.shown() == shown
    office.nightly(AS_OF, now=RERUN)
    assert office.shown() == shown


def test_a_run_killed_after_publishing_is_not_called_dead(office: Office) -> None:
    published = kill(office, "publish", DONE)
    office.extract(NEXT, now=RERUN)
    (told,) = office.rows("select * from bi.job_runs where run_id = :run_id", run_id=published)
    assert (told["status"], told["published"], told["error"]) == ("succeeded", True, None)
    assert told["rows"].keys() == set(STAGES)
    assert told["duration_s"] == 0


def test_a_run_killed_before_publishing_says_that_it_died(office: Office) -> None:
    dead = kill(office, "retention", DONE)
    office.extract(NEXT, now=RERUN)
    (told,) = office.rows("select * from bi.job_runs where run_id = :run_id", run_id=dead)
    assert (told["status"], told["published"], told["duration_s"]) == ("died", False, None)
    assert "run it again" in told["error"]


@pytest.mark.parametrize("moment", [READING, COMMITTING])
def test_a_killed_extraction_leaves_staging_as_it_was(office: Office, moment: str) -> None:
    before = office.fingerprints("staging")
    watermarks = office.fingerprints("ops")["watermarks"]
    kill(office, "extract", moment)
    assert office.fingerprints("staging") == before
    assert office.fingerprints("ops")["watermarks"] == watermarks


def test_the_extraction_after_a_killed_one_reads_the_same(office: Office, make_office: MakeOffice) -> None:
    kill(office, "extract", READING)
    spared = make_office()
    for one in (office, spared):
        one.extract(NEXT, now=RERUN)
    assert office.fingerprints("staging") == spared.fingerprints("staging")
    counts = "select entity, mode, rows_read, rows_used, rows_changed from ops.extractions where run_id = :run_id"
    read = [one.rows(counts, run_id=one.value("select max(run_id) from ops.runs")) for one in (office, spared)]
    assert read[0] == read[1]

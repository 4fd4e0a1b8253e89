"""A night that was cut off goes on after its last whole stage; trouble that passes is waited out."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from churn.beginning import NightOptions
from churn.cli import main
from churn.errors import ChecksFailedError, ChurnError, DoneMeanwhileError, TransientError
from churn.pipeline import STAGES, run_nightly, run_train
from churn.progress import Silence
from churn.running import Job
from churn.warehouse import Claim, open_database, writer_lock
from tests.e2e.company import AS_OF, Office, night_of
from tests.e2e.conftest import MakeOffice

NEXT = AS_OF + timedelta(days=1)
LATER = night_of(NEXT) + timedelta(hours=2)


class Stages(Silence):
    """Hears which stages are tried, and does something as one of them begins."""

    def __init__(self, stage: str = "", happening: Callable[[], None] | None = None) -> None:
        self.tried: list[str] = []
        self.notes: list[str] = []
        self._stage, self._happening = stage, happening

    def stage_started(self, stage: str) -> None:
        self.tried.append(stage)
        if stage == self._stage and self._happening is not None:
            happening, self._happening = self._happening, None
            happening()

    def note(self, text: str) -> None:
        self.notes.append(text)


class CutError(TransientError):
    """Something that passes, but not in time."""


def cut_off(office: Office, stage: str, kind: type[ChurnError] = CutError) -> int:
    """Let a night fail as a stage begins, once for all tries; returns its run."""

    def fail() -> None:
        raise kind("The line was cut.", "Try again.")

    office.configure(retry__attempts=1)
    with pytest.raises(kind):
        run_nightly(office.job(NEXT, progress=Stages(stage, fail)))
    return last_run(office)


def last_run(office: Office) -> int:
    return int(office.value("select max(run_id) from ops.runs"))


def again(office: Office, **options: bool) -> tuple[int, list[str]]:
    """Run the night once more; returns its run and the stages that it had to run."""
    heard = Stages()
    summary = run_nightly(office.job(NEXT, now=LATER, progress=heard), NightOptions(**options))
    return summary.run_id, heard.tried


@pytest.fixture(scope="module")
def spared(make_office: MakeOffice) -> tuple[dict[str, list[str]], tuple[str, ...]]:
    """What a night shows, and what it has to say, when nothing goes wrong."""
    office = make_office()
    notes = office.nightly(NEXT).notes
    return office.shown(), notes


@pytest.fixture(scope="module")
def undisturbed(spared: tuple[dict[str, list[str]], tuple[str, ...]]) -> dict[str, list[str]]:
    return spared[0]


@pytest.fixture(scope="module")
def notes(spared: tuple[dict[str, list[str]], tuple[str, ...]]) -> tuple[str, ...]:
    return spared[1]


@pytest.mark.parametrize("stage", ["features", "clv", "checks", "publish"])
def test_a_night_goes_on_with_the_stage_that_failed(
    office: Office, undisturbed: dict[str, list[str]], stage: str
) -> None:
    run = cut_off(office, stage)
    assert again(office) == (run, list(STAGES[STAGES.index(stage) :]))
    assert office.shown() == undisturbed
    ledger = office.rows("select status, attempts, exit_code, error from ops.runs where run_id = :run", run=run)
    assert ledger == [{"status": "succeeded", "attempts": 2, "exit_code": 0, "error": None}]
    tries = {row["stage"]: row["attempts"] for row in office.rows("select stage, attempts from ops.run_stages")}
    assert tries[stage] == 2


def test_what_an_earlier_try_had_to_say_is_said_once(office: Office, notes: tuple[str, ...]) -> None:
    cut_off(office, "checks")
    assert notes
    assert run_nightly(office.job(NEXT, now=LATER)).notes == notes


def test_fresh_starts_over(office: Office, undisturbed: dict[str, list[str]]) -> None:
    run = cut_off(office, "clv")
    new, tried = again(office, fresh=True)
    assert (new > run, tried) == (True, list(STAGES))
    assert office.shown() == undisturbed


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("config", "settings have changed since"),
        ("code", "it was of another version of this program"),
        ("mapping", "the mapping, the options or the model in use have changed since"),
        ("options", "the mapping, the options or the model in use have changed since"),
        ("another run", "(churn extract) has been at work since, so the data may be new"),
        ("another day", "it began on another day"),
        ("for good", None),
    ],
)
def test_a_night_starts_over_where_its_inputs_are_not_the_same_and_says_why(
    office: Office, monkeypatch: pytest.MonkeyPatch, what: str, why: str | None
) -> None:
    run = cut_off(office, "clv", ChurnError if what == "for good" else CutError)
    options: dict[str, bool] = {}
    if what == "code":
        monkeypatch.setattr("churn.__version__", "99.9.9")
    elif what == "config":
        office.configure(retention__list_size=50)
    elif what == "mapping":
        file = office.folder / "source" / "customers.sql"
        file.write_text(file.read_text() + "-- looked at again\n")
    elif what == "options":
        options = {"recompute": True}
    elif what == "another run":
        office.extract(NEXT)
    moment = LATER + timedelta(days=1) if what == "another day" else LATER
    heard = Stages()
    summary = run_nightly(office.job(NEXT, now=moment, progress=heard), NightOptions(**options))
    assert summary.run_id > run
    assert heard.tried == list(STAGES)
    told = [note for note in heard.notes if "is not gone on with" in note]
    assert [note.startswith(f"Run {run}, which was cut off, ") for note in told] == ([] if why is None else [True])
    assert why is None or f"{why}. This one starts over." in told[0]
    # What was captured that night can't be captured again on another day; else the features are those of this run.
    made_by = run if what == "another day" else summary.run_id
    assert office.column("select run_id from ops.snapshots where as_of_date = :night", night=NEXT) == [made_by]


def test_what_a_night_said_of_months_that_is_not_gone_on_with_is_taken_back(office: Office) -> None:
    office.change_warehouse("delete from scores.month_segments")
    of_months = "select distinct run_id from scores.month_segments where run_id is not null"
    run = cut_off(office, "monitoring")
    assert office.column(of_months) == [run]
    new, _ = again(office, fresh=True)
    assert office.column(of_months) == [new]


def test_stages_whose_tables_a_crash_has_emptied_are_run_again_and_say_nothing_twice(
    office: Office, undisturbed: dict[str, list[str]], notes: tuple[str, ...]
) -> None:
    run = cut_off(office, "retention")
    office.change_warehouse("truncate scores.attempt_risk")
    heard = Stages()
    summary = run_nightly(office.job(NEXT, now=LATER, progress=heard))
    assert summary.run_id == run
    assert heard.tried[:5] == ["retention", "segments", "risk", "clv", "retention"]
    assert office.shown() == undisturbed
    assert summary.notes == notes


def test_a_night_that_the_checks_refused_is_not_published_by_going_on(office: Office) -> None:
    run = cut_off(office, "publish")
    office.change_warehouse(
        "update ops.check_results set status = 'failed', rows = 1, detail = 'x' "
        "where run_id = :run and check_name = 'customer_scores'",
        run=run,
    )
    with pytest.raises(ChecksFailedError, match="customer_scores: 1 problems"):
        again(office)
    assert office.column("select as_of_date from ops.published") == [AS_OF]


def end_all_sessions(office: Office, jobs: str) -> Callable[[], None]:
    """End every session of a job, that of its lock included, as a failover does."""

    def end() -> None:
        database = open_database(office.warehouse_url, "warehouse")
        with database.connect() as connection:
            ended = connection.execute(
                sa.text(
                    "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
                    "where datname = current_database() and application_name like :jobs and pid <> pg_backend_pid()"
                ),
                {"jobs": jobs},
            ).all()
        assert ended

    return end


@pytest.mark.parametrize("stage", ["extract", "segments", "publish"])
def test_a_night_goes_on_when_all_its_sessions_are_ended_in_a_stage(
    office: Office, undisturbed: dict[str, list[str]], notes: tuple[str, ...], stage: str
) -> None:
    office.configure(retry__first_pause_seconds=0)
    end = end_all_sessions(office, "churn nightly%")

    commits: list[sa.Connection] = []

    def before_commit(connection: sa.Connection) -> None:
        commits.append(connection)
        if len(commits) == 1:
            end()

    heard = Stages(stage, lambda: sa.event.listen(sa.Engine, "commit", before_commit))
    try:
        summary = run_nightly(office.job(NEXT, progress=heard))
    finally:
        sa.event.remove(sa.Engine, "commit", before_commit)
    assert office.shown() == undisturbed
    assert summary.notes == notes
    assert office.column("select run_id from ops.published where as_of_date = :night", night=NEXT) == [summary.run_id]
    assert {other: heard.tried.count(other) for other in STAGES} == dict.fromkeys(STAGES, 1) | {stage: 2}
    assert any("Trying again" in note for note in heard.notes)


def test_tries_are_bounded_and_the_last_error_is_told(office: Office) -> None:
    office.configure(retry__attempts=3, retry__first_pause_seconds=0)

    class Always(Stages):
        def stage_started(self, stage: str) -> None:
            super().stage_started(stage)
            if stage == "risk":
                raise CutError("The line was cut.", "Try again.")

    heard = Always()
    with pytest.raises(CutError) as caught:
        run_nightly(office.job(NEXT, progress=heard))
    assert heard.tried.count("risk") == 3
    assert sum("Trying again" in note for note in heard.notes) == 2
    assert caught.value.exit_code == 75
    (told,) = office.rows("select status, stage, exit_code, error from bi.job_runs order by run_id desc limit 1")
    assert (told["status"], told["stage"], told["exit_code"]) == ("failed", "risk", 75)
    assert told["error"] == "The line was cut. Try again."


def test_a_night_that_is_published_is_left_alone_when_asked_and_leaves_no_run(office: Office) -> None:
    """Also one whose run was killed before it could say so: it is closed."""
    ledger, published = office.rows("select * from ops.runs order by run_id"), last_run(office)
    office.change_warehouse("update ops.runs set status = 'running' where run_id = :run", run=published)
    summary = run_nightly(office.job(now=LATER), NightOptions(unless_published=True))
    assert (summary.is_new, summary.run_id) == (False, published)
    left = office.rows("select * from ops.runs order by run_id")
    assert [row["run_id"] for row in left] == [row["run_id"] for row in ledger]
    assert left[-1]["status"] == "succeeded"


def test_a_training_is_done_once_by_two_that_start_at_once(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    """The other one has the lock; it is done before this one's turn comes."""
    trained = "select max(run_id) from ops.runs where job = 'train' and status = 'succeeded'"
    before, today, known = office.value(trained), AS_OF + timedelta(days=1), last_run(office)
    ended: list[BaseException] = []

    def train() -> None:
        try:
            run_train(office.job(today, now=LATER))
        except ChurnError as error:
            ended.append(error)

    second = threading.Thread(target=train)
    with writer_lock(open_database(office.warehouse_url, "warehouse", role="churn_job"), Claim("train", today)):
        second.start()
        waiting = "select count(*) from pg_locks where relation = 'ops.writer'::regclass and not granted"
        until = time.monotonic() + 30
        while not office.value(waiting):
            assert time.monotonic() < until
            time.sleep(0.05)
        office.change_warehouse(
            "insert into ops.runs (job, as_of_date, status, started_at, config_digest) "
            "values ('train', :today, 'succeeded', :at, '')",
            today=today, at=LATER,
        )  # fmt: skip
    second.join(30)
    (refusal,) = ended
    assert (type(refusal), refusal.exit_code) == (DoneMeanwhileError, 17)  # type: ignore[attr-defined]
    assert f"by run {known + 1}, while this one waited" in str(refusal)
    with pytest.raises(SystemExit) as stopped:
        main(["train", "--as-of", str(AS_OF), "--unless-trained", "--config", str(office.config)])
    assert stopped.value.code == 0
    assert capsys.readouterr().out == f"The training as of {AS_OF} is done already, by run {before}.\n"
    assert last_run(office) == known + 1


def test_a_run_says_that_it_is_alive(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("churn.heart.HEARTBEAT_SECONDS", 0.01)
    job = office.job(NEXT)
    ticks = iter(range(1, 1_000_000))
    ticking = Job(job.settings, NEXT, lambda: night_of(NEXT) + timedelta(milliseconds=next(ticks)), job.progress)
    run = run_nightly(ticking).run_id
    (told,) = office.rows("select heartbeat_at, started_at, host, pid from ops.runs where run_id = :run", run=run)
    assert told["heartbeat_at"] > told["started_at"]
    assert told["host"]
    assert told["pid"]


def test_what_a_night_put_in_force_that_is_not_gone_on_with_is_taken_back(office: Office) -> None:
    in_force = "select kind, model_version from ops.models where status = 'champion' order by kind"
    before = office.rows(in_force)
    office.configure(segments__refit_days=1, clv__refit_days=1, retry__attempts=1)

    def fail() -> None:
        raise CutError("The line was cut.", "Try again.")

    later = NEXT + timedelta(days=1)
    with pytest.raises(CutError):
        run_nightly(office.job(later, progress=Stages("retention", fail)))
    fitted = office.rows(in_force)
    assert fitted != before
    office.configure()
    office.nightly(NEXT, now=night_of(later))
    assert office.rows(in_force) == before
    assert office.value("select count(*) from bi.segment_events where run_id = :run", run=last_run(office) - 1) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_job_that_is_told_to_stop_ends_in_order_in_the_middle_of_a_statement(
    office: Office, number: signal.Signals
) -> None:
    """Somebody holds a table that the night needs; without the signal it would wait for a minute."""
    shown = office.shown()
    office.tell(night_of(NEXT))
    command = [sys.executable, "-m", "churn", "nightly", "--as-of", str(NEXT), "--config", str(office.config)]
    database = open_database(office.warehouse_url, "warehouse")
    with database.engine.begin() as blocker:
        blocker.exec_driver_sql("lock table scores.kpi_months in access exclusive mode")
        job = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        waiting = (
            "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
        )
        until = time.monotonic() + 120
        while not office.value(waiting):
            assert time.monotonic() < until
            assert job.poll() is None
            time.sleep(0.1)
        job.send_signal(number)
        _, said = job.communicate(timeout=30)
    assert job.returncode == 75
    assert said.splitlines()[-1].startswith(f"churn: The job was told to stop ({number.name})")
    (told,) = office.rows("select status, exit_code from bi.job_runs order by run_id desc limit 1")
    assert told == {"status": "failed", "exit_code": 75}
    assert office.shown() == shown

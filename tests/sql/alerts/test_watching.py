"""What becomes of a job is told once for each cause, kept in `ops.alerts`, and well again when it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from churn.alerts import book, kept_alerts, open_alerts, tell_died, watching
from churn.config import Settings
from churn.errors import (
    ChecksFailedError,
    ChurnError,
    DoneMeanwhileError,
    LockedError,
    SourceError,
    StoppedError,
    TransientError,
    UsageError,
    WarehouseError,
)
from churn.warehouse import Claim, Database, writer_lock
from churn.warehouse.locks import lock_in_transaction
from tests.alert_servers import Hook, mailbox, webhook

NIGHT = date(2026, 11, 3)
NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)
NOBODY = "postgresql://clerk:s3cret-word@127.0.0.1:1/warehouse"
SOURCE_DOWN = SourceError("The source can't be reached: postgresql://clerk:s3cret-word@db/shop.", "Check source.url.")


class Desk:
    """An installation whose webhook is on this machine."""

    def __init__(self, warehouse: Database, url: str, folder: Path, hook: Hook) -> None:
        self.warehouse, self.url, self.folder, self.hook, self.now = warehouse, url, folder, hook, NOON
        self.alerts: dict[str, Any] = {"webhook_url": hook.url, "timeout_seconds": 2}
        self.is_up = True

    @property
    def settings(self) -> Settings:
        settings = Settings(warehouse={"url": self.url if self.is_up else NOBODY}, alerts=self.alerts)
        return settings.model_copy(update={"base_dir": self.folder})

    def job(
        self, error: BaseException | None = None, *, job: str = "nightly", as_of: date = NIGHT, again: str | None = None
    ) -> None:
        """A job that ends so."""
        self.now += timedelta(minutes=1)
        expected = nullcontext() if error is None else pytest.raises(type(error))
        with expected as caught, watching(self.settings, lambda: self.now, job, as_of, again=again):
            if error is not None:
                raise error
        assert caught is None or caught.value is error

    def died(self, code: int) -> None:
        tell_died(self.settings, lambda: self.now, "nightly", NIGHT, code)

    def run(
        self,
        *,
        job: str = "nightly",
        as_of: date = NIGHT,
        published: bool = False,
        stage: str | None = None,
        status: str = "running",
        host: str | None = None,
        pid: int | None = None,
    ) -> int:
        """Enter a run of this very process, unless another is named."""
        values = {"job": job, "as_of": as_of, "at": self.now + timedelta(minutes=1), "stage": stage, "status": status}
        values |= {"host": host, "pid": pid}
        with self.warehouse.begin() as connection:
            run_id = connection.scalar(
                sa.text(
                    "insert into ops.runs (job, as_of_date, status, stage, started_at, config_digest, host, pid) "
                    "values (:job, :as_of, :status, :stage, :at, '', :host, :pid) returning run_id"
                ),
                values,
            )
            if published:
                connection.execute(
                    sa.text(
                        "insert into ops.published values (:as_of, :run_id, :run_id, :at, false) on conflict "
                        "(as_of_date) do update set run_id = excluded.run_id, list_run_id = excluded.run_id"
                    ),
                    values | {"run_id": run_id},
                )
        return int(run_id or 0)

    def found(self, run_id: int, *checks: str, severity: str = "warn") -> None:
        """Let checks of a run have found something about a customer."""
        with self.warehouse.begin() as connection:
            for check in checks:
                connection.execute(
                    sa.text(
                        "insert into ops.check_results values "
                        "(:run_id, :check, :severity, 'failed', 3, 'customer c-4711')"
                    ),
                    {"run_id": run_id, "check": check, "severity": severity},
                )

    def open(self) -> list[str]:
        with self.warehouse.begin() as connection:
            return [alert.cause for alert in open_alerts(connection)]

    def rows(self) -> list[dict[str, Any]]:
        with self.warehouse.begin() as connection:
            found = connection.execute(sa.text("select * from ops.alerts order by alert_id"))
            return [dict(row) for row in found.mappings()]

    def headlines(self) -> list[str]:
        """What was told, and forget it."""
        told = [payload["text"].split(": ", 1)[1] for payload in self.hook.posted]
        self.hook.posted.clear()
        return told


@pytest.fixture
def desk(ledger: Database, ledger_url: str, tmp_path: Path) -> Iterator[Desk]:
    with webhook() as hook:
        yield Desk(ledger, ledger_url, tmp_path, hook)


# --- failures -----------------------------------------------------------------------------------------------------


def test_a_failure_says_what_where_and_what_to_run_next_without_secrets(desk, capfd):
    run_id = desk.run(stage="extract")
    desk.job(SOURCE_DOWN)
    (text,) = desk.hook.texts
    for words in (
        "The night of 2026-11-03 was not published (exit code 11)",
        "The source can't be reached",
        str(desk.folder),
        f"run {run_id}, stage extract",
        "churn nightly --as-of 2026-11-03",
    ):
        assert words in text
    said = text + json.dumps(desk.rows(), default=str) + "".join(capfd.readouterr())
    assert "s3cret-word" not in said
    assert "the-hook-secret" not in said


def test_a_password_that_is_a_common_word_hides_no_command(desk):
    desk.alerts |= {"smtp_password": "churn"}
    desk.job(SourceError("The login was refused: churn."))
    (text,) = desk.hook.texts
    assert "refused: ***." in text
    assert "then churn nightly --as-of 2026-11-03" in text


def test_one_cause_is_told_once_and_its_end_once(desk):
    for _ in range(3):
        desk.job(SOURCE_DOWN)
    assert (desk.headlines(), desk.open()) == (["FAILED: The night of 2026-11-03 was not published (exit code 11)"],
                                               ["nightly failed 11"])  # fmt: skip
    desk.job()
    desk.job()
    assert (desk.headlines(), desk.open()) == (["Well again: The night of 2026-11-03 was not published (exit code 11)"],
                                               [])  # fmt: skip
    desk.job(SOURCE_DOWN)
    assert len(desk.headlines()) == 1


def test_another_exit_code_is_another_cause_and_one_success_ends_all(desk):
    desk.job(SOURCE_DOWN)
    desk.job(TransientError("Cut off."))
    desk.job(SOURCE_DOWN, job="train")
    assert len(desk.headlines()) == 3
    desk.job()
    assert desk.open() == ["train failed 11"]
    assert desk.headlines() == ["2 well again"]


def test_an_older_night_that_succeeds_does_not_mend_tonight(desk):
    desk.run(status="failed")
    desk.job(SOURCE_DOWN)
    before = NIGHT - timedelta(days=1)
    desk.run(as_of=before, published=True)
    desk.job(as_of=before)
    assert desk.open() == ["nightly failed 11"]
    desk.run(published=True)
    desk.job()
    assert desk.open() == []


@pytest.mark.parametrize("how", ["nightly", "backfill", "time"])
def test_a_night_that_is_still_missing_is_not_well_again_when_a_later_one_succeeds(desk, how):
    """Both nights failed for one cause; the second is made good, the first is not."""
    tomorrow, later = NIGHT + timedelta(days=1), NIGHT + timedelta(days=29 if how == "time" else 2)
    for night in (NIGHT, tomorrow):
        desk.run(as_of=night, status="failed")
        desk.job(SOURCE_DOWN, as_of=night)
    for night in (tomorrow, NIGHT + timedelta(days=28)):
        desk.run(as_of=night, published=True)
        desk.job(as_of=night)
    assert desk.open() == ["nightly failed 11"]
    desk.headlines()
    if how == "time":
        desk.run(as_of=later, published=True)
        desk.job(as_of=later)
    else:
        desk.run(job=how, published=True)
        desk.job(job=how, as_of=tomorrow)
    assert (desk.open(), desk.headlines()) == (
        [],
        ["Well again: The night of 2026-11-03 was not published (exit code 11)"],
    )


def test_a_night_that_was_published_and_is_kept_no_more_is_not_missing(desk):
    desk.run(status="failed")
    desk.job(SOURCE_DOWN)
    with desk.warehouse.begin() as connection:
        connection.execute(
            sa.text("insert into ops.past_nights (as_of_date, run_id, list_run_id, published_at, in_sample, "
                    "withdrawn_at) values (:night, 9, 9, :at, false, :at)"),
            {"night": NIGHT, "at": desk.now},
        )  # fmt: skip
    desk.job(as_of=NIGHT + timedelta(days=1))
    assert desk.open() == []


def test_a_nightly_that_succeeds_ends_no_failure_of_a_backfill(desk):
    desk.run(job="backfill", status="failed")
    desk.job(SOURCE_DOWN, job="backfill")
    desk.run(published=True)
    desk.job()
    assert desk.open() == ["backfill failed 11"]
    desk.job(job="backfill")
    assert desk.open() == []


def test_a_backfill_is_gone_on_with_by_the_command_that_was_typed(desk):
    typed = "churn backfill --from 2026-11-01 --to 2026-11-05 --fresh"
    desk.run(job="backfill", status="failed", stage="extract")
    desk.job(TransientError("Cut off."), job="backfill", as_of=date(2026, 11, 5), again=typed)
    assert f'Next: {typed}"' in desk.hook.texts[0]


def test_who_is_told_that_another_has_done_the_same_meanwhile_tells_nobody(desk):
    desk.job(DoneMeanwhileError("The training is done already."), job="train")
    assert (desk.headlines(), desk.open()) == ([], [])


def test_failed_checks_are_named_without_their_samples(desk):
    run_id = desk.run(stage="checks")
    desk.found(run_id, "payments", "usage_daily", severity="fail")
    desk.job(ChecksFailedError("payments: 3 problems (customer c-4711)."))
    assert desk.open() == ["nightly failed 16 payments usage_daily"]
    (text,) = desk.hook.texts
    assert "payments found 3; usage_daily found 3" in text
    assert "c-4711" not in text
    desk.died(16)
    assert len(desk.headlines()) == 1


def test_what_a_check_says_of_a_whole_table_is_told(desk):
    run_id = desk.run(stage="checks")
    with desk.warehouse.begin() as connection:
        connection.execute(
            sa.text(
                "insert into ops.check_results values (:run_id, 'volume', 'fail', 'failed', 1, "
                "'staging.payments: 0 rows')"
            ),
            {"run_id": run_id},
        )
    desk.job(ChecksFailedError("volume: 1 problems."))
    assert "volume found 1 (staging.payments: 0 rows)" in desk.hook.texts[0]


def test_a_defect_is_told_and_goes_on(desk):
    desk.job(KeyError("c-4711"))
    (text,) = desk.hook.texts
    assert "KeyError" in text
    assert "c-4711" not in text


def test_a_wrong_command_line_and_a_job_that_was_told_to_stop_are_told_to_nobody(desk):
    desk.job(UsageError("The date is in the future."))
    desk.job(StoppedError("The job was told to stop (SIGTERM)."))
    desk.job(KeyboardInterrupt())
    assert (desk.headlines(), desk.open()) == ([], [])


def test_a_second_process_for_the_same_night_is_no_failure(desk):
    with writer_lock(desk.warehouse, Claim("nightly", NIGHT, lambda: NOON)):
        desk.job(LockedError("Another job is writing."))
        desk.died(17)
    assert desk.open() == []
    with writer_lock(desk.warehouse, Claim("train", NIGHT, lambda: NOON)):
        desk.job(LockedError("Another job is writing."))
    assert desk.open() == ["nightly failed 17"]
    assert "--wait" in desk.hook.texts[0]


def test_a_row_that_the_last_writer_left_does_not_silence_who_is_locked_out_by_another(desk):
    with writer_lock(desk.warehouse, Claim("nightly", NIGHT, lambda: NOON)):
        pass
    with desk.warehouse.begin() as connection:
        lock_in_transaction(connection)
        desk.job(LockedError("Another job is writing."))
    assert desk.open() == ["nightly failed 17"]


def test_a_backfill_names_the_night_run_stage_and_check_that_failed(desk):
    last = NIGHT + timedelta(days=2)
    desk.run(job="backfill", as_of=last, status="succeeded", stage="extract")
    failed = desk.run(job="backfill", as_of=NIGHT, status="failed", stage="checks")
    desk.run(job="backfill", as_of=last, status="failed", stage="features", host="another machine", pid=os.getpid())
    desk.found(failed, "payments", severity="fail")
    desk.job(ChecksFailedError("payments: 3 problems."), job="backfill", as_of=last)
    assert desk.open() == ["backfill failed 16 payments"]
    (text,) = desk.hook.texts
    assert f"run {failed}, stage checks" in text
    assert desk.headlines() == ["FAILED: churn backfill as of 2026-11-03 failed (exit code 16)"]
    desk.run(job="backfill", status="succeeded", published=True)
    desk.run(job="backfill", as_of=last, status="succeeded", published=True)
    desk.job(job="backfill", as_of=last)
    assert desk.open() == []


def test_a_backfill_that_ends_between_two_nights_names_neither(desk):
    desk.run(job="backfill", status="succeeded", published=True)
    desk.job(SOURCE_DOWN, job="backfill", as_of=NIGHT + timedelta(days=2))
    assert "; no run." in desk.hook.texts[0]
    assert desk.headlines() == ["FAILED: churn backfill as of 2026-11-05 failed (exit code 11)"]


def test_the_headline_says_whether_the_night_is_out(desk):
    desk.run(published=True, stage="publish")
    desk.job(WarehouseError("The connection broke."))
    assert desk.headlines() == ["FAILED: The night of 2026-11-03 is published, but its run ended badly (exit code 15)"]
    desk.run()
    desk.job(SOURCE_DOWN)
    assert desk.headlines() == ["FAILED: The night of 2026-11-03 was not published anew (exit code 11)"]


@pytest.mark.parametrize("told_to_stop", [StoppedError("The job was told to stop (SIGTERM)."), KeyboardInterrupt()])
def test_a_job_that_is_told_to_stop_after_it_is_done_has_succeeded(desk, monkeypatch, capfd, told_to_stop):
    def stopped(*_: object) -> None:
        raise told_to_stop

    monkeypatch.setattr("churn.alerts.watch.Watch.success", stopped)
    desk.job()
    assert "the job is done" in capfd.readouterr().err


def test_a_process_that_was_killed_is_told_by_the_scheduler_and_what_it_told_itself_is_not(desk):
    desk.died(0)
    desk.died(-9)
    desk.died(-9)
    desk.job(SOURCE_DOWN)
    desk.died(11)
    assert len(desk.headlines()) == 2
    assert desk.open() == ["nightly died", "nightly failed 11"]
    desk.job()
    assert desk.open() == []


# --- warnings -----------------------------------------------------------------------------------------------------


def test_what_a_night_found_is_told_until_a_night_no_longer_has_it(desk):
    first = desk.run(published=True)
    desk.found(first, "customers", "payments")
    desk.job()
    assert desk.open() == ["night check customers", "night check payments"]
    assert "c-4711" not in desk.hook.texts[0]
    assert desk.headlines() == ["2 to look at"]
    second = desk.run(as_of=NIGHT + timedelta(days=1), published=True)
    desk.found(second, "payments", "feature_drift")
    desk.job(as_of=NIGHT + timedelta(days=1))
    assert desk.open() == ["night check payments", "night check feature_drift"]
    assert desk.headlines() == ["1 to look at, 1 well again"]
    desk.job(as_of=NIGHT)
    assert desk.open() == ["night check payments", "night check feature_drift"]
    desk.run(as_of=NIGHT + timedelta(days=2), published=True)
    desk.job(as_of=NIGHT + timedelta(days=2))
    assert (desk.open(), desk.headlines()) == ([], ["2 well again"])


def test_a_warning_stays_when_the_next_night_fails(desk):
    desk.found(desk.run(published=True), "customers")
    desk.job()
    desk.job(SOURCE_DOWN, as_of=NIGHT + timedelta(days=1))
    assert desk.open() == ["nightly failed 11", "night check customers"]


def test_source_rows_that_were_left_out_are_told_by_reason(desk):
    run_id = desk.run(published=True)
    with desk.warehouse.begin() as connection:
        connection.execute(
            sa.text("""insert into ops.quarantine values (:run_id, 'payments', 'null_time', 12, '["c-4711"]')"""),
            {"run_id": run_id},
        )
    desk.job()
    (text,) = desk.hook.texts
    assert "quarantine:payments:null_time found 12" in text
    assert "c-4711" not in text


def test_realised_performance_that_warns_is_told(desk):
    run_id = desk.run(published=True)
    with desk.warehouse.begin() as connection:
        insert_realised(connection, run_id)
    desk.job()
    assert desk.open() == ["night realised auc_roc"]
    assert "churn train" in desk.hook.texts[0]


def insert_realised(connection: sa.Connection, run_id: int) -> None:
    for table, values in {
        "realised_nights": {"as_of_date": NIGHT, "run_id": run_id},
        "realised_figures": {
            "as_of_date": NIGHT, "run_id": run_id, "figure": "auc_roc", "value": 0.5, "low": 0.7, "high": 0.8,
            "status": "warning",
        },
    }.items():  # fmt: skip
        columns = sa.inspect(connection).get_columns(table, schema="ops")
        row = {column["name"]: values.get(column["name"], _filling(column)) for column in columns}
        names = ", ".join(row)
        connection.execute(
            sa.text(f"insert into ops.{table} ({names}) values ({', '.join(f':{name}' for name in row)})"), row
        )


def _filling(column: Any) -> Any:
    kind = column["type"].python_type
    return None if column["nullable"] else {str: "x", date: NIGHT, datetime: NOON}.get(kind, 0)


# --- channels that fail -------------------------------------------------------------------------------------------


def test_a_channel_that_failed_is_tried_again_and_the_others_are_not(desk, capfd):
    with mailbox() as box:
        desk.alerts |= {
            "smtp_host": "127.0.0.1", "smtp_port": box.port, "smtp_tls": "none", "mail_from": "night@example.com",
            "mail_to": ("ada@example.com",),
        }  # fmt: skip
        desk.hook.answer = 500
        desk.job(SOURCE_DOWN)
        assert desk.rows()[0]["sent_to"] == ["mail"]
        said = capfd.readouterr().err
        assert "webhook did not take an alert: it answered 500" in said
        assert desk.hook.url not in said
        desk.hook.answer = 200
        desk.hook.posted.clear()
        desk.job(SOURCE_DOWN)
        assert desk.rows()[0]["sent_to"] == ["mail", "webhook"]
        assert len(desk.headlines()) == 1
        desk.job()
    assert [mail["Subject"].split(": ")[1] for mail in box.mails] == ["FAILED", "Well again"]


def test_what_was_over_before_it_could_be_told_is_told_once(desk):
    desk.hook.answer = 500
    desk.job(SOURCE_DOWN)
    desk.hook.answer = 200
    desk.hook.posted.clear()
    desk.job()
    desk.job()
    assert [text.split(":")[0] for text in desk.headlines()] == ["Well again"]


def test_without_a_channel_causes_are_kept_for_status(desk):
    desk.alerts = {}
    desk.job(SOURCE_DOWN)
    assert (desk.open(), desk.hook.posted) == (["nightly failed 11"], [])


# --- without the warehouse ----------------------------------------------------------------------------------------


def test_without_the_warehouse_a_cause_is_told_once_and_entered_later(desk):
    desk.is_up = False
    for _ in range(2):
        desk.job(SOURCE_DOWN)
        desk.died(11)
    assert len(desk.headlines()) == 1
    (kept,) = kept_alerts(desk.settings.home)
    assert (kept.alert.cause, kept.sent_to) == ("nightly failed 11", ("webhook",))
    file = desk.settings.home / "alerts.json"
    assert file.stat().st_mode & 0o077 == 0
    assert "s3cret-word" not in file.read_text()
    desk.is_up = True
    desk.job(SOURCE_DOWN)
    assert (desk.headlines(), desk.open(), file.exists()) == ([], ["nightly failed 11"], False)
    desk.job()
    assert [text.split(":")[0] for text in desk.headlines()] == ["Well again"]


def test_what_was_sent_before_the_commit_broke_off_is_not_sent_again(desk, monkeypatch):
    mark_told = book.mark_told

    def broken(*_: object) -> None:
        raise TransientError("The connection broke off.")

    monkeypatch.setattr("churn.alerts.book.mark_told", broken)
    desk.job(SOURCE_DOWN)
    assert len(desk.headlines()) == 1
    monkeypatch.setattr("churn.alerts.book.mark_told", mark_told)
    desk.is_up = False
    desk.job(SOURCE_DOWN)
    desk.is_up = True
    desk.job(SOURCE_DOWN)
    assert desk.headlines() == []
    assert [row["sent_to"] for row in desk.rows()] == [["webhook"]]
    monkeypatch.setattr("churn.alerts.book.mark_told", broken)
    desk.job()
    monkeypatch.setattr("churn.alerts.book.mark_told", mark_told)
    desk.job()
    assert [text.split(":")[0] for text in desk.headlines()] == ["Well again"]


def test_a_cause_that_the_warehouse_has_told_is_not_told_again_while_it_is_away(desk):
    desk.job(SOURCE_DOWN)
    desk.headlines()
    desk.is_up = False
    desk.job(SOURCE_DOWN)
    desk.died(11)
    assert desk.headlines() == []
    desk.is_up = True
    desk.job(SOURCE_DOWN)
    assert (desk.headlines(), desk.open()) == ([], ["nightly failed 11"])
    assert "s3cret-word" not in (desk.settings.home / "alerts-told.json").read_text()
    desk.job()
    assert [text.split(":")[0] for text in desk.headlines()] == ["Well again"]
    assert not (desk.settings.home / "alerts-told.json").exists()


@pytest.mark.parametrize("meanwhile", ["a success", "two days"])
def test_what_may_be_over_by_now_is_told_again_while_the_warehouse_is_away(desk, meanwhile):
    desk.job(SOURCE_DOWN)
    desk.headlines()
    desk.is_up = False
    if meanwhile == "a success":
        desk.job()
    else:
        desk.now += timedelta(days=2)
    desk.job(SOURCE_DOWN)
    assert len(desk.headlines()) == 1


def test_a_cause_that_was_over_elsewhere_is_told_once_the_warehouse_is_back(desk):
    desk.job(SOURCE_DOWN)
    desk.headlines()
    with desk.warehouse.begin() as connection:
        connection.execute(sa.text("update ops.alerts set closed_at = opened_at, sent_to = '{webhook recovered}'"))
    desk.is_up = False
    desk.job(SOURCE_DOWN)
    desk.is_up = True
    desk.job(SOURCE_DOWN)
    assert len(desk.headlines()) == 1


def test_a_warehouse_of_another_release_does_not_silence_a_failure(desk, empty_database):
    desk.url = empty_database
    desk.job(SOURCE_DOWN)
    desk.job()
    assert len(desk.headlines()) == 1


def test_a_damaged_file_is_no_obstacle(desk):
    desk.settings.home.mkdir()
    (desk.settings.home / "alerts.json").write_text("{half")
    (desk.settings.home / "alerts-told.json").write_text("[1]")
    desk.is_up = False
    desk.job(SOURCE_DOWN)
    assert len(desk.headlines()) == 1
    assert len(kept_alerts(desk.settings.home)) == 1


def test_telling_that_goes_wrong_hides_no_error_and_changes_no_success(desk, monkeypatch):
    desk.settings.home.write_text("a file where the folder should be")
    desk.is_up = False
    desk.job(SOURCE_DOWN)
    assert len(desk.headlines()) == 1
    desk.job()

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("churn.alerts.desk.Desk.tell", broken)
    desk.job(SOURCE_DOWN)


# --- two at once --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_up", [True, False])
def test_threads_that_fail_at_once_tell_each_cause_once(desk, is_up):
    desk.is_up = is_up
    start = threading.Barrier(6)
    errors: list[BaseException] = []

    def fail(number: int) -> None:
        start.wait()
        try:
            with watching(desk.settings, lambda: NOON, "nightly", NIGHT):
                raise SOURCE_DOWN if number % 2 else TransientError("Cut off.")
        except ChurnError as error:
            errors.append(error)

    desk.hook.pause_seconds = 0.2
    threads = [threading.Thread(target=fail, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(errors) == 6
    assert told(desk) == 2
    kept = {one.alert.cause: one.sent_to for one in kept_alerts(desk.settings.home)}
    known = {row["cause"]: tuple(row["sent_to"]) for row in desk.rows()} if is_up else kept
    assert known == {"nightly failed 11": ("webhook",), "nightly failed 75": ("webhook",)}


FAILING = """
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from churn.alerts import watching
from churn.config import Settings
from churn.errors import SourceError

settings = Settings().model_copy(update={"base_dir": Path(sys.argv[1])})
sys.stdin.readline()
try:
    with watching(settings, lambda: datetime(2026, 11, 3, 12, tzinfo=UTC), "nightly", date(2026, 11, 3)):
        raise SourceError("Down.")
except SourceError as error:
    sys.exit(error.exit_code)
"""


def test_processes_that_fail_at_once_tell_it_once(desk):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "CHURN_ALERTS__WEBHOOK_URL": desk.hook.url,
                   "CHURN_WAREHOUSE__URL": desk.url}  # fmt: skip
    command = [sys.executable, "-c", FAILING, str(desk.folder)]
    desk.hook.pause_seconds = 0.3
    processes = [subprocess.Popen(command, env=environment, stdin=subprocess.PIPE) for _ in range(2)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        process.stdin.flush()
    assert [process.wait() for process in processes] == [11, 11]
    for process in processes:
        process.communicate()
    assert told(desk) == 1
    assert len(desk.rows()) == 1


def told(desk: Desk) -> int:
    return sum(text.count("*FAILED") for text in desk.hook.texts)

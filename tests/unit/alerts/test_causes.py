"""What an alert says of each way to fail."""

from __future__ import annotations

import re
from datetime import date

import pytest

from churn.alerts import mends
from churn.alerts.causes import Place, died, failed, warehouse_name
from churn.config import Settings
from churn.errors import ChecksFailedError, ChurnError, DataContractError, LockedError, TransientError
from churn.extract import QuarantineError
from churn.extract.report import QuarantineCount
from churn.sqlfiles import sql_folder

AS_OF = date(2026, 11, 3)
PLACE = Place("night-1", "/srv/churn", "db.example.com/warehouse", 12, "features")


def kinds(base: type[ChurnError] = ChurnError) -> list[type[ChurnError]]:
    """Every kind of error that can end a command; a reader of the dashboard is told otherwise."""
    found = [kind for sub in base.__subclasses__() for kind in (sub, *kinds(sub))]
    return [kind for kind in found if not kind.__module__.startswith("churn.dashboard.")]


def test_every_kind_of_error_has_a_command_to_run_next():
    for kind in set(kinds()) - {QuarantineError}:
        alert = failed("nightly", AS_OF, kind("It broke.", "Mend it."), PLACE)
        what, where, following = alert.detail.splitlines()
        assert what == "It broke. Mend it." or kind is ChecksFailedError
        assert where == "Where: night-1, /srv/churn; warehouse db.example.com/warehouse; run 12, stage features."
        assert following.startswith("Next: ")
        assert f"churn nightly --as-of {AS_OF}" in following or kind.exit_code == 2


def test_a_cause_is_the_job_and_its_exit_code_and_no_run():
    cause = failed("nightly", AS_OF, TransientError("x"), PLACE).cause
    assert cause == "nightly failed 75" == failed("nightly", date(2026, 11, 4), TransientError("y"), PLACE).cause
    assert failed("train", AS_OF, TransientError("x"), PLACE).cause == "train failed 75"
    assert failed("nightly", AS_OF, LockedError("x"), PLACE).cause == "nightly failed 17"


@pytest.mark.parametrize(
    ("checks", "words"),
    [
        ((), "mend the source of the table that is named, then AGAIN"),
        (("volume",), "where the change is real, CHURN_QUALITY__VOLUME_FAIL=0.9 AGAIN (=1"),
        (("feature_drift_score",), "where the change is real, CHURN_MONITORING__PSI_FAIL=9 AGAIN"),
        (("payments", "usage_daily"), "status = 'failed', correct the rows in the source, then AGAIN"),
        (("feature_snapshots",), f"status = 'failed', churn nightly --as-of {AS_OF} --recompute"),
        (("clv_totals", "volume"), f"churn nightly --as-of {AS_OF} --fresh, and report it"),
    ],
)
def test_after_failed_checks_the_mend_and_the_key_that_lets_the_night_pass_are_named(checks, words):
    found = [(name, f"{name} found 1") for name in checks]
    span = "churn backfill --from 2026-11-01 --to 2026-11-09"
    for job, again in (("nightly", None), ("backfill", span)):
        alert = failed(job, AS_OF, ChecksFailedError("x"), PLACE, found, again=again)
        command = alert.detail.splitlines()[-1]
        assert command.startswith("Next: look at bi.data_quality where run_id = 12 and status = 'failed', ")
        assert words.replace("AGAIN", again or f"churn nightly --as-of {AS_OF}") in command
        assert "churn status" not in command
        assert again is None or again in command


def test_every_check_that_stops_a_night_has_its_mend_and_every_mend_its_check():
    stopping = {check.name for check in sql_folder("checks") if check.header["severity"] == "fail"}
    assert set(mends._BY_CHECK) <= stopping
    settings = Settings()
    for key in re.findall(r"CHURN_(\w+?)__(\w+)=", "".join(mends._BY_CHECK.values())):
        section, name = (word.lower() for word in key)
        assert name in type(getattr(settings, section)).model_fields


def test_a_backfill_goes_on_with_its_span():
    assert "the same churn backfill" not in failed("backfill", AS_OF, TransientError("x"), PLACE).detail
    alert = failed("backfill", AS_OF, TransientError("x"), PLACE, again="churn backfill --from A --to B")
    assert alert.detail.endswith("Next: churn backfill --from A --to B")


def test_customers_are_in_no_message():
    checks = failed(
        "nightly", AS_OF, ChecksFailedError("payments: 3 (customer c-4711)"), PLACE, [("payments", "payments found 3")]
    )
    assert checks.cause == "nightly failed 16 payments"
    assert "payments found 3" in checks.detail
    quarantine = QuarantineError("c-4711", "Mend it.", (QuarantineCount("payments", "duplicate_key", 9, ("c-4711",)),))
    refused = failed("nightly", AS_OF, quarantine, PLACE)
    assert "payments duplicate_key: 9" in refused.detail
    defect = failed("nightly", AS_OF, KeyError("c-4711"), PLACE)
    assert "KeyError" in defect.detail
    assert not any("4711" in alert.detail + alert.title for alert in (checks, refused, defect))


@pytest.mark.parametrize(
    ("code", "cause", "word"),
    [(-9, "nightly died", "SIGKILL"), (137, "nightly died", "SIGKILL"), (-99, "nightly died", "signal 99"),
     (15, "nightly failed 15", "exit code 15")],
)  # fmt: skip
def test_a_process_that_is_gone_is_told_by_what_ended_it(code, cause, word):
    alert = died("nightly", AS_OF, code, PLACE)
    assert alert.cause == cause
    assert word in alert.detail
    assert "Next: " in alert.detail


def test_a_long_error_is_cut():
    assert len(failed("nightly", AS_OF, DataContractError("x" * 99_999), PLACE).detail) < 2500


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("postgresql://clerk:s3cret@db.example.com:5433/warehouse?sslmode=require", "db.example.com/warehouse"),
        ("postgresql:///warehouse?host=/run/postgres", "/run/postgres/warehouse"),
        ("mysql://x", "unknown"),
        ("embedded:///warehouse", "embedded in"),
    ],
)
def test_a_warehouse_is_named_by_host_and_database(url, name):
    found = warehouse_name(Settings(warehouse={"url": url}))
    assert found.startswith(name)
    assert "s3cret" not in found

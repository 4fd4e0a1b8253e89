"""The first three lines of `churn status`: a broken night tells its cause there, and what to run next."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from churn.alerts import KeptAlert
from churn.alerts.causes import Alert
from churn.config import Settings
from churn.errors import WarehouseError
from churn.publish import PublishedNight
from churn.status import Picture, headline
from churn.status.causes import Open, fail_alerts
from churn.status.headline import unreachable
from churn.status.times import ago, latest_due, missed_nights, next_lines

BERLIN = "Europe/Berlin"
SETTINGS = Settings(business={"timezone": BERLIN}, schedule={"nightly": "15 3 * * *"})
NIGHT = date(2026, 11, 3)
NOW = datetime(2026, 11, 3, 8, tzinfo=UTC)
DUE = datetime(2026, 11, 3, 3, 15, tzinfo=ZoneInfo(BERLIN))


def published(as_of: date = NIGHT, run_id: int = 12) -> PublishedNight:
    return PublishedNight(as_of, run_id, run_id, datetime(2026, 11, 3, 2, 30, tzinfo=UTC), in_sample=False)


def run(status: str = "failed", *, as_of: date = NIGHT, run_id: int = 13, **values: Any) -> SimpleNamespace:
    known = {
        "run_id": run_id, "job": "nightly", "as_of_date": as_of, "status": status, "stage": "extract",
        "exit_code": 11, "error": "The source database can't be reached.\nCheck source.url.", "is_due": as_of == NIGHT,
        "published_run_id": None, "checks": [], "host": "night-1", "pid": 4711,
        "started_at": NOW - timedelta(minutes=30), "stage_started_at": NOW - timedelta(minutes=20),
        "alive_at": NOW - timedelta(seconds=12),
    }  # fmt: skip
    return SimpleNamespace(**known | values)


def lines(
    *,
    night: PublishedNight | None = None,
    running=(),
    last=(),
    now: datetime = NOW,
    due_at=DUE,
    missed=(),
    **others: Any,
) -> list[str]:
    found = headline(Picture(now, due_at, night, running, last, missed, **others), SETTINGS)
    assert len(found) == 3
    assert all("\n" not in line for line in found)
    return found


BEFORE = published(date(2026, 11, 2))


def test_a_good_night_has_nothing_to_do():
    assert lines(night=published()) == [
        "OK: the night of 2026-11-03 is published.",
        "Published: 2026-11-03, run 12, at 2026-11-03 02:30 UTC, 6 h ago.",
        "Do next: nothing.",
    ]


def test_a_failed_night_says_stage_exit_code_error_and_what_to_run():
    state, shown, command = lines(night=BEFORE, last=[run()])
    assert state == (
        "BROKEN: the night of 2026-11-03 was not published: run 13 failed in stage extract with exit code 11: "
        "The source database can't be reached. Check source.url."
    )
    assert shown.startswith("Published: 2026-11-02, run 12")
    assert command == "Do next: churn doctor, mend what it names, then churn nightly --as-of 2026-11-03"


def test_a_night_that_died_is_run_again():
    state, _, command = lines(night=BEFORE, last=[run("died", exit_code=None, error="The run was cut off.")])
    assert state.startswith("BROKEN: ")
    assert "run 13 died in stage extract: The run was cut off." in state
    assert command == "Do next: churn nightly --as-of 2026-11-03"


def test_a_night_at_work_says_stage_host_and_heartbeat():
    state, _, command = lines(night=BEFORE, running=[run("running")], last=[run("running")])
    assert state == (
        "AT WORK: the night of 2026-11-03: run 13, stage extract, night-1 (process 4711), for 20 min; alive 12 s ago."
    )
    assert command.startswith("Do next: wait")


@pytest.mark.parametrize(("seconds", "word"), [(119, "AT WORK"), (121, "BROKEN")])
def test_a_run_whose_heartbeat_is_older_than_two_minutes_died_or_hangs(seconds, word):
    silent = run("running", alive_at=NOW - timedelta(seconds=seconds))
    state, _, command = lines(night=BEFORE, running=[silent], last=[silent])
    assert state.startswith(f"{word}: ")
    if word == "BROKEN":
        assert "run 13 has been silent for 2 min in stage extract, night-1 (process 4711): it died or hangs" in state
        assert command.startswith("Do next: churn nightly --as-of 2026-11-03")


@pytest.mark.parametrize("job", ["nightly", "backfill"])
def test_a_run_whose_process_is_gone_is_broken_at_once(job):
    gone = run("running", job=job, alive_at=NOW - timedelta(seconds=2))
    state, _, command = lines(night=BEFORE, running=[gone], last=[gone], dead=frozenset({13}))
    assert state == (
        "BROKEN: the night of 2026-11-03: run 13 died in stage extract, night-1 (process 4711); its last sign of life "
        "was 2 s ago."
    )
    again = {
        "nightly": "churn nightly --as-of 2026-11-03",
        "backfill": "churn backfill --from 2026-11-03 --to 2026-11-03",
    }[job]
    assert command == f"Do next: {again} (it goes on after the last whole stage)"


def test_a_published_night_is_not_called_good_while_something_is_broken():
    night, training = published(), run(run_id=14, job="train", exit_code=14, error="No signal.", stage="train")
    alert, missed = Open("The source is down: no answer.", "churn doctor"), [date(2026, 10, 30), date(2026, 11, 1)]
    refused = run(exit_code=16, error="Checks failed.", stage="checks")
    everything: dict[str, Any] = {"last": [refused], "failed_jobs": [training], "alerts": [alert], "missed": missed}
    for gravest, told, command in (
        ("last", "the last run, of 2026-11-03, was not published: run 13 failed in stage checks", "bi.data_quality"),
        ("failed_jobs", "churn train as of 2026-11-03: run 14 failed in stage train with exit code 14", "churn train"),
        ("alerts", "an alert is open: The source is down: no answer.", "churn doctor"),
        ("missed", "2 earlier nights are missing, the first 2026-10-30", "backfill --from 2026-10-30 --to 2026-11-01"),
    ):  # fmt: skip
        state, _, do_next = lines(night=night, **everything)
        assert state.startswith(f"LOOK: the night of 2026-11-03 is published, but {told}")
        assert command in do_next
        del everything[gravest]
    assert lines(night=night)[2] == "Do next: nothing."


def test_what_to_run_next_is_a_whole_command():
    refused = run(exit_code=16, error="Checks failed.")
    assert lines(night=BEFORE, last=[refused])[2] == (
        "Do next: look at bi.data_quality where run_id = 13 and status = 'failed', mend the source of the table that "
        "is named, then churn nightly --as-of 2026-11-03"
    )
    too_small = run(exit_code=16, error="Checks failed.", checks=["volume"])
    assert "CHURN_QUALITY__VOLUME_FAIL=0.9 churn nightly --as-of 2026-11-03" in lines(night=BEFORE, last=[too_small])[2]
    backfill = run(job="backfill", as_of=date(2026, 10, 20), exit_code=11)
    assert lines(night=published(), last=[backfill], missed=[date(2026, 10, 21), date(2026, 10, 25)])[2] == (
        "Do next: churn doctor, mend what it names, then churn backfill --from 2026-10-20 --to 2026-10-25"
    )


def test_an_alert_is_told_in_one_line_with_its_command():
    alert = Alert("x", "fail", "It failed", "The feed\nis empty.\nWhere: here; run 3.\nNext: churn doctor")
    warning = Alert("y", "warn", "Odd", "Odd.\nNext: churn status")
    kept = [KeptAlert(one, NOW, ()) for one in (alert, warning)]
    assert fail_alerts([], kept) == [Open("It failed: The feed is empty.", "churn doctor")]


def test_a_training_at_work_says_nothing_of_the_night():
    training = run("running", job="train")
    assert lines(night=published(), running=[training])[0].startswith("OK")


def test_a_night_that_nobody_started_is_due_and_then_missing():
    state, _, _ = lines(night=BEFORE, now=DUE.astimezone(UTC) + timedelta(minutes=9))
    assert state == "DUE: the night of 2026-11-03 is due since 03:15 CET and has not started."
    state, _, command = lines(night=BEFORE, now=DUE.astimezone(UTC) + timedelta(minutes=11))
    assert state == "BROKEN: the night of 2026-11-03 was not published: it was due at 03:15 CET and no run was started."
    assert command.startswith("Do next: churn nightly --as-of 2026-11-03; see that `churn scheduler` runs")


def test_a_failure_of_another_night_since_the_last_good_one_is_told_too():
    state, _, _ = lines(night=BEFORE, last=[run(as_of=date(2026, 10, 1))])
    assert "no run was started; the last one, of 2026-10-01: run 13 failed" in state
    state, _, _ = lines(night=published(), last=[run()])
    assert state.startswith(
        "LOOK: the night of 2026-11-03 is published, but the last run, of 2026-11-03, was not published: run 13"
    )
    assert lines(night=published(run_id=14), last=[run()])[0].startswith("OK")


def test_a_night_that_is_out_and_whose_run_ended_badly_is_not_called_unpublished():
    broken = run(run_id=12, published_run_id=12, stage="publish", exit_code=15, error="The connection broke.")
    state, _, _ = lines(night=published(), last=[broken])
    assert state == (
        "LOOK: the night of 2026-11-03 is published, but the last run, of 2026-11-03, ended badly after it was "
        "published: run 12 failed in stage publish with exit code 15: The connection broke."
    )


def test_before_the_first_night_there_is_nothing_broken_but_what_failed():
    for due_at in (None, DUE):
        assert lines(due_at=due_at) == [
            "EMPTY: no night yet.", "Published: nothing yet.",
            "Do next: churn train, then churn nightly, or leave both to churn scheduler",
        ]  # fmt: skip
    training = run(job="train", exit_code=14, error="No signal: nothing.")
    state, _, command = lines(failed_jobs=[training])
    assert state.startswith("EMPTY: no night yet, and churn train as of 2026-11-03: run 13 failed")
    assert command == "Do next: do what it says, then churn train"
    assert lines(last=[run()])[0].startswith("BROKEN")
    assert lines(due_at=None, last=[run(as_of=date(2026, 10, 1))])[0].startswith("BROKEN")


def test_a_warehouse_that_can_not_be_looked_at_is_the_cause():
    state, _, command = unreachable(SETTINGS, WarehouseError("It is at revision none.", "Run `churn migrate`."))
    assert state == "BROKEN: the warehouse can't be looked at: It is at revision none."
    assert command == "Do next: Run `churn migrate`. Then `churn doctor`."


# --- times --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cron", "now", "due"),
    [
        ("15 3 * * *", datetime(2026, 11, 3, 2, 14, tzinfo=UTC), date(2026, 11, 2)),
        ("15 3 * * *", datetime(2026, 11, 3, 2, 15, tzinfo=UTC), date(2026, 11, 3)),
        ("0 5 * * 1", datetime(2026, 11, 3, 12, tzinfo=UTC), date(2026, 11, 2)),
        ("0 5 2 * *", datetime(2026, 11, 1, 12, tzinfo=UTC), date(2026, 10, 2)),
        ("* * * * *", datetime(2026, 11, 3, 12, tzinfo=UTC), date(2026, 11, 3)),
    ],
)
def test_the_night_that_is_due_is_the_last_that_the_schedule_names(cron, now, due):
    found = latest_due(Settings(business={"timezone": BERLIN}, schedule={"nightly": cron}), now)
    assert found is not None
    assert (found.date(), found <= now) == (due, True)


def test_nights_are_missed_between_the_first_and_the_due_one():
    known = {date(2026, 10, 30), date(2026, 11, 1)}
    assert missed_nights(SETTINGS, known, NIGHT) == [date(2026, 10, 31), date(2026, 11, 2)]
    assert missed_nights(SETTINGS, set(), NIGHT) == []
    weekly = Settings(schedule={"nightly": "0 3 * * 0"})
    assert missed_nights(weekly, {date(2026, 10, 18)}, NIGHT) == [date(2026, 10, 25), date(2026, 11, 1)]


def test_missed_nights_name_the_command_that_makes_up_for_them():
    (line,) = Picture(NOW, DUE, None, (), (), [date(2026, 10, day) for day in range(20, 27)]).missed_lines()
    assert line.startswith("Missed nights: 7 (2026-10-20, ")
    assert line.endswith("…): churn backfill --from 2026-10-20 --to 2026-10-26")


def test_lengths_of_time_are_rough():
    assert [ago(seconds) for seconds in (-5, 59, 600, 7200, 86400 * 3)] == ["0 s", "59 s", "10 min", "2 h", "3 days"]


def test_the_next_runs_are_the_schedulers():
    assert next_lines(SETTINGS, NOW)[0] == "Next nightly: 2026-11-04 03:15 CET, where `churn scheduler` runs."

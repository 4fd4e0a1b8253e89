"""What the scheduler starts, in which order, how often, and whom it tells."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from churn.config import Settings
from churn.errors import ConfigError, TransientError, WarehouseError
from churn.scheduling.times import Firing
from churn.scheduling.work import LOOK_SECONDS, PAUSES_SECONDS
from tests.unit.scheduling.fakes import NOW, FakeChild, World

TONIGHT = NOW.date()
NIGHT, TRAIN = Firing("nightly", NOW), Firing("train", NOW)
TRAINING = "train --as-of 2026-11-22 --unless-trained"


def ago(days: int) -> date:
    return TONIGHT - timedelta(days=days)


# ---------------------------------------------------------------- nights


def test_a_night_is_started_as_the_command_that_a_person_would_type():
    world = World(published={ago(1)})
    world.worker.run(NIGHT)
    assert world.started == ["nightly --as-of 2026-11-22 --wait --unless-published"]
    assert world.board.published == TONIGHT


def test_a_night_that_is_published_by_now_is_not_run():
    world = World(published={TONIGHT})
    world.worker.run(NIGHT)
    assert world.started == []


def test_missed_nights_are_made_up_for_in_order_before_tonights():
    world = World(published={ago(4)})
    world.worker.run(NIGHT)
    assert world.nights() == ["2026-11-19", "2026-11-20", "2026-11-21", "2026-11-22"]
    world.worker.run(NIGHT)
    assert len(world.started) == 4


def test_no_more_nights_are_made_up_for_than_the_configuration_says_and_the_rest_is_named():
    world = World(Settings(schedule={"catch_up_nights": 2}), published={ago(9)})
    world.worker.run(NIGHT)
    assert world.nights() == ["2026-11-20", "2026-11-21", "2026-11-22"]
    assert any("more than 2 nights were missed since 2026-11-13" in note for note in world.notes)
    none = World(Settings(schedule={"catch_up_nights": 0}), published={ago(3)})
    none.worker.run(NIGHT)
    assert none.nights() == ["2026-11-22"]


def test_a_night_that_another_machine_publishes_meanwhile_is_left_to_it():
    world = World(published={ago(3)})
    world.during = lambda: world.published.update({ago(1), TONIGHT})
    world.worker.run(NIGHT)
    assert world.nights() == ["2026-11-20"]


@pytest.mark.parametrize("code", [1, 12, 14, 16, -9])
def test_a_night_that_fails_for_its_own_sake_does_not_hold_up_the_next(code):
    world = World(published={ago(3)}, codes=[code])
    world.worker.run(NIGHT)
    assert world.nights() == ["2026-11-20", "2026-11-21", "2026-11-22"]


@pytest.mark.parametrize("code", [2, 10, 11, 15])
def test_a_failure_that_every_night_would_share_leaves_them_for_the_next_time(code):
    world = World(published={ago(3)}, codes=[code])
    world.worker.run(NIGHT)
    assert world.nights() == ["2026-11-20"]
    world.now += timedelta(days=1)
    world.worker.run(Firing("nightly", NOW + timedelta(days=1)))
    assert world.nights()[1:] == ["2026-11-20", "2026-11-21", "2026-11-22", "2026-11-23"]


def test_a_transient_failure_is_tried_again_a_few_times_with_growing_pauses():
    world = World(published={ago(1)}, codes=[75, 75])
    world.worker.run(NIGHT)
    assert world.nights() == ["2026-11-22"] * 3
    assert world.stopping.pauses == list(PAUSES_SECONDS[:2])
    hopeless = World(published={ago(2)}, codes=[75] * 99)
    hopeless.worker.run(NIGHT)
    assert hopeless.nights() == ["2026-11-21"] * (len(PAUSES_SECONDS) + 1)


def test_a_night_that_another_job_keeps_from_the_warehouse_is_waited_for():
    world = World(published={ago(1)}, codes=[17, 17])
    world.worker.run(NIGHT)
    assert world.nights() == ["2026-11-22"] * 3
    assert world.stopping.pauses == [LOOK_SECONDS] * 2
    theirs = World(published={ago(1)}, codes=[17])
    theirs.stopping.before_pause = lambda: theirs.published.add(TONIGHT)
    theirs.worker.run(NIGHT)
    assert theirs.nights() == ["2026-11-22"]


def test_waiting_for_another_job_ends_with_the_grace_of_a_late_start():
    world = World(Settings(schedule={"misfire_grace_seconds": 1500}), published={ago(1)}, codes=[17] * 99)
    world.worker.run(NIGHT)
    assert world.nights() == ["2026-11-22"] * 3


def test_before_anything_was_published_a_start_that_lies_before_the_scheduler_is_nobodys():
    world = World()
    world.worker.run(Firing("nightly", NOW - timedelta(hours=1)))
    assert world.started == []
    world.worker.run(NIGHT)
    assert world.nights() == ["2026-11-22"]


def test_a_database_that_is_up_later_than_the_scheduler_is_waited_for():
    world = World(published={ago(2)}, errors=[WarehouseError("not there"), TransientError("starting up")])
    world.worker.run(NIGHT)
    assert world.nights() == ["2026-11-21", "2026-11-22"]
    assert world.stopping.pauses == list(PAUSES_SECONDS[:2])


@pytest.mark.parametrize(
    ("error", "code"), [(WarehouseError("not there"), 15), (ConfigError("no embedded Postgres"), 10)]
)
def test_while_the_warehouse_does_not_answer_no_night_is_run_and_it_is_told_once(error, code):
    world = World(Settings(schedule={"misfire_grace_seconds": 3600}), published={ago(2)}, errors=[error] * 99)
    world.worker.run(NIGHT)
    assert world.nights() == []
    assert world.told == [("nightly", TONIGHT, code)]
    assert world.stopping.pauses == [*PAUSES_SECONDS, *[PAUSES_SECONDS[-1]] * 3]


def test_a_warehouse_that_is_back_within_the_grace_gets_the_missed_nights_before_tonights():
    world = World(published={ago(3)}, errors=[WarehouseError("not there")] * 6)
    world.worker.run(NIGHT)
    assert world.nights() == ["2026-11-20", "2026-11-21", "2026-11-22"]
    assert world.told == [("nightly", TONIGHT, 15)]


def test_told_to_stop_while_the_warehouse_does_not_answer_it_asks_no_more():
    world = World(published={ago(1)}, errors=[WarehouseError("not there")])
    world.stopping.before_pause = world.worker.close
    world.worker.run(NIGHT)
    assert (world.nights(), world.told) == ([], [])


# ---------------------------------------------------------------- training


def test_training_asks_for_one_that_succeeded_since_it_was_due():
    world = World(training=["succeeded"])
    world.worker.run(TRAIN)
    assert (world.started, world.asked_since) == ([], [NOW])
    world = World()
    world.worker.run(TRAIN)
    assert world.started == [TRAINING]


def test_training_that_another_machine_is_at_is_waited_for_and_not_done_again():
    world = World(training=["running", "running", "succeeded"])
    world.worker.run(TRAIN)
    assert world.started == []
    assert world.stopping.pauses == [LOOK_SECONDS] * 2
    died = World(training=["running", "none"])
    died.worker.run(TRAIN)
    assert died.started == [TRAINING]


def test_two_schedulers_do_not_both_ask_and_then_train():
    world = World(others_train=[True, True, False], training=["succeeded"])
    world.worker.run(TRAIN)
    assert (world.started, world.stopping.pauses) == ([], [LOOK_SECONDS] * 2)


def test_training_whose_warehouse_never_answers_is_started_and_tells_why():
    world = World(errors=[WarehouseError("not there")] * 2, codes=[15])
    world.worker.run(TRAIN)
    assert (world.started, world.told) == ([TRAINING], [("train", TONIGHT, 15)])


def test_training_that_finds_the_warehouse_locked_looks_again():
    world = World(training=["none", "none", "succeeded"], codes=[17, 17])
    world.worker.run(TRAIN)
    assert world.started == [TRAINING] * 2


def test_training_that_fails_is_not_done_again():
    world = World(codes=[14])
    world.worker.run(TRAIN)
    assert world.started == [TRAINING]
    assert world.told == [("train", TONIGHT, 14)]


def test_training_is_of_the_businesses_day():
    world = World(Settings(business={"timezone": "Pacific/Auckland"}), codes=[-9])
    world.now = NOW.replace(hour=18)
    world.worker.run(TRAIN)
    assert world.told == [("train", date(2026, 11, 23), -9)]
    assert world.started == ["train --as-of 2026-11-23 --unless-trained"]


# ---------------------------------------------------------------- what is told


@pytest.mark.parametrize(("code", "told"), [(-9, True), (-15, True), (1, True), (16, True), (0, False), (75, False)])
def test_a_job_that_ended_badly_is_reported(code, told):
    world = World(published={ago(1)}, codes=[code])
    world.worker.run(NIGHT)
    assert world.told == ([("nightly", TONIGHT, code)] if told else [])


def test_a_job_that_cannot_be_started_is_reported_and_the_clock_goes_on():
    world = World(published={ago(2)}, codes=[OSError(11, "Resource temporarily unavailable")])
    world.worker.run(NIGHT)
    assert world.told == [("nightly", ago(1), 71)]
    assert world.nights() == ["2026-11-21"]
    world.worker.run(NIGHT)
    assert world.nights() == ["2026-11-21", "2026-11-21", "2026-11-22"]


def test_the_last_outcome_of_each_job_is_kept():
    world = World(published={ago(2)}, codes=[16, 0])
    world.worker.run(NIGHT)
    world.worker.run(TRAIN)
    assert {job: (last.as_of, last.exit_code, last.seconds) for job, last in world.board.last.items()} == {
        "nightly": (TONIGHT, 0, 600.0),
        "train": (TONIGHT, 0, 600.0),
    }
    assert world.board.at_work is None


def test_the_job_at_work_is_shown():
    world = World(published={ago(1)})
    seen = []

    class Watched(FakeChild):
        def wait(self, _seconds: float | None = None) -> int:
            seen.append(world.board.at_work)
            return 0

    world.child = Watched
    world.worker.run(NIGHT)
    (work,) = seen
    assert work is not None
    assert (work.job, work.as_of, work.since, work.pid) == ("nightly", TONIGHT, NOW, 4711)


# ---------------------------------------------------------------- stopping


def test_told_to_stop_between_two_nights_it_starts_no_other():
    world = World(published={ago(3)})
    world.during = world.worker.close
    world.worker.run(NIGHT)
    assert world.nights() == ["2026-11-20"]


def test_told_to_stop_while_it_pauses_it_does_not_try_again():
    world = World(published={ago(1)}, codes=[75, 75])
    world.stopping.before_pause = world.worker.close
    world.worker.run(NIGHT)
    assert world.nights() == ["2026-11-22"]


def test_a_job_that_was_ended_by_the_scheduler_is_no_death_and_no_other_follows():
    world = World(published={ago(3)}, codes=[-15])

    def stop_and_end() -> None:
        world.worker.close()
        world.worker._bench._aborted = True

    world.during = stop_and_end
    world.worker.run(NIGHT)
    assert (world.nights(), world.told) == (["2026-11-20"], [])
    assert world.board.last["nightly"].aborted


def test_a_job_that_succeeded_as_it_was_told_to_end_has_succeeded():
    world = World(published={ago(1)})

    def stop_and_end() -> None:
        world.worker.close()
        world.worker._bench._aborted = True

    world.during = stop_and_end
    world.worker.run(NIGHT)
    assert not world.board.last["nightly"].aborted


def test_what_stands_in_line_is_done_once_for_the_last_time_that_it_was_due():
    world = World(published={ago(1)})
    later = Firing("nightly", NOW + timedelta(days=1))
    for firing in (NIGHT, later, TRAIN):
        world.worker.offer(firing)

    def stop_at_last() -> None:
        if world.started[-1] == TRAINING:
            world.worker.close()

    world.during = stop_at_last
    world.worker.work()
    assert world.started == [
        "nightly --as-of 2026-11-22 --wait --unless-published",
        "nightly --as-of 2026-11-23 --wait --unless-published",
        TRAINING,
    ]

"""The registry: one champion of each kind, and who made it so."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa

from churn import registry
from churn.errors import ModelError
from churn.registry import CHURN, CLV, SEGMENTS, Author, NewModel

AT = datetime(2025, 11, 3, 3, 15, tzinfo=UTC)
LATER = datetime(2025, 11, 3, 9, 0, tzinfo=UTC)
JOB = Author("churn train, run 7", AT, 7)
PERSON = Author("ada", AT)


@pytest.fixture
def connection(staging_database):
    with staging_database.engine.connect() as opened:
        yield opened
        opened.rollback()


def model(text, day=1, kind=CHURN, **details):
    return NewModel(kind, text, date(2025, 11, day), details)


def champion(connection, kind=CHURN):
    return version_of(registry.champion(connection, kind))


def version_of(stored):
    return None if stored is None else stored.model_version


def entered(connection, text, day=1):
    """Register a model and promote it."""
    version = registry.register(connection, model(text, day), JOB)
    registry.promote(connection, version, CHURN, JOB, "better")
    return version


def events(connection, version):
    return [(event.event, event.actor, event.reason) for event in registry.events_of(connection, version)]


def test_a_registered_model_is_a_challenger_and_its_event_says_who_registered_it(connection):
    version = registry.register(connection, model("a"), JOB)
    assert registry.stored(connection, version).status == "challenger"
    assert events(connection, version) == [("registered", "churn train, run 7", "trained as of 2025-11-01")]
    assert champion(connection) is None


def test_registering_the_same_again_renews_its_details_and_nothing_else(connection):
    version = entered(connection, "a")
    before = events(connection, version)
    assert registry.register(connection, model("a", threshold=0.3), Author("churn train, run 8", AT, 8)) == version
    stored = registry.stored(connection, version)
    assert (stored.status, stored.details) == ("champion", {"threshold": 0.3})
    assert events(connection, version) == before


def test_a_promotion_retires_the_champion_before_it_and_both_events_are_kept(connection):
    first, second = entered(connection, "a"), entered(connection, "b", 2)
    assert champion(connection) == second
    assert registry.stored(connection, first).status == "retired"
    assert events(connection, first)[-1] == ("retired", "churn train, run 7", f"followed by {second}")
    assert events(connection, second)[-1] == ("promoted", "churn train, run 7", "better")


def test_promoting_the_champion_changes_nothing(connection):
    version = entered(connection, "a")
    before = events(connection, version)
    registry.promote(connection, version, CHURN, PERSON, "again")
    assert events(connection, version) == before
    assert registry.stored(connection, version).reason == "better"


def test_a_rollback_puts_the_champion_before_back_and_a_second_one_goes_one_further(connection):
    first, second, third = (entered(connection, text, day) for text, day in (("a", 1), ("b", 2), ("c", 3)))
    assert registry.roll_back(connection, CHURN, PERSON, "too many false alarms") == (third, second)
    assert champion(connection) == second
    assert events(connection, third)[-1] == ("rolled_back", "ada", "too many false alarms")
    assert registry.roll_back(connection, CHURN, PERSON, "still") == (second, first)
    assert champion(connection) == first
    with pytest.raises(ModelError, match=f"no churn model before {first}"):
        registry.roll_back(connection, CHURN, PERSON, "still")
    assert champion(connection) == first


def test_after_a_rollback_and_a_new_promotion_the_next_rollback_skips_what_was_rolled_back(connection):
    first, _ = entered(connection, "a"), entered(connection, "b", 2)
    registry.roll_back(connection, CHURN, PERSON, "bad")
    third = entered(connection, "c", 3)
    assert registry.roll_back(connection, CHURN, PERSON, "bad too") == (third, first)


def test_a_champion_of_an_earlier_release_without_events_can_be_rolled_back_to(connection):
    first = entered(connection, "a")
    connection.execute(sa.text("delete from ops.model_events"))
    second = entered(connection, "b", 2)
    assert registry.roll_back(connection, CHURN, PERSON, "bad") == (second, first)


def test_kinds_have_champions_of_their_own(connection):
    version = entered(connection, "a")
    adopted = registry.adopt(connection, model("a", kind=CLV), JOB, "first")
    assert champion(connection) == version
    assert champion(connection, CLV) == adopted.model_version
    with pytest.raises(ModelError, match="no clv model before"):
        registry.roll_back(connection, CLV, PERSON, "bad")


def test_an_adopted_model_of_an_earlier_date_does_not_take_over(connection):
    newer = registry.adopt(connection, model("b", 5, CLV), JOB, "first")
    older = registry.adopt(connection, model("a", 1, CLV), JOB, "a backfill")
    assert (older.status, champion(connection, CLV)) == ("retired", newer.model_version)
    assert version_of(registry.in_force(connection, CLV, date(2025, 11, 3))) == older.model_version
    assert version_of(registry.in_force(connection, CLV, date(2025, 11, 9))) == newer.model_version


@pytest.mark.parametrize("kind", [CLV, SEGMENTS])
@pytest.mark.parametrize(("first", "second"), [("a", "b"), ("b", "a")])
def test_of_two_models_of_one_date_the_one_adopted_later_is_in_force(connection, kind, first, second):
    registry.adopt(connection, model(first, 3, kind), JOB, "by the night")
    later = registry.adopt(connection, model(second, 3, kind), JOB, "by training")
    assert version_of(registry.in_force(connection, kind, date(2025, 11, 3))) == later.model_version
    afterwards = registry.adopt(connection, model("c", 9, kind), JOB, "a week later")
    assert version_of(registry.in_force(connection, kind, date(2025, 11, 9))) == afterwards.model_version


@pytest.mark.parametrize("second", ["b", "a"])
def test_of_two_retired_models_of_one_date_the_one_registered_last_was_in_force(connection, second):
    first = "a" if second == "b" else "b"
    registry.adopt(connection, model(first, 3, CLV), JOB, "by the night")
    later = registry.adopt(connection, model(second, 3, CLV), Author("churn train, run 8", LATER, 8), "by training")
    registry.adopt(connection, model("c", 9, CLV), JOB, "a week later")
    assert version_of(registry.in_force(connection, CLV, date(2025, 11, 5))) == later.model_version


def test_a_damaged_text_is_mended_by_the_same_model_trained_again(connection):
    version = entered(connection, "a")
    connection.execute(sa.text("update ops.models set artifact = 'x' where model_version = :v"), {"v": version})
    assert registry.register(connection, model("a"), JOB) == version
    assert registry.stored(connection, version).artifact == "a"


def test_the_same_artifact_is_found_whatever_date_it_was_trained_as_of(connection):
    version = registry.register(connection, model("a", 1), JOB)
    assert version_of(registry.same_artifact(connection, CHURN, model("a", 9).sha256)) == version
    assert registry.same_artifact(connection, CLV, model("a", 9).sha256) is None
    assert registry.same_artifact(connection, CHURN, model("b").sha256) is None


def test_a_challenger_keeps_the_reason_why_it_stays_one(connection):
    version = registry.register(connection, model("a"), JOB)
    registry.keep_aside(connection, version, "not better")
    assert registry.stored(connection, version).reason == "not better"


def test_an_unknown_model_is_refused_with_what_to_do(connection):
    with pytest.raises(ModelError, match=r"no model churn-x.*churn models list"):
        registry.stored(connection, "churn-x")

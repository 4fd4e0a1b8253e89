"""`bi.customer_features`: features by name, from whichever set the night has; columns never move or vanish."""

from __future__ import annotations

import threading
from datetime import timedelta
from math import nan
from typing import Any

import pytest
import sqlalchemy as sa

from churn import feature_view, schema
from churn.config import RolesSection, Settings, UsageFeature
from churn.feature_view import FeatureColumn, refresh_feature_view, replace_feature_view, wanted_columns
from churn.migrate import migrate
from churn.publish import sweep
from churn.warehouse import Database, open_database
from tests.sql.nights import AT, Nights
from tests.sql.staging_tables import AS_OF, Staging

FIXED = {"as_of_date": "date", "customer_id": "text", "run_id": "bigint"}
SETTINGS = Settings()


def keep(
    connection: sa.Connection,
    run_id: int,
    features: dict[str, Any],
    *,
    as_of: Any = AS_OF,
    is_current: bool = True,
) -> None:
    """Keep a snapshot of customer 1, the only one; text is a category, None a missing number."""
    numbers = {name: nan if value is None else value for name, value in features.items() if not isinstance(value, str)}
    categories = {name: value for name, value in features.items() if isinstance(value, str)}
    nights = Nights(Staging(connection))
    nights.month(as_of)
    made = sa.insert(schema.feature_sets).values(
        digest=f"{run_id} {as_of} {sorted(features)}", numbers=list(numbers), categories=list(categories),
        families=[], definitions={},
    )  # fmt: skip
    feature_set = connection.execute(made.returning(schema.feature_sets.c.feature_set_id)).scalar_one()
    row = sa.insert(schema.snapshots).values(
        as_of_date=as_of, origin="captured", population="contractual", basis_digest="x", feature_set_id=feature_set,
        customers=1, is_current=is_current, run_id=run_id, created_at=AT,
    )  # fmt: skip
    snapshot_id = connection.execute(row.returning(schema.snapshots.c.snapshot_id)).scalar_one()
    known = "insert into staging.customer_keys (customer_key, customer_id) overriding system value values (1, 'c1') "
    connection.execute(sa.text(known + "on conflict do nothing"))
    nights.insert(
        "scores.feature_snapshots",
        {
            "as_of_date": as_of, "snapshot_id": snapshot_id, "customer_key": 1, "mrr": 50,
            "numbers": list(numbers.values()), "categories": list(categories.values()),
        },
    )  # fmt: skip


def shown(connection: sa.Connection) -> dict[str, Any]:
    (row,) = connection.execute(sa.text("select * from bi.customer_features")).mappings()
    return {name: value for name, value in row.items() if name not in FIXED}


@pytest.fixture
def nights(staging: Staging) -> Nights:
    return Nights(staging)


def test_every_feature_is_a_column_under_its_name(nights):
    run_id = nights.run(AS_OF)
    keep(nights.connection, run_id, {"tenure_days": 12.5, "mrr": None, "plan": "pro", "attribute_Größe %": 3})
    replace_feature_view(nights.connection)
    assert shown(nights.connection) == {"tenure_days": 12.5, "mrr": None, "attribute_Größe %": 3, "plan": "pro"}


def test_another_set_never_shows_a_wrong_column_even_before_the_view_is_renewed(nights):
    keep(nights.connection, nights.run(AS_OF), {"a": 1, "b": 2, "c": 3, "plan": "pro"})
    replace_feature_view(nights.connection)
    tomorrow = AS_OF + timedelta(days=1)
    keep(nights.connection, nights.run(tomorrow), {"new": 9, "c": 30, "region": "north", "a": 10}, as_of=tomorrow)
    assert shown(nights.connection) == {"a": 10, "b": None, "c": 30, "plan": None}
    replace_feature_view(nights.connection)
    assert list(shown(nights.connection).items()) == [
        ("a", 10), ("b", None), ("c", 30), ("plan", None), ("new", 9), ("region", "north")
    ]  # fmt: skip


def test_the_features_are_those_that_the_published_run_scored(nights):
    first = nights.run(AS_OF)
    keep(nights.connection, first, {"a": 1})
    replace_feature_view(nights.connection)
    attempt = nights.run(AS_OF, is_published=False)
    nights.connection.execute(sa.update(schema.snapshots).values(is_current=False))
    keep(nights.connection, attempt, {"a": 2})
    assert shown(nights.connection) == {"a": 1}
    nights.connection.execute(sa.update(schema.published).values(run_id=attempt))
    assert shown(nights.connection) == {"a": 2}


def test_what_is_swept_is_never_the_snapshot_that_is_shown(nights):
    first = nights.run(AS_OF)
    keep(nights.connection, first, {"a": 1})
    replace_feature_view(nights.connection)
    refused = nights.run(AS_OF, is_published=False, status="failed")
    nights.connection.execute(sa.update(schema.snapshots).values(is_current=False))
    keep(nights.connection, refused, {"a": 2})
    sweep(nights.connection)
    assert shown(nights.connection) == {"a": 1}
    nights.connection.execute(sa.update(schema.published).values(run_id=refused))
    nights.connection.execute(sa.update(schema.runs).values(is_swept=False))
    sweep(nights.connection)
    assert shown(nights.connection) == {"a": 2}
    assert nights.connection.scalar(sa.select(sa.func.count()).select_from(schema.feature_snapshots)) == 1


def test_a_column_of_which_nothing_is_kept_any_more_stays_and_is_empty():
    before = {**FIXED, "a": "real", "plan": "text"}
    assert wanted_columns(before, [(["b"], ["plan"])]) == (
        FeatureColumn("a", "number", None),
        FeatureColumn("plan", "category", "plan"),
        FeatureColumn("b", "number", "b"),
    )


def test_a_feature_that_becomes_a_category_gets_a_column_of_its_own():
    sets = [(["size"], []), ([], ["size"]), (["run_id"], [])]
    columns = wanted_columns({}, sets)
    assert [(column.name, column.kind) for column in columns] == [
        ("size", "number"), ("size_category", "category"), ("run_id_number", "number")
    ]  # fmt: skip
    again = {**FIXED, **{column.name: {"number": "real", "category": "text"}[column.kind] for column in columns}}
    assert wanted_columns(again, reversed(sets)) == columns


def test_names_that_postgres_would_cut_off_still_differ(nights):
    long = "attribute_" + "ü" * 60
    keep(nights.connection, nights.run(AS_OF), {long + "1": 1, long + "2": 2})
    replace_feature_view(nights.connection)
    assert list(shown(nights.connection).values()) == [1, 2]


def test_every_column_has_a_meaning(nights):
    features = {
        "tenure_days": 1, "events_7d": 1, "plan": "pro", "usage_exports_28d": 1, "usage_exports_trend_28d": 1,
        "attribute_country": "de", "past_feature": 1,
    }  # fmt: skip
    keep(nights.connection, nights.run(AS_OF), features)
    entry = UsageFeature(name="exports", event_type="export", measure="sum")
    replace_feature_view(nights.connection, [entry])
    query = sa.text(
        "select attname, col_description(attrelid, attnum) from pg_attribute "
        "where attrelid = 'bi.customer_features'::regclass and attnum > 3"
    )
    said = {
        "tenure_days": "Days since sign-up. Unit: days. Null where nothing is known.",
        "events_7d": "Events in the last 7 days. Unit: events. 0 where nothing is known.",
        "usage_exports_28d": "Quantity of events of type 'export' in the last 28 days. "
        "Unit: quantity. 0 where nothing is known.",
        "usage_exports_trend_28d": "Quantity of events of type 'export': the last 28 days against the 28 before. "
        "Unit: trend. Null where nothing is known.",
        "past_feature": "A feature that is no longer computed.",
        "plan": "Plan of the dearest active subscription. Null where nothing is known.",
        "attribute_country": "Customer attribute 'country' at as_of. Null where nothing is known.",
    }
    assert {row[0]: row[1] for row in nights.connection.execute(query)} == said
    replace_feature_view(nights.connection)  # as by a release that no longer has the entry
    assert {row[0]: row[1] for row in nights.connection.execute(query)} == said


def test_what_an_entry_that_is_not_configured_measured_is_still_told(nights):
    keep(nights.connection, nights.run(AS_OF), {"usage_logins_trend_28d": 1})
    replace_feature_view(nights.connection)
    query = sa.text("select col_description('bi.customer_features'::regclass, 4)")
    assert nights.connection.scalar(query) == (
        "What the entry logins of [[features.usage]] measures: the last 28 days against the 28 before."
    )


# ---------------------------------------------------------------- while others read


@pytest.fixture
def night(warehouse: Database) -> Database:
    """A warehouse whose night has a feature that the view does not show."""
    with warehouse.begin() as connection:
        keep(connection, Nights(Staging(connection)).run(AS_OF), {"a": 1})
    return warehouse


def test_new_features_are_shown_after_the_night_and_readers_may_read_them(night):
    assert refresh_feature_view(night, SETTINGS) is None
    with night.begin() as connection:
        connection.exec_driver_sql("set local role bi_reader")
        assert shown(connection) == {"a": 1}


def test_a_view_that_was_dropped_is_made_anew_with_its_grants(night):
    with night.begin() as connection:
        connection.exec_driver_sql("drop view bi.customer_features")
    assert refresh_feature_view(night, SETTINGS) is None
    with night.begin() as connection:
        connection.exec_driver_sql("set local role bi_reader")
        assert shown(connection) == {"a": 1}


def test_who_reads_the_view_is_left_in_peace_and_the_next_night_adds_the_columns(night, monkeypatch):
    monkeypatch.setattr(feature_view, "LOCK_TRIES", 2)
    with night.begin() as reader:
        assert list(reader.execute(sa.text("select * from bi.customer_features")).keys()) == list(FIXED)
        note = refresh_feature_view(night, SETTINGS)
        assert note is not None
        assert "being read" in note
        assert list(reader.execute(sa.text("select * from bi.customer_features")).keys()) == list(FIXED)
    assert refresh_feature_view(night, SETTINGS) is None
    with night.begin() as connection:
        assert shown(connection) == {"a": 1}


def test_readers_never_wait_while_the_view_can_not_be_had(night):
    stop = threading.Event()
    waits: list[float] = []

    def read() -> None:
        while not stop.is_set():
            with night.begin() as reader:
                reader.exec_driver_sql("set local lock_timeout = '250ms'")
                reader.execute(sa.text("select count(*) from bi.customer_features"))
                waits.append(1)

    with night.begin() as holder:
        holder.execute(sa.text("select count(*) from bi.customer_features"))
        readers = [threading.Thread(target=read) for _ in range(3)]
        for thread in readers:
            thread.start()
        note = refresh_feature_view(night, SETTINGS)
        stop.set()
        for thread in readers:
            thread.join()
    assert note is not None
    assert len(waits) > 10


def test_a_column_whose_entry_measures_something_else_now_says_so(night):
    with night.begin() as connection:
        keep(connection, 1, {"usage_exports_28d": 1}, is_current=False)

    def said() -> str:
        with night.begin() as connection:
            names = connection.execute(sa.text("select * from bi.customer_features")).keys()
            place = list(names).index("usage_exports_28d") + 1
            query = sa.text("select col_description('bi.customer_features'::regclass, :place)")
            return str(connection.scalar(query, {"place": place}))

    for event_type in ("export", "download"):
        entry = {"name": "exports", "event_type": event_type, "measure": "count"}
        assert refresh_feature_view(night, Settings(features={"usage": [entry]})) is None
        assert said().startswith(f"Events of type '{event_type}'")
    assert refresh_feature_view(night, SETTINGS) is None
    assert said().startswith("Events of type 'download'")


def test_a_view_that_is_not_ours_is_a_note_and_no_failure(night):
    url = night.engine.url.render_as_string(hide_password=False)
    with open_database(url, "warehouse").begin() as connection:
        connection.exec_driver_sql("alter view bi.customer_features owner to postgres")
    note = refresh_feature_view(night, SETTINGS)
    assert note is not None
    assert "could not be brought up to date" in note
    assert "must be owner" in note


def test_where_nothing_is_new_the_view_is_not_touched(night):
    assert refresh_feature_view(night, SETTINGS) is None
    with night.begin() as holder:
        holder.exec_driver_sql("lock table bi.customer_features in access share mode")
        assert refresh_feature_view(night, SETTINGS) is None


def test_migrating_again_keeps_the_columns(night):
    assert refresh_feature_view(night, SETTINGS) is None
    migrate(open_database(night.engine.url.render_as_string(hide_password=False), "warehouse"), RolesSection())
    with night.begin() as connection:
        assert shown(connection) == {"a": 1}
        connection.execute(sa.delete(schema.feature_sets))
        replace_feature_view(connection)
        assert list(connection.execute(sa.text("select * from bi.customer_features")).keys())[3:] == ["a"]

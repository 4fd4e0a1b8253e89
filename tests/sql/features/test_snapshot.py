"""A snapshot keeps what was computed, by name, and gives it back as it was."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from churn.errors import ModelError
from churn.features.snapshot import Snapshot, SnapshotRequest, build_snapshot, find_snapshot, latest_snapshot
from churn.features.store import category_levels, read_batches, read_training_rows
from churn.matrix import Batch, FeatureNames
from tests.sql.staging_tables import AS_OF, Staging

ALL = frozenset({"customers", "subscriptions", "payments", "usage_events", "support_tickets"})
NIGHT = datetime(2025, 7, 1, 3, tzinfo=UTC)
EMOJI = 'it\'s 100% "pro" 😀\\ :x'


def request(as_of: date = AS_OF, **changes: Any) -> SnapshotRequest:
    return SnapshotRequest(
        **{"as_of": as_of, "population": "contractual", "inactivity_days": 90, "entities": ALL, **changes}
    )


def build(staging: Staging, asked: SnapshotRequest | None = None, origin: Any = "captured") -> Snapshot:
    return build_snapshot(staging.connection, asked or request(), run_id=1, origin=origin, created_at=NIGHT)


def names_of(staging: Staging, snapshot: Snapshot) -> FeatureNames:
    levels = category_levels(staging.connection, [snapshot])
    return FeatureNames(snapshot.feature_set.numbers, snapshot.feature_set.categories, levels)


def read(staging: Staging, snapshot: Snapshot, **options: Any) -> tuple[FeatureNames, list[Batch]]:
    names = names_of(staging, snapshot)
    return names, list(read_batches(staging.connection, snapshot, names, **options))


def value(staging: Staging, snapshot: Snapshot, name: str, row: int = 0) -> float:
    names, (batch,) = read(staging, snapshot)
    return float(batch.numbers[row, names.numbers.index(name)])


def test_a_snapshot_comes_back_as_it_was_computed(staging):
    for key, plan in [(3, "pro"), (1, EMOJI), (2, None)]:
        staging.customer(key, -100)
        staging.subscription(key, -100, mrr=key * 10.25, plan=plan)
    staging.payment(2, -5, 12.5)
    staging.usage(3, -2, 4)
    built = build(staging)
    assert find_snapshot(staging.connection, AS_OF, "contractual") == built
    assert (built.customers, built.origin, built.population) == (3, "captured", "contractual")
    names, (batch,) = read(staging, built)
    assert batch.customer_keys.tolist() == [1, 2, 3]
    assert names.levels == (tuple(sorted([EMOJI, "pro"])),)
    assert [names.levels[0][code] if code >= 0 else None for code in batch.codes[:, 0]] == [EMOJI, None, "pro"]
    column = {name: batch.numbers[:, place].tolist() for place, name in enumerate(names.numbers)}
    assert column["mrr"] == [10.25, 20.5, 30.75]
    assert column["amount_paid_28d"] == [0, 12.5, 0]
    assert column["events_7d"] == [0, 0, 4]
    assert np.isnan(column["events_trend_7d"]).tolist() == [True, True, False]
    stored = staging.connection.exec_driver_sql("select mrr from scores.feature_snapshots order by customer_key")
    assert [float(row.mrr) for row in stored] == column["mrr"]


@pytest.mark.parametrize("batch_rows", [1, 2, 3, 7, 8, 1000])
def test_batches_hold_each_customer_once_and_in_order(staging, batch_rows):
    for key in range(1, 8):
        staging.subscription(key, -10, mrr=key)
    _, batches = read(staging, build(staging), batch_rows=batch_rows)
    assert np.concatenate([batch.customer_keys for batch in batches]).tolist() == list(range(1, 8))
    assert all(len(batch) == batch_rows for batch in batches[:-1])
    assert all(len(batch) for batch in batches)


def test_nobody_to_score_makes_an_empty_snapshot(staging):
    built = build(staging)
    names, batches = read(staging, built)
    assert (built.customers, batches, names.levels) == (0, [], ((),))


def test_a_recomputed_night_takes_the_place_of_the_old_one_which_is_kept(staging):
    staging.subscription(1, -10, mrr=10)
    first = build(staging)
    staging.subscription(1, -5, mrr=5)
    second = build(staging)
    assert find_snapshot(staging.connection, AS_OF) == second
    assert (value(staging, first, "mrr"), value(staging, second, "mrr")) == (10, 15)
    assert first.feature_set == second.feature_set
    assert find_snapshot(staging.connection, AS_OF, "inactivity") is None


def test_the_latest_snapshot_is_found_up_to_a_date(staging):
    for days in (40, 20, 0):
        build(staging, request(AS_OF - timedelta(days=days)))
    wanted = AS_OF - timedelta(days=20)
    found = latest_snapshot(staging.connection, until=AS_OF - timedelta(days=1))
    assert found is not None
    assert found.as_of == wanted
    assert latest_snapshot(staging.connection, until=AS_OF - timedelta(days=41)) is None


def test_a_customer_without_any_row_counts_zero_and_misses_the_rest(staging):
    staging.subscription(1, -10)
    built = build(staging)
    for name in ("payments_paid_28d", "events_90d", "tickets_open", "frequency", "spend_365d"):
        assert value(staging, built, name) == 0
    for name in ("tenure_days", "events_trend_28d", "days_since_last_payment", "satisfaction_last", "monetary_value"):
        assert np.isnan(value(staging, built, name))


@pytest.mark.parametrize("absent", ["payments", "usage_events", "support_tickets"])
def test_an_absent_entity_has_no_features(staging, absent):
    staging.subscription(1, -10)
    built = build(staging, request(entities=ALL - {absent}))
    assert built.feature_set.digest != request().digest
    assert value(staging, built, "mrr") == 50


def test_buyers_are_scored_without_subscriptions(staging):
    staging.customer(1, -50)
    staging.payment(1, -10, 5)
    asked = request(population="inactivity", entities=frozenset({"customers", "payments"}))
    built = build(staging, asked)
    assert (built.customers, built.feature_set.categories) == (1, ())
    assert (value(staging, built, "t_days"), value(staging, built, "tenure_days")) == (10, 50)


def test_catalogue_entries_and_attributes_become_features(staging):
    staging.subscription(1, -10)
    staging.usage(1, -3, events=4, quantity=2.5, event_type=EMOJI)
    staging.usage(1, -2, events=1, quantity=0.5, event_type=EMOJI)
    staging.attribute(1, "size", 1e300)
    staging.attribute(1, "share", 1e-300)
    staging.attribute(1, "country", "DE")
    measures = {"many": "count", "much": "sum", "often": "active_days"}
    entries = tuple(SimpleNamespace(name=name, event_type=EMOJI, measure=kind) for name, kind in measures.items())
    kinds = (("size", "number"), ("country", "category"), ("share", "number"), ("unknown", "number"))
    built = build(staging, request(usage_entries=entries, attributes=kinds))
    assert [value(staging, built, f"usage_{name}_28d") for name in measures] == [5, 3, 2]
    assert value(staging, built, "attribute_size") == pytest.approx(3.4e38)
    assert value(staging, built, "attribute_share") == 0
    assert np.isnan(value(staging, built, "attribute_unknown"))
    assert built.feature_set.categories == ("plan", "attribute_country")
    assert names_of(staging, built).levels == (("basic",), ("DE",))


def test_a_reconstructed_night_leaves_values_out_that_were_learned_later(staging):
    staging.subscription(1, -10)
    staging.attribute(1, "size", 3, learned=5)
    asked = request(attributes=(("size", "number"),))
    assert value(staging, build(staging, asked), "attribute_size") == 3
    assert np.isnan(value(staging, build(staging, asked, "reconstructed"), "attribute_size"))


def test_an_entry_that_measures_something_else_is_another_definition():
    def asked(measure: str) -> SnapshotRequest:
        return request(usage_entries=(SimpleNamespace(name="logins", event_type="login", measure=measure),))

    count, total = asked("count").definitions, asked("sum").definitions
    changed = {name for name in count if count[name] != total[name]}
    assert changed == {"usage_logins_7d", "usage_logins_28d", "usage_logins_90d", "usage_logins_trend_28d"}
    assert asked("count").digest != asked("sum").digest


def test_columns_come_in_the_order_asked_for_and_a_missing_one_is_refused(staging):
    staging.subscription(1, -10, mrr=7)
    built = build(staging)
    names = FeatureNames(("mrr", "paid_tenure_days"))
    (batch,) = read_batches(staging.connection, built, names)
    assert batch.numbers.tolist() == [[7, 10]]
    assert batch.codes.shape == (1, 0)
    with pytest.raises(ModelError, match="horoscope"):
        read_batches(staging.connection, built, FeatureNames(("horoscope",)))


def test_a_level_that_is_not_known_has_no_code(staging):
    for key, plan in enumerate(["pro", "new"], start=1):
        staging.subscription(key, -10, plan=plan)
    (batch,) = read_batches(staging.connection, build(staging), FeatureNames((), ("plan",), (("basic", "pro"),)))
    assert batch.codes.tolist() == [[1], [-1]]


def test_only_the_commonest_levels_are_kept(staging, monkeypatch):
    monkeypatch.setattr("churn.features.store.MOST_LEVELS", 2)
    for key, plan in enumerate(["d", "d", "c", "c", "b", "a"], start=1):
        staging.subscription(key, -10, plan=plan)
    assert category_levels(staging.connection, [build(staging)]) == (("c", "d"),)


def with_labels(staging: Staging, labels: dict[int, bool]) -> None:
    staging.connection.execute(sa.text("create temporary table churn_labels (customer_key bigint, churned boolean)"))
    for key, label in labels.items():
        staging.connection.execute(sa.text("insert into churn_labels values (:k, :l)"), {"k": key, "l": label})


def test_training_rows_are_the_labelled_customers(staging):
    for key in (1, 2, 3):
        staging.subscription(key, -10, mrr=key)
    built = build(staging)
    with_labels(staging, {3: True, 1: False, 9: True})
    batch, churned = read_training_rows(staging.connection, built, names_of(staging, built))
    assert (batch.customer_keys.tolist(), churned.tolist()) == ([1, 3], [False, True])
    assert batch.codes.tolist() == [[0], [0]]


def test_a_column_that_is_lacking_or_defined_otherwise_is_missing_in_training(staging):
    staging.subscription(1, -10, mrr=7)
    entry = {"name": "logins", "event_type": "login"}
    old = build(staging, request(usage_entries=(SimpleNamespace(measure="sum", **entry),)))
    new = build(staging, request(usage_entries=(SimpleNamespace(measure="count", **entry),)))
    with_labels(staging, {1: True})
    names = FeatureNames(("usage_logins_7d", "mrr", "later"), ("plan", "colour"), (("basic",), ("red",)))
    batch, _ = read_training_rows(staging.connection, old, names, like=new.feature_set)
    assert np.nan_to_num(batch.numbers, nan=-9).tolist() == [[-9, 7, -9]]
    assert batch.codes.tolist() == [[0, -1]]
    batch, _ = read_training_rows(staging.connection, new, names, like=new.feature_set)
    assert np.nan_to_num(batch.numbers, nan=-9).tolist() == [[0, 7, -9]]


def test_a_sample_is_of_customers_and_grows_with_its_share(staging):
    for key in range(1, 201):
        staging.subscription(key, -10)
    built = build(staging)
    with_labels(staging, dict.fromkeys(range(1, 201), False))
    names = FeatureNames(("mrr",))

    def keys(share: float, seed: int = 0) -> set[int]:
        batch, _ = read_training_rows(staging.connection, built, names, share=share, seed=seed)
        return set(batch.customer_keys.tolist())

    assert keys(0.2) < keys(0.5) < keys(1.0)
    assert 70 < len(keys(0.5)) < 130
    assert keys(0.5) == keys(0.5) != keys(0.5, seed=1)
    assert keys(1e-9) == set()

"""Drift of a night in the warehouse: what is stored, what is shown, what stops publication."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from churn.config import Settings
from churn.config.sections import MonitoringSection
from churn.features.snapshot import (
    Snapshot,
    SnapshotRequest,
    build_snapshot,
    find_snapshot,
    withdraw_snapshot,
)
from churn.features.store import category_levels, read_batches
from churn.matrix import FeatureNames
from churn.monitoring import drop_refused, reusable_snapshot, watch_drift
from churn.monitoring.drift import status_of
from churn.partitions import ensure_month
from churn.risk import TrainingSet
from churn.risk.drift import Drift
from churn.risk.reference import SCORE, Reference, make_reference
from churn.schema import customer_scores, feature_drift, published, runs, snapshots
from tests.sql.staging_tables import AS_OF, Staging

NIGHT = datetime(2025, 7, 1, 3, tzinfo=UTC)
RUN = 7
CUSTOMERS = 120
MODEL = "churn-20250701-aaaaaaaa"


@dataclass
class ScoredNight:
    settings: Settings
    run_id: int
    snapshot: Snapshot
    churn_version: str
    reference: Reference | None


def build(staging: Staging, run_id: int = RUN) -> Snapshot:
    asked = SnapshotRequest(AS_OF, "contractual", 90, frozenset({"customers", "subscriptions", "usage_events"}))
    return build_snapshot(staging.connection, asked, run_id=run_id, origin="captured", created_at=NIGHT)


def company(staging: Staging, plan: str = "basic", events: int = 4) -> Snapshot:
    for key in range(1, CUSTOMERS + 1):
        staging.subscription(key, -100 - key, mrr=key, plan=plan)
        staging.usage(key, -1 - key % 9, events + key % 7)
    return build(staging)


def names_of(staging: Staging, snapshot: Snapshot) -> FeatureNames:
    levels = category_levels(staging.connection, [snapshot])
    return FeatureNames(snapshot.feature_set.numbers, snapshot.feature_set.categories, levels)


def learned_from(staging: Staging, snapshot: Snapshot) -> Reference:
    """The reference of a model that learned from this one snapshot."""
    names = names_of(staging, snapshot)
    (batch,) = read_batches(staging.connection, snapshot, names)
    ordinals = np.full(len(batch), AS_OF.toordinal())
    data = TrainingSet(names, batch.numbers, batch.codes, batch.customer_keys, ordinals, np.zeros(len(batch), np.bool_))
    return make_reference(data, probability(batch.customer_keys))


def probability(keys: np.ndarray) -> np.ndarray:
    return keys / (2 * CUSTOMERS)


def scored(staging: Staging, snapshot: Snapshot, reference: Reference | None, times: float = 1.0) -> ScoredNight:
    ensure_month(staging.connection, "customer_scores", AS_OF)
    rows = [
        {
            "as_of_date": AS_OF,
            "run_id": RUN,
            "customer_key": key,
            "segment_id": 1,
            "risk_score": 0,
            "churn_probability": float(times * probability(np.array(key))),
            "risk_percentile": 50,
            "risk_band": "low",
        }
        for key in range(1, CUSTOMERS + 1)
    ]
    staging.connection.execute(sa.insert(customer_scores), rows)
    return ScoredNight(Settings(), RUN, snapshot, MODEL, reference)


def stored(staging: Staging) -> dict[str, dict[str, Any]]:
    rows = staging.connection.execute(sa.select(feature_drift)).mappings()
    return {row["feature"]: dict(row) for row in rows}


def test_a_night_like_the_training_is_ok_in_everything(staging: Staging) -> None:
    snapshot = company(staging)
    night = scored(staging, snapshot, learned_from(staging, snapshot))
    rows = watch_drift(staging.connection, staging.connection, night)
    found = stored(staging)
    assert rows == len(found)
    assert found.keys() == {*snapshot.feature_set.numbers, *snapshot.feature_set.categories, SCORE}
    assert {row["status"] for row in found.values()} == {"ok"}
    assert max(row["psi"] or 0 for row in found.values()) == pytest.approx(0)


def test_what_has_moved_is_named(staging: Staging) -> None:
    reference = learned_from(staging, company(staging))
    staging.connection.execute(sa.text("update staging.subscriptions set plan = 'gold'"))
    staging.connection.execute(sa.text("delete from staging.usage_daily"))
    watch_drift(staging.connection, staging.connection, scored(staging, build(staging), reference, times=0.05))
    found = stored(staging)
    assert found[SCORE]["status"] == "fail"
    assert found["events_28d"]["status"] == "fail"
    assert (found["plan"]["unseen_share"], found["plan"]["status"]) == (1, "fail")
    assert found["mrr"]["status"] == "ok"


def test_a_night_without_a_model_has_no_drift(staging: Staging) -> None:
    assert watch_drift(staging.connection, staging.connection, scored(staging, company(staging), None)) == 0
    assert stored(staging) == {}


def test_a_sample_stands_for_a_large_night(staging: Staging, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = company(staging)
    night = scored(staging, snapshot, learned_from(staging, snapshot))
    monkeypatch.setattr("churn.monitoring.drift.SAMPLED_CUSTOMERS", CUSTOMERS // 2)
    watch_drift(staging.connection, staging.connection, night)
    found = stored(staging)
    assert {row["status"] for row in found.values()} == {"ok"}
    assert 0 < found[SCORE]["psi"] < 0.5
    assert found[SCORE]["missing_share"] == 0


def test_a_share_of_a_snapshot_is_the_same_customers_every_time(staging: Staging) -> None:
    snapshot = company(staging)
    names = names_of(staging, snapshot)

    def keys(share: float, seed: int = 1) -> set[int]:
        batches = read_batches(staging.connection, snapshot, names, batch_rows=17, share=share, seed=seed)
        return {key for batch in batches for key in batch.customer_keys.tolist()}

    assert keys(1) == set(range(1, CUSTOMERS + 1))
    assert keys(0.3) == keys(0.3) < keys(0.6)
    assert 0.4 * CUSTOMERS < len(keys(0.6)) < 0.8 * CUSTOMERS
    assert keys(0.3) != keys(0.3, seed=2)


# ---------------------------------------------------------------- limits


def moved(psi: float, chance: float = 0.01, unseen: float = 0.0) -> Drift:
    return Drift("logins", psi, chance, unseen, 0.0, 0.0)


@pytest.mark.parametrize(
    ("drift", "status"),
    [
        (moved(0.19), "ok"),
        (moved(0.2), "warn"),
        (moved(0.99), "warn"),
        (moved(1.0), "fail"),
        (moved(1.0, chance=1.0), "ok"),
        (moved(0.0, unseen=0.04), "ok"),
        (moved(0.0, unseen=0.05), "warn"),
        (moved(float("nan"), unseen=1.0), "ok"),
    ],
)
def test_the_limits_are_those_of_the_configuration(drift: Drift, status: str) -> None:
    assert status_of(drift, Settings(monitoring=MonitoringSection(psi_warn=0.2, psi_fail=1.0))) == status


# ---------------------------------------------------------------- checks and view


def add(
    staging: Staging,
    feature: str,
    psi: float | None,
    status: str,
    run_id: int = RUN,
    *,
    unseen: float = 0.0,
    as_of: date = AS_OF,
    version: str = MODEL,
) -> None:
    staging.connection.execute(
        sa.insert(feature_drift).values(
            run_id=run_id,
            feature=feature,
            as_of_date=as_of,
            model_version=version,
            psi=psi,
            unseen_share=unseen,
            missing_share=0.25,
            missing_share_trained=0.0,
            status=status,
        )
    )


def problems(staging: Staging, check: str) -> list[str]:
    return [row["problem"] for row in staging.run(f"checks/{check}.sql", run_id=RUN, psi_fail=1.0)]


def test_features_that_have_moved_are_a_warning(staging: Staging) -> None:
    add(staging, "logins", 1.234, "fail")
    add(staging, "plan", None, "warn", unseen=0.125)
    add(staging, "mrr", 0.1, "ok")
    add(staging, "tickets", 3, "fail", run_id=RUN + 1)
    assert problems(staging, "feature_drift") == [
        "logins: PSI 1.23, missing 25.0 % (in training 0.0 %)",
        "plan: PSI unknown, missing 25.0 % (in training 0.0 %), 12.5 % in categories never seen",
    ]
    assert problems(staging, "feature_drift_score") == []


def test_a_score_that_has_moved_is_a_failure_and_names_what_moved_most(staging: Staging) -> None:
    add(staging, SCORE, 2.5, "fail")
    for place in range(7):
        add(staging, f"feature_{place}", 1 + place, "fail")
    add(staging, "mrr", 0.1, "ok")
    (problem,) = problems(staging, "feature_drift_score")
    assert "PSI 2.50" in problem
    assert (
        "feature_6 (7.00), feature_5 (6.00), feature_4 (5.00), feature_3 (4.00), feature_2 (3.00); look at them"
        in problem
    )


def test_a_score_alone_is_named_alone(staging: Staging) -> None:
    add(staging, SCORE, 2.5, "fail")
    (problem,) = problems(staging, "feature_drift_score")
    assert problem.startswith(
        "the probabilities have moved away from the training's, PSI 2.50; look at them and at their feed first"
    )


def score_night(staging: Staging, as_of: date, run_id: int, level: float) -> None:
    """Scores of a night, spread evenly from `level` to `level` + 0.1."""
    ensure_month(staging.connection, "customer_scores", as_of)
    night = {"as_of_date": as_of, "run_id": run_id, "segment_id": 1, "risk_score": 0, "risk_percentile": 50}
    rows = [
        night | {"customer_key": key, "risk_band": "low", "churn_probability": level + key / (10 * CUSTOMERS)}
        for key in range(CUSTOMERS)
    ]
    staging.connection.execute(sa.insert(customer_scores), rows)


def published_before(staging: Staging, days: int, level: float, psi: float, status: str, version: str = MODEL) -> None:
    """Publish a night that many days before, with its scores and its drift."""
    as_of, run_id = AS_OF - timedelta(days=days), 1_000 + days
    score_night(staging, as_of, run_id, level)
    add(staging, SCORE, psi, status, run_id, as_of=as_of, version=version)
    staging.connection.execute(
        sa.insert(published).values(
            as_of_date=as_of, run_id=run_id, list_run_id=run_id, published_at=NIGHT, in_sample=False
        )
    )


def tonight_far_off(staging: Staging, level: float = 0.5) -> None:
    score_night(staging, AS_OF, RUN, level)
    add(staging, SCORE, 2.5, "fail")


def test_a_jump_from_the_published_nights_is_a_failure(staging: Staging) -> None:
    tonight_far_off(staging)
    published_before(staging, 1, 0.1, 0.1, "ok")
    (problem,) = problems(staging, "feature_drift_score")
    assert f"and from those of {AS_OF - timedelta(days=1)}, PSI " in problem


def test_a_slow_drift_is_no_failure(staging: Staging) -> None:
    tonight_far_off(staging)
    published_before(staging, 1, 0.499, 2.4, "fail")
    published_before(staging, 29, 0.49, 0.9, "warn")
    assert problems(staging, "feature_drift_score") == []
    assert len(problems(staging, "feature_drift")) == 1


def test_a_feed_that_moves_the_scores_a_little_every_night_is_a_failure_within_four_weeks(staging: Staging) -> None:
    tonight_far_off(staging)
    for days in (1, 10, 20, 29, 40):
        published_before(staging, days, 0.5 - days / 100, 0.9 if days < 20 else 0.1, "warn")
    (problem,) = problems(staging, "feature_drift_score")
    assert f"and from those of {AS_OF - timedelta(days=29)}, PSI " in problem


def test_weeks_without_publication_do_not_make_the_last_broken_night_usual(staging: Staging) -> None:
    tonight_far_off(staging)
    published_before(staging, 60, 0.49, 0.95, "warn")
    published_before(staging, 88, 0.1, 0.1, "ok")
    assert len(problems(staging, "feature_drift_score")) == 1


def test_a_new_normal_that_was_accepted_by_a_raised_limit_passes_from_then_on(staging: Staging) -> None:
    tonight_far_off(staging)
    published_before(staging, 5, 0.5, 2.5, "warn")
    published_before(staging, 29, 0.1, 0.1, "ok")
    assert problems(staging, "feature_drift_score") == []


def test_a_jump_from_an_accepted_normal_is_a_failure(staging: Staging) -> None:
    tonight_far_off(staging, level=0.8)
    published_before(staging, 5, 0.5, 2.5, "warn")
    published_before(staging, 29, 0.1, 0.1, "ok")
    assert len(problems(staging, "feature_drift_score")) == 1


def test_nights_of_another_model_accept_nothing(staging: Staging) -> None:
    tonight_far_off(staging)
    published_before(staging, 5, 0.5, 2.5, "warn", version="churn-20240101-bbbbbbbb")
    (problem,) = problems(staging, "feature_drift_score")
    assert "and from those of" not in problem


def test_a_score_that_moved_a_little_is_a_warning_only(staging: Staging) -> None:
    add(staging, SCORE, 0.5, "warn")
    assert problems(staging, "feature_drift_score") == []
    assert len(problems(staging, "feature_drift")) == 1


def test_the_view_shows_published_runs_alone(staging: Staging) -> None:
    add(staging, "logins", 0.1, "ok")
    add(staging, "logins", 9, "fail", run_id=RUN + 1)
    view = sa.text("select feature, psi, run_id from bi.feature_drift")
    assert staging.connection.execute(view).all() == []
    staging.connection.execute(
        sa.insert(published).values(as_of_date=AS_OF, run_id=RUN, list_run_id=RUN, published_at=NIGHT, in_sample=False)
    )
    assert [tuple(row) for row in staging.connection.execute(view)] == [("logins", 0.1, RUN)]


# ---------------------------------------------------------------- the features of a refused night


def test_a_refused_run_takes_its_snapshot_with_it(staging: Staging) -> None:
    snapshot = company(staging)
    withdraw_snapshot(staging.connection, snapshot, run_id=RUN)
    assert find_snapshot(staging.connection, AS_OF) is None


def test_a_refused_recomputation_leaves_the_snapshot_that_was_kept(staging: Staging) -> None:
    kept = company(staging)
    again = build(staging, RUN + 1)
    withdraw_snapshot(staging.connection, again, run_id=RUN + 1)
    assert find_snapshot(staging.connection, AS_OF) == kept


def test_a_refused_rerun_leaves_the_snapshot_that_another_run_made(staging: Staging) -> None:
    kept = company(staging)
    withdraw_snapshot(staging.connection, kept, run_id=RUN + 1)
    assert find_snapshot(staging.connection, AS_OF) == kept


@pytest.mark.parametrize(
    ("failed", "is_kept"),
    [(["feature_drift_score"], True), (["payments"], False), (["feature_drift_score", "payments"], False)],
)
def test_a_snapshot_stays_where_its_probabilities_alone_were_refused(
    staging: Staging, failed: list[str], is_kept: bool
) -> None:
    snapshot = company(staging)
    drop_refused(staging.connection, snapshot, run_id=RUN, failed=failed)
    assert find_snapshot(staging.connection, AS_OF) == (snapshot if is_kept else None)


@pytest.mark.parametrize(
    ("status", "exit_code", "is_reused"), [("failed", 16, False), ("failed", 15, True), ("succeeded", 0, True)]
)
def test_a_rerun_computes_anew_what_the_checks_refused(
    staging: Staging, status: str, exit_code: int, is_reused: bool
) -> None:
    snapshot = company(staging)
    row = {"job": "nightly", "as_of_date": AS_OF, "started_at": NIGHT, "config_digest": ""}
    ended = sa.insert(runs).values(status=status, exit_code=exit_code, **row).returning(runs.c.run_id)
    run_id = staging.connection.execute(ended).scalar_one()
    staging.connection.execute(sa.update(snapshots).values(run_id=run_id))
    found = reusable_snapshot(staging.connection, AS_OF, "contractual")
    assert found == (snapshot if is_reused else None)

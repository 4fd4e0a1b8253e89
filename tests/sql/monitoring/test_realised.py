"""Past nights against what became of them: which are due, who counts, what is stored, when it is a warning."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from churn.config import RetentionSection, Settings
from churn.config.sections import ChurnSection, TrainSection
from churn.monitoring import Findings, due_nights, evaluate_matured, store_findings
from churn.monitoring.rows import NightCounts, PublishedRun
from churn.partitions import ensure_month
from churn.schema import at_risk_list, customer_scores, models, published, runs, segment_nights
from tests.sql.staging_tables import AS_OF, BEGINNING, FOREVER, Staging, day

HORIZON, GRACE = 30, 14
MATURE = HORIZON + GRACE
SETTINGS = Settings(
    churn=ChurnSection(horizon_days=HORIZON, grace_days=GRACE), retention=RetentionSection(list_size=10)
)
MODEL = "churn-20250101-aaaaaaaa"
CUSTOMERS = 240
MAY = date(2025, 5, 2)
JUNE = date(2025, 6, 1)
AUGUST = date(2025, 8, 1)


def expecting(mean: float, figure: str = "observed_expected") -> dict[str, Any]:
    """What a model's training let expect, to within a little."""
    return {
        figure: {
            "figure": figure,
            "mean": mean,
            "sampling_variance": 1e-4,
            "between_month_variance": 1e-4,
            "month_sampling_variance": 1e-4,
            "months": 12,
            "degrees_of_freedom": 20.0,
        }
    }


def add_model(staging: Staging, version: str = MODEL, **details: Any) -> None:
    staging.connection.execute(
        sa.insert(models).values(
            model_version=version,
            kind="churn",
            status="retired",
            artifact="{}",
            sha256="0",
            trained_as_of=date(2025, 1, 1),
            created_at=datetime(2025, 1, 1, tzinfo=UTC),
            run_id=1,
            reason="",
            details=details,
        )
    )


def publish(staging: Staging, as_of: date, version: str = MODEL, *, in_sample: bool = False) -> int:
    """Publish a night of a new run and return the run; a night published before is taken over."""
    at = datetime(2025, 9, 1, tzinfo=UTC)
    run_id = staging.connection.execute(
        sa.insert(runs)
        .values(
            job="nightly",
            as_of_date=as_of,
            status="succeeded",
            started_at=at,
            config_digest="",
            versions={"churn": version},
        )
        .returning(runs.c.run_id)
    ).scalar_one()
    staging.connection.execute(sa.delete(published).where(published.c.as_of_date == as_of))
    staging.connection.execute(
        sa.insert(published).values(
            as_of_date=as_of, run_id=run_id, list_run_id=run_id, published_at=at, in_sample=in_sample
        )
    )
    return int(run_id)


def company(staging: Staging) -> None:
    """Customers who subscribed long ago and stay."""
    started = day(-400)
    rows = [
        {
            "subscription_id": f"s{key}",
            "customer_key": key,
            "plan": "basic",
            "mrr": 50,
            "started_at": datetime.combine(started, time()),
            "started_date": started,
            "billing_months": 1,
            "valid_from": BEGINNING,
            "valid_to": FOREVER,
            "learned_at": datetime.combine(started, time()),
        }
        for key in range(1, CUSTOMERS + 1)
    ]
    staging.add("subscriptions", rows)


def leave(staging: Staging, keys: range, on: date) -> None:
    """End the subscriptions of some customers on a day."""
    staging.connection.execute(
        sa.text("update staging.subscriptions set ended_date = :on, ended_at = :at where customer_key = any(:keys)"),
        {"on": on, "at": datetime.combine(on, time()), "keys": list(keys)},
    )


def score(staging: Staging, as_of: date, run_id: int, probability: dict[int, float]) -> None:
    for table in ("customer_scores", "segment_nights", "at_risk_list"):
        ensure_month(staging.connection, table, as_of)
    night = {"as_of_date": as_of, "run_id": run_id}
    rows = [
        night
        | {
            "customer_key": key,
            "segment_id": 1 + key % 2,
            "risk_score": p,
            "churn_probability": p,
            "risk_percentile": 50,
            "risk_band": "low",
            "value_at_risk": 100 * p,
        }
        for key, p in probability.items()
    ]
    staging.connection.execute(sa.insert(customer_scores), rows)
    named = [
        night | {"segment_id": one, "segment": name, "description": "", "customers": 1, "share": 0.5}
        for one, name in ((1, "even"), (2, "odd"))
    ]
    staging.connection.execute(sa.insert(segment_nights), named)


def freeze(staging: Staging, as_of: date, run_id: int, arms: dict[int, str]) -> None:
    staging.connection.execute(
        sa.insert(at_risk_list),
        [
            {
                "as_of_date": as_of,
                "run_id": run_id,
                "priority_rank": rank,
                "customer_key": key,
                "segment_id": 1,
                "risk_score": 0,
                "risk_percentile": 99,
                "risk_band": "high",
                "segment": "even",
                "campaign": "nightly",
                "campaign_group": arm,
            }
            for rank, (key, arm) in enumerate(arms.items(), 1)
        ],
    )


def usual() -> dict[int, float]:
    """The first fifth has a probability of a half, the others of a twentieth."""
    return {key: 0.5 if key <= CUSTOMERS // 5 else 0.05 for key in range(1, CUSTOMERS + 1)}


def night_with_leavers(staging: Staging, as_of: date, leavers: range, **options: Any) -> int:
    company(staging)
    leave(staging, leavers, as_of + timedelta(days=HORIZON // 2))
    run_id = publish(staging, as_of, **options)
    score(staging, as_of, run_id, usual())
    return run_id


def shown(staging: Staging, view: str) -> list[dict[str, Any]]:
    return [dict(row) for row in staging.connection.execute(sa.text(f"select * from bi.{view}")).mappings()]


# ---------------------------------------------------------------- which nights are due


@pytest.mark.parametrize(("offset", "is_due"), [(-MATURE - 1, True), (-MATURE, True), (-MATURE + 1, False), (0, False)])
def test_a_night_is_due_once_horizon_and_grace_have_passed(staging: Staging, offset: int, is_due: bool) -> None:
    add_model(staging)
    run_id = publish(staging, day(offset))
    wanted = [PublishedRun(day(offset), run_id, MODEL)] if is_due else []
    assert due_nights(staging.connection, SETTINGS, AS_OF) == wanted


def test_a_night_in_sample_or_without_a_model_is_never_due(staging: Staging) -> None:
    add_model(staging)
    publish(staging, day(-90), in_sample=True)
    publish(staging, day(-80), "recency-rule")
    assert due_nights(staging.connection, SETTINGS, AS_OF) == []


def test_a_night_that_predicts_another_horizon_is_not_due(staging: Staging) -> None:
    add_model(staging, churn={"definition": "contractual", "horizon_days": 60, "grace_days": GRACE})
    publish(staging, day(-90))
    assert due_nights(staging.connection, SETTINGS, AS_OF) == []


def test_an_evaluated_night_is_due_again_only_when_published_anew(staging: Staging) -> None:
    add_model(staging)
    night_with_leavers(staging, MAY, range(1, 31))
    findings = evaluate_matured(staging.connection, SETTINGS, AUGUST)
    store_findings(staging.connection, 99, findings)
    assert evaluate_matured(staging.connection, SETTINGS, AUGUST) == Findings()

    again = publish(staging, MAY)
    score(staging, MAY, again, usual())
    assert shown(staging, "realised_performance") == []
    store_findings(staging.connection, 100, evaluate_matured(staging.connection, SETTINGS, AUGUST))
    rows = shown(staging, "realised_performance")
    assert len(rows) == 4
    assert {(row["run_id"], row["evaluated_run_id"]) for row in rows} == {(again, 100)}


# ---------------------------------------------------------------- what became of a night


def test_a_night_is_compared_with_who_left(staging: Staging) -> None:
    add_model(staging, expected=expecting(1.0))
    run_id = night_with_leavers(staging, MAY, range(1, 31))
    (found,) = evaluate_matured(staging.connection, SETTINGS, AUGUST).nights
    assert found.night == PublishedRun(MAY, run_id, MODEL)
    assert found.counts == NightCounts(CUSTOMERS, 30, 0, 0)
    figures = {figure.figure: figure for figure in found.figures}
    assert figures["observed_expected"].value == pytest.approx(30 / (48 * 0.5 + 192 * 0.05))
    assert figures["observed_expected"].status == "inside"
    low, high = figures["observed_expected"].low, figures["observed_expected"].high
    assert low is not None
    assert high is not None
    assert low < 1 < high
    pairs = 30 * 210
    assert figures["auc_roc"].value == pytest.approx((30 * 192 + 30 * 18 / 2) / pairs)
    assert figures["auc_roc"].status == "unknown"
    assert figures["auc_roc"].expected is None


def test_the_treated_are_left_out_and_the_held_out_stand_for_them(staging: Staging) -> None:
    add_model(staging)
    run_id = night_with_leavers(staging, MAY, range(1, 31))
    arms = {key: "holdout" if key % 4 == 0 else "treatment" for key in range(1, 41)}
    freeze(staging, MAY, run_id, arms)
    (found,) = evaluate_matured(staging.connection, SETTINGS, AUGUST).nights
    assert found.counts == NightCounts(CUSTOMERS - 30, 7, 30, 0)
    observed = {figure.figure: figure.value for figure in found.figures}["observed_expected"]
    left = 4 * sum(key % 4 == 0 for key in range(1, 31))
    assert left == 28
    assert observed is None or observed == pytest.approx(left / (48 * 0.5 + 192 * 0.05))


def test_a_campaign_that_held_nobody_out_is_told(staging: Staging) -> None:
    add_model(staging)
    run_id = night_with_leavers(staging, MAY, range(1, 31))
    freeze(staging, MAY, run_id, dict.fromkeys(range(31, 41), "treatment"))
    findings = evaluate_matured(staging.connection, SETTINGS, AUGUST)
    (note,) = store_findings(staging.connection, 99, findings)
    assert "10 of all customers of a night" in note
    assert "retention.holdout_share" in note


def test_nobody_left_is_judged_too(staging: Staging) -> None:
    add_model(staging, expected=expecting(1.0))
    night_with_leavers(staging, MAY, range(0))
    (found,) = evaluate_matured(staging.connection, SETTINGS, AUGUST).nights
    figures = {figure.figure: figure for figure in found.figures}
    assert (figures["observed_expected"].value, figures["observed_expected"].status) == (0, "outside")
    assert figures["auc_roc"].value is None


# ---------------------------------------------------------------- warnings


def test_a_second_month_outside_is_a_warning_and_the_first_is_not(staging: Staging) -> None:
    add_model(staging, expected=expecting(1.0))
    night_with_leavers(staging, MAY, range(0))
    for night in (MAY + timedelta(days=1), JUNE):
        score(staging, night, publish(staging, night), usual())
    notes = store_findings(staging.connection, 99, evaluate_matured(staging.connection, SETTINGS, AUGUST))
    found = {
        row["as_of_date"]: row["status"]
        for row in shown(staging, "realised_performance")
        if row["figure"] == "observed_expected"
    }
    assert found == {MAY: "outside", MAY + timedelta(days=1): "outside", JUNE: "warning"}
    (note,) = notes
    assert str(JUNE) in note
    assert "observed_expected was 0.000" in note


def test_a_warning_is_told_once_a_month(staging: Staging) -> None:
    add_model(staging, expected=expecting(1.0))
    night_with_leavers(staging, MAY, range(0))
    score(staging, JUNE, publish(staging, JUNE), usual())
    assert len(store_findings(staging.connection, 99, evaluate_matured(staging.connection, SETTINGS, AUGUST))) == 1
    later = JUNE + timedelta(days=3)
    score(staging, later, publish(staging, later), usual())
    findings = evaluate_matured(staging.connection, SETTINGS, AUGUST)
    assert [found.night.as_of for found in findings.nights] == [later]
    assert store_findings(staging.connection, 100, findings) == []
    told = staging.run("monitoring/latest_realised.sql")
    assert {(row["as_of_date"], row["status"]) for row in told if row["figure"] == "observed_expected"} == {
        (JUNE, "warning")
    }


def test_what_another_release_let_expect_is_told_and_stops_nothing(staging: Staging) -> None:
    expected = expecting(1.0) | expecting(0.8, "auc_roc")
    del expected["auc_roc"]["degrees_of_freedom"]
    add_model(staging, expected=expected)
    night_with_leavers(staging, MAY, range(1, 31))
    findings = evaluate_matured(staging.connection, SETTINGS, AUGUST)
    statuses = {figure.figure: figure.status for figure in findings.nights[0].figures}
    assert (statuses["observed_expected"], statuses["auc_roc"]) == ("inside", "unknown")
    (note,) = store_findings(staging.connection, 99, findings)
    assert MODEL in note
    assert "auc_roc: Lacks degrees_of_freedom." in note


# ---------------------------------------------------------------- all months of a model


def test_a_sample_stands_for_all_in_lists_and_money(staging: Staging) -> None:
    add_model(staging, threshold=0.3)
    night_with_leavers(staging, MAY, range(1, 31))
    tradeoffs = []
    for rows in (10_000, CUSTOMERS // 2):
        settings = SETTINGS.model_copy(update={"train": TrainSection(max_rows=rows)})
        findings = evaluate_matured(staging.connection, settings, AUGUST)
        assert findings.nights[0].counts == NightCounts(CUSTOMERS, 30, 0, 0)
        tradeoffs.append(
            {(row.kind, row.cutoff): row for row in findings.judgements[MODEL].tradeoff if not row.segment}
        )
    whole, sample = tradeoffs
    assert sample.keys() == whole.keys()
    assert ("list_size", 10.0) in sample
    for at, row in whole.items():
        if at[0] == "list_size":
            assert sample[at].contacted == pytest.approx(row.contacted)
    chosen = ("threshold", 0.3)
    assert sample[chosen] != whole[chosen]
    assert sample[chosen].contacted == pytest.approx(whole[chosen].contacted, rel=0.3)
    assert sample[chosen].expected_net_value == pytest.approx(whole[chosen].expected_net_value, rel=0.5)


def test_a_model_is_judged_on_the_first_night_of_each_month(staging: Staging) -> None:
    add_model(staging, threshold=0.3, method={"base_rate": 0.1})
    night_with_leavers(staging, MAY, range(1, 31))
    store_findings(staging.connection, 99, evaluate_matured(staging.connection, SETTINGS, AUGUST))
    (first,) = shown(staging, "model_performance")
    assert (first["evaluation"], first["customer_months"], first["churners"]) == ("realised", CUSTOMERS, 30)
    assert (first["from_as_of_date"], first["to_as_of_date"]) == (MAY, MAY)
    assert first["threshold"] == 0.3
    assert first["recall"] == 1
    assert first["base_rate_log_loss"] == pytest.approx(-(0.125 * np.log(0.1) + 0.875 * np.log(0.9)))

    score(staging, day(-59), publish(staging, day(-59)), usual())
    assert day(-59).month == MAY.month
    findings = evaluate_matured(staging.connection, SETTINGS, AUGUST)
    assert findings.judgements == {}
    store_findings(staging.connection, 100, findings)

    leave(staging, range(61, 81), JUNE + timedelta(days=3))
    score(staging, JUNE, publish(staging, JUNE), {key: p for key, p in usual().items() if key > 30})
    store_findings(staging.connection, 101, evaluate_matured(staging.connection, SETTINGS, AUGUST))
    (both,) = shown(staging, "model_performance")
    assert (both["customer_months"], both["to_as_of_date"]) == (CUSTOMERS + CUSTOMERS - 30, JUNE)
    assert both["churners"] == 50
    segments = sa.text(
        "select distinct segment from ops.calibration_bins where evaluation = 'realised' order by segment"
    )
    assert list(staging.connection.scalars(segments)) == ["", "even", "odd"]


def test_a_rerun_of_an_older_night_forgets_no_month(staging: Staging) -> None:
    add_model(staging)
    night_with_leavers(staging, MAY, range(1, 31))
    score(staging, JUNE, publish(staging, JUNE), {key: p for key, p in usual().items() if key > 30})
    leave(staging, range(61, 81), JUNE + timedelta(days=3))
    store_findings(staging.connection, 99, evaluate_matured(staging.connection, SETTINGS, AUGUST))
    (before,) = shown(staging, "model_performance")
    score(staging, MAY, publish(staging, MAY), usual())
    findings = evaluate_matured(staging.connection, SETTINGS, MAY + timedelta(days=MATURE))
    assert [found.night.as_of for found in findings.nights] == [MAY]
    store_findings(staging.connection, 100, findings)
    assert shown(staging, "model_performance") == [before]


def test_only_so_many_nights_are_evaluated_at_once_and_the_others_wait(
    staging: Staging, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("churn.monitoring.realised.NIGHTS_A_RUN", 1)
    add_model(staging)
    night_with_leavers(staging, MAY, range(1, 31))
    score(staging, JUNE, publish(staging, JUNE), usual())
    findings = evaluate_matured(staging.connection, SETTINGS, AUGUST)
    assert [found.night.as_of for found in findings.nights] == [MAY]
    assert findings.waiting == 1
    (note,) = store_findings(staging.connection, 99, replace(findings, judgements={}))
    assert note.startswith("1 past nights wait")

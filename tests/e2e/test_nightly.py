"""Whole nights as readers of `bi` see them: reruns, the frozen list, figures that reconcile, refused nights."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from churn import scoring
from churn.cli import main
from churn.errors import ChecksFailedError
from churn.retention import HOLDOUT
from tests.e2e.company import AS_OF, HOLDOUT_SHARE, LIST_SIZE, Office, night_of

NEXT = AS_OF + timedelta(days=1)
LATER = night_of(AS_OF) + timedelta(hours=3)
CENT = Decimal("0.01")


def listed(office: Office) -> list[dict[str, Any]]:
    return office.rows("select * from bi.at_risk_customers order by priority_rank")


def scores(office: Office) -> dict[str, dict[str, Any]]:
    return {row["customer_id"]: row for row in office.rows("select * from bi.customer_scores")}


def nights(office: Office) -> list[tuple[Any, ...]]:
    query = "select as_of_date, status, published, exit_code from bi.job_runs where job = 'nightly' order by run_id"
    return [tuple(row.values()) for row in office.rows(query)]


# ---------------------------------------------------------------- reruns


def test_a_rerun_changes_nothing_that_readers_see(office: Office) -> None:
    before = office.shown()
    first = office.value("select distinct run_id from bi.customer_scores")
    office.nightly(now=LATER)
    assert office.shown() == before
    assert nights(office) == [(AS_OF, "succeeded", False, 0), (AS_OF, "succeeded", True, 0)]
    assert office.value("select distinct run_id from bi.customer_scores") > first


def test_a_third_run_leaves_no_row_of_the_first(office: Office) -> None:
    office.nightly(now=LATER)
    office.nightly(now=LATER)
    first, *_, last = office.column("select run_id from bi.job_runs where job = 'nightly' order by run_id")
    for table in ("customer_scores", "segment_nights"):
        runs = office.column(f"select distinct run_id from scores.{table}")
        assert first not in runs
        assert last in runs
    assert office.column("select distinct run_id from scores.at_risk_list") == [first]


def test_the_list_is_frozen_and_replaced_only_when_asked(office: Office) -> None:
    frozen, valued = listed(office), scores(office)
    office.change_source(
        "update subscriptions set mrr = mrr * 4, updated_at = :learned "
        "where ended_at is null and cast(right(customer_id, 1) as integer) < 5",
        learned=night_of(AS_OF) - timedelta(hours=9),
    )
    office.nightly(now=LATER, recompute=True)
    revalued = scores(office)
    assert sum(revalued[one]["mrr"] == 4 * row["mrr"] for one, row in valued.items()) > len(valued) / 4
    assert listed(office) == frozen

    run = office.nightly(now=LATER, replace_list=True).run_id
    replaced = listed(office)
    assert [row["customer_id"] for row in replaced] != [row["customer_id"] for row in frozen]
    assert {row["run_id"] for row in replaced} == {run}
    now_scored = scores(office)
    for row in replaced:
        score = now_scored[row["customer_id"]]
        assert all(row[name] == score[name] for name in ("mrr", "value_at_risk", "churn_probability", "segment"))
    assert [row["priority_rank"] for row in replaced] == list(range(1, LIST_SIZE + 1))


def test_who_opts_out_disappears_from_the_frozen_list(office: Office) -> None:
    before = listed(office)
    gone = before[0]["customer_id"]
    office.change_source(
        "update customers set contactable = false, updated_at = :learned where customer_id = :gone",
        learned=LATER - timedelta(hours=1),
        gone=gone,
    )
    office.extract(now=LATER)
    assert listed(office) == before[1:]
    assert gone in scores(office)
    office.nightly(now=LATER, replace_list=True)
    replaced = [row["customer_id"] for row in listed(office)]
    assert gone not in replaced
    assert len(replaced) == LIST_SIZE


def test_a_customer_stays_in_the_same_arm(office: Office) -> None:
    office.configure(retention__cooldown_days=0)
    arms = {row["customer_id"]: row["campaign_group"] for row in listed(office)}
    office.nightly(NEXT)
    tomorrow = {row["customer_id"]: row["campaign_group"] for row in listed(office)}
    both = arms.keys() & tomorrow.keys()
    assert len(both) > LIST_SIZE / 2
    assert {one: arms[one] for one in both} == {one: tomorrow[one] for one in both}


# ---------------------------------------------------------------- the next night


def test_the_next_night_reads_little_and_keeps_the_last_one(office: Office) -> None:
    tonight = office.shown()
    summary = office.nightly(NEXT)
    read = {
        row["entity"]: row
        for row in office.rows("select * from ops.extractions where run_id = :run_id", run_id=summary.run_id)
    }
    assert {row["mode"] for row in read.values()} == {"changed", "recent"}
    stored = office.source_rows(
        "select (select count(*) from customers) as customers, (select count(*) from payments) as payments, "
        "(select count(*) from subscriptions) as subscriptions, (select count(*) from usage_events) as usage_events, "
        "(select count(*) from support_tickets) as support_tickets"
    )[0]
    assert all(read[entity]["rows_read"] < rows / 10 for entity, rows in stored.items())

    assert {row["as_of_date"] for row in scores(office).values()} == {NEXT}
    history = office.rows("select as_of_date, count(*) as rows from bi.customer_scores_history group by 1 order by 1")
    assert [(row["as_of_date"], row["rows"]) for row in history] == [
        (AS_OF, len(tonight["customer_scores"])),
        (NEXT, summary.customers),
    ]
    of_last_night = (
        "select cast(to_jsonb(h) - 'run_id' as text) from bi.customer_scores_history as h where as_of_date = :d"
    )
    assert sorted(office.column(of_last_night, d=AS_OF)) == sorted(tonight["customer_scores"])
    origins = office.rows("select as_of_date, origin from ops.snapshots where is_current and as_of_date >= :d", d=AS_OF)
    assert sorted(map(tuple, (row.values() for row in origins))) == [(AS_OF, "captured"), (NEXT, "captured")]


def test_an_earlier_night_run_again_does_not_hide_the_latest(office: Office) -> None:
    office.nightly(NEXT)
    tonight = office.shown()
    office.nightly(AS_OF, now=night_of(NEXT) + timedelta(hours=1))
    assert office.shown() == tonight


# ---------------------------------------------------------------- figures that reconcile


def test_a_customer_is_scored_once_and_listed_once(published: Office) -> None:
    ids = published.column("select customer_id from bi.customer_scores")
    on_list = published.column("select customer_id from bi.at_risk_customers")
    assert len(ids) == len(set(ids)) > 0
    assert len(on_list) == len(set(on_list)) == LIST_SIZE
    assert set(on_list) <= set(ids)


def test_the_list_holds_those_who_may_be_contacted_by_what_that_is_expected_to_earn(published: Office) -> None:
    found, scored = listed(published), scores(published)
    refused = {
        row["customer_id"] for row in published.source_rows("select customer_id from customers where not contactable")
    }
    upset = set(published.column("select customer_id from bi.customer_scores where list_status = 'open severe ticket'"))
    assert upset
    # One offer for everybody: what it earns rises with the value at risk alone.
    by_value = sorted(
        (row for row in scored.values() if row["customer_id"] not in refused | upset),
        key=lambda row: (-row["value_at_risk"], -row["risk_score"], row["customer_id"]),
    )
    assert refused & scored.keys()
    assert [row["customer_id"] for row in found] == [row["customer_id"] for row in by_value[:LIST_SIZE]]
    assert [row["priority_rank"] for row in found] == list(range(1, LIST_SIZE + 1))


def test_about_the_configured_share_of_the_list_is_held_out(published: Office) -> None:
    arms = Counter(row["campaign_group"] for row in listed(published))
    expected = LIST_SIZE * HOLDOUT_SHARE
    spread = (expected * (1 - HOLDOUT_SHARE)) ** 0.5
    assert abs(arms[HOLDOUT] - expected) < 3 * spread
    assert sum(arms.values()) == LIST_SIZE


def test_segments_add_up_to_the_scores(published: Office) -> None:
    scored = scores(published).values()
    segments = published.rows("select * from bi.segments")
    assert sum(row["customers"] for row in segments) == len(scored)
    assert sum(row["share"] for row in segments) == pytest.approx(1)
    assert sum(row["mrr"] for row in segments) == sum(row["mrr"] for row in scored)
    for segment in segments:
        members = [row for row in scored if row["segment"] == segment["segment"]]
        assert len(members) == segment["customers"]
        assert abs(sum(row["clv"] for row in members) / len(members) - segment["avg_clv"]) <= CENT
        mean = sum(row["churn_probability"] for row in members) / len(members)
        assert segment["avg_churn_probability"] == pytest.approx(mean, abs=1e-12)
        assert 0 <= segment["realised_churn_rate"] <= 1


def test_value_at_risk_is_what_would_be_lost_times_how_likely(published: Office) -> None:
    for row in scores(published).values():
        # p (V^S - V^L) with clv = (1 - p) V^S + p V^L; who leaves within a month brings nothing more.
        assert abs(row["value_at_risk"] - (row["clv_if_retained"] - row["clv"])) <= 2 * CENT
        assert abs(row["value_at_risk"] - Decimal(row["churn_probability"]) * row["clv_if_retained"]) <= 2 * CENT
        assert 0 < row["clv"] < row["clv_if_retained"]


def test_percentiles_rank_the_risk_and_bands_cut_them(published: Office) -> None:
    ranked = sorted(scores(published).values(), key=lambda row: row["risk_score"])
    percentiles = [row["risk_percentile"] for row in ranked]
    assert percentiles == sorted(percentiles)
    assert percentiles[0] == 0
    assert percentiles[-1] == pytest.approx(100, abs=1)
    assert percentiles[-1] <= 100
    bands: dict[str, list[float]] = {"low": [], "medium": [], "high": []}
    for row in ranked:
        bands[row["risk_band"]].append(row["risk_percentile"])
    assert max(bands["low"]) < 70 <= min(bands["medium"])
    assert max(bands["medium"]) < 90 <= min(bands["high"])
    probabilities = [row["churn_probability"] for row in ranked]
    assert probabilities == sorted(probabilities)


# ---------------------------------------------------------------- without a model


def test_without_a_champion_the_list_is_ranked_by_recency(office: Office) -> None:
    office.change_warehouse("delete from ops.models where kind = 'churn'")
    summary = office.nightly(NEXT)
    assert summary.model_version == "recency-rule"
    assert any("churn train" in note for note in summary.notes)
    scored, found = scores(office), listed(office)
    assert {row["model_version"] for row in (*scored.values(), *found)} == {"recency-rule"}
    assert {row["churn_probability"] for row in (*scored.values(), *found)} == {None}
    assert {row["value_at_risk"] for row in (*scored.values(), *found)} == {None}
    recency = [scored[row["customer_id"]]["risk_score"] for row in found]
    assert recency == sorted(recency, reverse=True)
    assert recency[0] == max(row["risk_score"] for row in scored.values())
    assert {row["avg_churn_probability"] for row in office.rows("select * from bi.segments")} == {None}


# ---------------------------------------------------------------- a night that must not be published


def test_a_failed_check_leaves_the_old_night(
    office: Office, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = office.shown()

    def corrupting(connection: Any, night: scoring.ScoredNight, *, replace_list: bool) -> int:
        rows = scoring.assembly.assemble(connection, night, replace_list=replace_list)
        connection.exec_driver_sql(
            "update scores.customer_scores set churn_probability = 1.5 "
            f"where run_id = {night.run_id} and risk_percentile > 99"
        )
        return rows

    monkeypatch.setattr(scoring, "assemble", corrupting)
    office.tell(LATER)
    with pytest.raises(SystemExit) as stopped:
        main(["nightly", "--as-of", AS_OF.isoformat(), "--config", str(office.config)])
    assert stopped.value.code == ChecksFailedError.exit_code == 16
    message = capsys.readouterr().err.strip().splitlines()[-1]
    assert message.startswith("churn: Checks failed, nothing was published: customer_scores: ")
    assert "a value out of its range" in message
    assert office.shown() == before
    assert nights(office) == [(AS_OF, "succeeded", True, 0), (AS_OF, "failed", False, 16)]
    findings = office.rows("select * from bi.data_quality where status = 'failed' and severity = 'fail'")
    assert [(row["check_name"], row["severity"]) for row in findings] == [("customer_scores", "fail")]
    assert "Checks failed" in office.value("select error from bi.job_runs where status = 'failed'")

    monkeypatch.undo()
    office.nightly(now=LATER)
    assert office.shown() == before

"""Why customers may leave, as readers of `bi` see it: told of the right customers, true to the source, stable."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from tests.e2e.company import AS_OF, LIST_SIZE, ZONE, Office, night_of

LATER = night_of(AS_OF) + timedelta(hours=3)
NEXT = AS_OF + timedelta(days=1)
REASONS = ("reason_1", "reason_2", "reason_3")
WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def told(row: dict[str, Any]) -> list[str]:
    return [row[name] for name in REASONS if row[name] is not None]


def scores(office: Office) -> dict[str, dict[str, Any]]:
    return {row["customer_id"]: row for row in office.rows("select * from bi.customer_scores")}


def listed(office: Office) -> list[dict[str, Any]]:
    return office.rows("select * from bi.at_risk_customers order by priority_rank")


def reasons_like(office: Office, pattern: str) -> dict[str, re.Match[str]]:
    """The first match among each customer's reasons."""
    found: dict[str, re.Match[str]] = {}
    for customer, row in scores(office).items():
        for text in told(row):
            if match := re.search(pattern, text):
                found.setdefault(customer, match)
    return found


# ---------------------------------------------------------------- who is told what


def test_the_list_and_the_riskiest_tenth_have_reasons_and_nobody_else(published: Office) -> None:
    on_list = {row["customer_id"] for row in listed(published)}
    with_reason = {customer for customer, row in scores(published).items() if told(row)}
    wanted = {
        customer for customer, row in scores(published).items() if customer in on_list or row["risk_percentile"] >= 90
    }
    assert with_reason <= wanted
    assert len(with_reason) > 0.9 * len(wanted)


def test_the_list_tells_the_reasons_of_the_scores(published: Office) -> None:
    of_scores = scores(published)
    for row in listed(published):
        assert told(row) == told(of_scores[row["customer_id"]])


def test_reasons_are_plain_words_told_in_order_and_once(published: Office) -> None:
    for row in scores(published).values():
        assert [row[name] is None for name in REASONS] == sorted(row[name] is None for name in REASONS)
        texts = told(row)
        assert len(set(texts)) == len(texts)
        assert not any(re.search(r"_|\bnan\b|\binf\b|\bmrr\b", text) for text in texts)


# ---------------------------------------------------------------- true to the source


def test_days_without_use_are_those_of_the_source(published: Office) -> None:
    said = reasons_like(published, r"^nothing used for (\d+) days")
    assert len(said) >= 10
    last = {
        row["customer_id"]: row["last_day"]
        for row in published.source_rows(
            f"select customer_id, max(cast(occurred_at at time zone '{ZONE}' as date)) as last_day "
            f"from usage_events where cast(occurred_at at time zone '{ZONE}' as date) < :as_of group by customer_id",
            as_of=AS_OF,
        )
    }
    assert {one: int(match[1]) for one, match in said.items()} == {one: (AS_OF - last[one]).days for one in said}


def test_failed_payments_are_those_of_the_source(published: Office) -> None:
    said = reasons_like(published, r"^(\w+) payments? failed in the last (\d+) days$")
    assert said
    for customer, match in said.items():
        (found,) = published.source_rows(
            "select count(*) as failed from payments where customer_id = :customer and status = 'failed' "
            f"and cast(paid_at at time zone '{ZONE}' as date) >= :first "
            f"and cast(paid_at at time zone '{ZONE}' as date) < :as_of",
            customer=customer,
            first=AS_OF - timedelta(days=int(match[2])),
            as_of=AS_OF,
        )
        assert WORDS[found["failed"]] == match[1]


def test_a_fall_is_between_the_two_windows_of_the_source(published: Office) -> None:
    said = reasons_like(published, r"activity (?:fell|down) from ([\d,]+) to ([\d,]+) actions? in four weeks$")
    assert said
    for customer, match in said.items():
        (found,) = published.source_rows(
            "select count(*) filter (where day >= :middle) as now, count(*) filter (where day < :middle) as before "
            f"from (select cast(occurred_at at time zone '{ZONE}' as date) as day from usage_events "
            "where customer_id = :customer) as d where day >= :first and day < :as_of",
            customer=customer,
            first=AS_OF - timedelta(days=56),
            middle=AS_OF - timedelta(days=28),
            as_of=AS_OF,
        )
        assert (f"{found['before']:,}", f"{found['now']:,}") == (match[1], match[2])


# ---------------------------------------------------------------- drivers


def drivers(office: Office) -> dict[str, dict[str, dict[str, Any]]]:
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for row in office.rows("select * from bi.churn_drivers"):
        found.setdefault(row["segment"], {})[row["driver"]] = row
    return found


def test_drivers_are_told_for_all_and_for_each_segment(published: Office) -> None:
    by_segment = drivers(published)
    segments = published.rows("select segment, customers from bi.segments where customers > 0")
    assert set(by_segment) == {"all"} | {row["segment"] for row in segments}
    assert {"overall use", "renewal", "failed payments"} <= set(by_segment["all"])
    customers = {row["segment"]: row["customers"] for row in segments} | {"all": len(scores(published))}
    for segment, found in by_segment.items():
        for row in found.values():
            assert 0 <= row["customers_affected"] <= customers[segment]
            assert row["importance"] > 0
            assert row["direction"] in ("raises", "lowers", "mixed")
            assert f"Of {customers[segment]:,} customers" in row["description"]


def test_segments_add_up_to_all_customers(published: Office) -> None:
    by_segment = drivers(published)
    for driver, row in by_segment["all"].items():
        parts = sum(
            found[driver]["customers_affected"]
            for name, found in by_segment.items()
            if name != "all" and driver in found
        )
        assert row["customers_affected"] == pytest.approx(parts, abs=len(by_segment))


# ---------------------------------------------------------------- reruns, the cap, no model


def test_a_frozen_list_keeps_its_reasons(office: Office) -> None:
    before = listed(office)
    office.change_warehouse("update scores.at_risk_list set reason_1 = 'as it was told that morning'")
    office.nightly(now=LATER)
    assert {row["reason_1"] for row in listed(office)} == {"as it was told that morning"}
    of_scores = scores(office)
    assert [told(of_scores[row["customer_id"]]) for row in before] == [told(row) for row in before]


def test_under_a_small_cap_the_list_still_has_its_reasons(office: Office) -> None:
    office.configure(reasons__max_rows=LIST_SIZE + 20)
    before = listed(office)
    summary = office.nightly(now=LATER, replace_list=True)
    assert any("have no reasons: reasons.max_rows is 80." in note for note in summary.notes)
    after = listed(office)
    assert [row["customer_id"] for row in after] == [row["customer_id"] for row in before]
    kept = sum(bool(told(one)) == bool(told(other)) for one, other in zip(before, after, strict=True))
    assert kept > 0.9 * LIST_SIZE
    assert drivers(office)["all"]


def test_without_a_model_the_reason_is_silence_and_there_are_no_drivers(office: Office) -> None:
    office.change_warehouse("delete from ops.models where kind = 'churn'")
    office.nightly(NEXT)
    for row in listed(office):
        days = round(row_score(office, row["customer_id"]))
        assert told(row) == ([f"no activity for {days} days"] if days >= 7 else [])
    assert drivers(office) == {}


def row_score(office: Office, customer: str) -> float:
    return float(scores(office)[customer]["risk_score"])

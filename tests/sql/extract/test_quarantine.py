"""Rows that can't be used are put aside, each with its reason, and counted exactly."""

from __future__ import annotations

import pytest

from churn.errors import DataContractError
from churn.extract import QuarantineError

CASES = {
    "customers": (
        "(customer_id, signed_up_at)",
        {
            "customer_missing": "(null, '2026-01-01')",
            "customer_id_too_long": "(repeat('x', 201), '2026-01-01')",
            "time_missing": "('C', null)",
            "time_out_of_range": "('C', 'infinity')",
            "time_in_future": "('C', '2026-11-23 03:15:01+00')",
            "duplicate_key": "('A', '2025-01-02')",
        },
    ),
    "subscriptions": (
        "(subscription_id, customer_id, mrr, started_at, ended_at)",
        {
            "key_missing": "('', 'A', 1, '2026-01-01', null)",
            "key_too_long": "(repeat('x', 201), 'A', 1, '2026-01-01', null)",
            "customer_missing": "('s', null, 1, '2026-01-01', null)",
            "customer_id_too_long": "('s', repeat('x', 201), 1, '2026-01-01', null)",
            "customer_unknown": "('s', 'nobody', 1, '2026-01-01', null)",
            "time_missing": "('s', 'A', 1, null, null)",
            "time_out_of_range": "('s', 'A', 1, '1899-12-31 23:00+00', null)",
            "time_in_future": "('s', 'A', 1, '2026-11-24', null)",
            "ends_before_start": "('s', 'A', 1, '2026-01-02', '2026-01-01')",
            "mrr_missing": "('s', 'A', null, '2026-01-01', null)",
            "not_finite": "('s', 'A', 'NaN', '2026-01-01', null)",
        },
    ),
    "payments": (
        "(payment_id, customer_id, paid_at, amount, status)",
        {
            "key_missing": "(null, 'A', '2026-01-01', 1, 'paid')",
            "key_too_long": "(repeat('x', 201), 'A', '2026-01-01', 1, 'paid')",
            "customer_missing": "('p', '', '2026-01-01', 1, 'paid')",
            "customer_id_too_long": "('p', repeat('x', 201), '2026-01-01', 1, 'paid')",
            "customer_unknown": "('p', 'a', '2026-01-01', 1, 'paid')",
            "time_missing": "('p', 'A', null, 1, 'paid')",
            "time_out_of_range": "('p', 'A', '-infinity', 1, 'paid')",
            "time_in_future": "('p', 'A', '2026-11-24', 1, 'paid')",
            "amount_missing": "('p', 'A', '2026-01-01', null, 'paid')",
            "not_finite": "('p', 'A', '2026-01-01', '-Infinity', 'paid')",
            "status_unknown": "('p', 'A', '2026-01-01', 1, 'settled')",
        },
    ),
    "support_tickets": (
        "(ticket_id, customer_id, opened_at, closed_at, satisfaction)",
        {
            "key_missing": "(null, 'A', '2026-01-01', null, null)",
            "key_too_long": "(repeat('x', 201), 'A', '2026-01-01', null, null)",
            "customer_missing": "('t', null, '2026-01-01', null, null)",
            "customer_id_too_long": "('t', repeat('x', 201), '2026-01-01', null, null)",
            "customer_unknown": "('t', 'nobody', '2026-01-01', null, null)",
            "time_missing": "('t', 'A', null, null, null)",
            "time_out_of_range": "('t', 'A', 'infinity', null, null)",
            "time_in_future": "('t', 'A', '2026-11-24', null, null)",
            "ends_before_start": "('t', 'A', '2026-01-02', '2026-01-01', null)",
            "not_finite": "('t', 'A', '2026-01-01', null, 'Infinity')",
        },
    ),
    "usage_events": (
        "(event_id, customer_id, occurred_at, event_type, quantity)",
        {
            "customer_missing": "('e', null, '2026-01-01', 'login', 1)",
            "customer_id_too_long": "('e', repeat('x', 201), '2026-01-01', 'login', 1)",
            "customer_unknown": "('e', 'nobody', '2026-01-01', 'login', 1)",
            "time_missing": "('e', 'A', null, 'login', 1)",
            "time_out_of_range": "('e', 'A', '-infinity', 'login', 1)",
            "time_in_future": "('e', 'A', '2026-11-23 03:15:01+00', 'login', 1)",
            "event_type_missing": "('e', 'A', '2026-01-01', null, 1)",
            "event_type_too_long": "('e', 'A', '2026-01-01', repeat('x', 201), 1)",
            "not_finite": "('e', 'A', '2026-01-01', 'login', 'NaN')",
        },
    ),
}
GOOD = {
    "subscriptions": "('good', 'A', 1, '2026-11-23 03:15+00', '2027-01-01')",
    "payments": "('good', 'A', '2026-11-23 03:15+00', -1, ' Refunded ')",
    "support_tickets": "('good', 'B', '2026-11-23 03:15+00', '2027-01-01', 5)",
    "usage_events": "('good', 'A', '2026-11-23 03:15+00', 'login', null)",
}


@pytest.mark.parametrize("entity", list(CASES))
def test_each_bad_row_is_put_aside_with_its_reason_and_the_good_one_is_used(company, entity):
    columns, rows = CASES[entity]
    for row in rows.values():
        company.run(f"insert into {entity} {columns} values {row}")
    if entity in GOOD:
        company.run(f"insert into {entity} {columns} values {GOOD[entity]}")
    counts = company.extract().entities[entity]
    assert company.reasons(entity) == dict.fromkeys(rows, 1)
    assert counts.rows_quarantined == len(rows)
    assert counts.rows_used == (1 if entity in GOOD else 2)
    assert counts.rows_read == counts.rows_used + counts.rows_quarantined


def test_every_row_is_either_used_or_put_aside(company):
    for entity, (columns, rows) in CASES.items():
        for row in rows.values():
            company.run(f"insert into {entity} {columns} values {row}, {row}, {GOOD.get(entity, row)}")
    report = company.extract()
    for entity, counts in report.entities.items():
        assert counts.rows_read == counts.rows_used + counts.rows_quarantined
        assert counts.rows_quarantined == sum(company.reasons(entity).values())
        assert company.rows(
            f"select rows_read, rows_used, rows_quarantined from ops.extractions where entity = '{entity}'"
        ) == [(counts.rows_read, counts.rows_used, counts.rows_quarantined)]


@pytest.mark.parametrize("days", [0, 1], ids=["first", "incremental"])
def test_an_event_of_an_empty_type_is_put_aside_like_one_without_a_type(company, days):
    if days:
        company.extract()
    company.run(
        "insert into usage_events (customer_id, occurred_at, event_type) "
        "values ('A', '2026-11-20', ''), ('A', '2026-11-20', null), ('A', '2026-11-20', 'login')"
    )
    counts = company.extract(days).entities["usage_events"]
    assert company.reasons("usage_events") == {"event_type_missing": 2}
    assert (counts.rows_used, counts.late_rows) == (1, 0)
    assert company.rows("select event_type from staging.usage_daily") == [("login",)]


def test_a_late_event_of_an_empty_type_is_not_taken_for_one_that_staging_lacks(company):
    company.run("insert into usage_events (customer_id, occurred_at, event_type) values ('A', '2026-11-20', 'login')")
    company.extract()
    company.run("insert into usage_events (customer_id, occurred_at, event_type) values ('A', '2026-11-12', '')")
    assert company.extract(8).entities["usage_events"].late_rows == 0
    company.run("insert into usage_events (customer_id, occurred_at, event_type) values ('A', '2026-11-12', 'x')")
    assert company.extract(8).entities["usage_events"].late_rows == 1


def test_of_rows_with_one_key_the_latest_updated_is_kept(company):
    company.map_updates()
    company.run(
        "insert into payments values ('p', 'A', '2026-01-01', 1, 'failed', '2026-01-01'),"
        "('p', 'A', '2026-01-01', 1, 'paid', '2026-01-03'), ('p', 'A', '2026-01-01', 1, 'refunded', null),"
        "('p', 'nobody', '2026-01-01', 1, 'refunded', '2026-02-01')"
    )
    company.extract()
    assert company.rows("select status from staging.payments") == [("paid",)]
    assert company.reasons("payments") == {"duplicate_key": 2, "customer_unknown": 1}


def test_a_customer_with_two_rows_is_one_customer_who_keeps_an_objection_to_contact(company):
    company.run("insert into customers values ('A', '2025-01-01 10:00+00', false)")
    company.extract()
    assert company.rows("select contactable from staging.customers where customer_id = 'A'") == [(False,)]


def test_an_event_written_twice_counts_once_when_event_id_is_mapped(company):
    company.map(usage_events="select event_id, customer_id, occurred_at, event_type, quantity from usage_events")
    company.run(
        "insert into usage_events values ('1', 'A', '2026-11-01 10:00+00', 'login', 2),"
        "('1', 'A', '2026-11-01 10:00+00', 'login', 2), (null, 'A', '2026-11-01 11:00+00', 'login', 3),"
        "(null, 'A', '2026-11-01 11:00+00', 'login', 3), ('2', 'A', '2026-11-01 12:00+00', 'login', 'NaN')"
    )
    company.extract()
    assert company.rows("select events, quantity from staging.usage_daily") == [(3, 8)]
    assert company.reasons("usage_events") == {"duplicate_key": 1, "not_finite": 1}


def test_samples_are_up_to_five_keys(company):
    company.run(
        "insert into payments select 'p' || n, 'nobody', '2026-01-01', 1, 'paid' from generate_series(1, 9) as n"
    )
    company.extract()
    assert company.rows("select rows, samples from ops.quarantine") == [(9, ["p1", "p2", "p3", "p4", "p5"])]


def test_too_many_bad_rows_fail_the_run_and_leave_staging_as_it_was(company):
    company.extract()
    company.sections["extract"] = {"max_quarantined_share": 0.5}
    company.run("insert into customers values ('C', '2026-01-01', null)")
    company.run("insert into payments values ('p', 'A', '2026-01-01', 1, 'paid'), ('q', 'A', null, 1, 'paid')")
    company.extract(1)
    assert company.value("select count(*) from staging.payments") == 1
    company.run("insert into payments values ('r', 'A', null, 1, 'paid'), ('s', 'X', now(), 1, 'paid')")
    company.run("insert into customers values ('D', '2026-01-01', null), (null, '2026-01-01', null)")
    with pytest.raises(QuarantineError, match=r"3 of 4 rows of payments .* 2 time missing\.") as raised:
        company.extract(1)
    assert raised.value.exit_code == 12
    assert isinstance(raised.value, DataContractError)
    assert "payments.sql" in raised.value.hint
    assert "bi.data_quality" in raised.value.hint
    assert {(count.entity, count.reason, count.rows) for count in raised.value.quarantine} == {
        ("customers", "customer_missing", 1),
        ("payments", "time_missing", 2),
        ("payments", "customer_unknown", 1),
    }
    assert company.value("select count(*) from staging.customers") == 3
    assert company.value("select max(run_id) from ops.extractions") == 2


def test_one_bad_row_among_few_changed_ones_does_not_fail_the_run(company):
    company.sections["extract"] = {"max_quarantined_share": 0.1}
    company.map_updates()
    company.run(
        "insert into payments select 'p' || n, 'A', '2026-01-01', 1, 'paid', '2026-01-01' from generate_series(1, 20) n"
    )
    company.run("update payments set updated_at = '2026-02-01' where payment_id = 'p2'")
    company.extract()
    company.run("update payments set amount = null, updated_at = '2026-11-22' where payment_id = 'p1'")
    assert company.extract(1).entities["payments"].rows_read == 2
    assert company.reasons("payments") == {"amount_missing": 1}

"""A first load of a big entity goes on where it died, to the same end as one that didn't."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from churn.errors import DataContractError, SourceError, TransientError
from churn.extract import QuarantineError, estimates

DAYS, A_DAY = 386, 10
EVENTS = DAYS * A_DAY
FILL = f"""
insert into usage_events
select 'e' || n, case when n % 3 = 0 then 'B' else 'A' end,
    timestamptz '2025-11-01 00:30+00' + n * interval '{24 // A_DAY} hours 24 minutes', 'type' || n % 4, 1
from generate_series(0, {EVENTS - 1}) as n;
insert into payments
select 'p' || n, case when n % 3 = 0 then 'B' else 'A' end, timestamptz '2025-11-01 00:30+00' + n * interval '1 day',
    n, 'paid', timestamptz '2025-11-01 00:30+00' + n * interval '1 day'
from generate_series(0, {DAYS - 1}) as n;
insert into support_tickets
select 't' || n, 'A', timestamptz '2025-11-01 00:30+00' + n * interval '1 day', null, 'high', n % 5
from generate_series(0, {DAYS - 1}) as n;
"""
BAD = """
insert into usage_events values
    ('x', 'A', null, 'login', 1), ('x', 'A', '-infinity', 'login', 1), ('x', 'A', 'infinity', 'login', 1),
    ('x', 'A', '1890-01-01', 'login', 1), ('x', 'A', '2027-01-01', 'login', 1),
    ('x', 'A', '2026-02-01', 'login', 'NaN'), ('x', 'nobody', '2026-02-01', 'login', 1),
    ('x', 'A', '2026-02-01', null, 1), ('x', 'A', '2026-02-01', '', 1);
insert into payments values
    ('x1', 'A', null, 1, 'paid'), ('x2', 'A', '-infinity', 1, 'paid'), ('x3', 'A', '2027-01-01', 1, 'paid'),
    ('x4', 'nobody', '2026-02-01', 1, 'paid'), ('p7', 'A', '2025-11-08', 1, 'paid');
"""
INDEXES = """
create index on usage_events (occurred_at);
create index on payments (paid_at);
analyze;
"""
STAGED = {
    "usage_daily": "select k.customer_id, s.usage_date, s.event_type, s.events, s.quantity "
    "from staging.usage_daily as s inner join staging.customer_keys as k using (customer_key)",
    "payments": "select s.payment_id, k.customer_id, s.paid_at, s.amount, s.status, s.valid_from, s.valid_to "
    "from staging.payments as s inner join staging.customer_keys as k using (customer_key)",
    "support_tickets": "select s.ticket_id, k.customer_id, s.opened_at, s.valid_from, s.valid_to "
    "from staging.support_tickets as s inner join staging.customer_keys as k using (customer_key)",
}
PARTS = "select count(*), count(rows) from staging.load_parts where entity = 'usage_events'"


class DiedError(Exception):
    """Stands for whatever ends a process: nothing catches it."""


def dying_at(rows: float) -> Callable[[str, int], None]:
    """Die once so many rows of usage have come."""

    def progress(entity: str, so_far: int) -> None:
        if entity == "usage_events" and so_far >= rows:
            raise DiedError

    return progress


def staged(company: Any) -> dict[str, list[str]]:
    return {name: sorted(map(str, company.rows(query))) for name, query in STAGED.items()}


def load_tables(company: Any) -> list[str]:
    query = "select c.relname from pg_class as c where c.relname like 'load%' order by 1"
    return [row[0] for row in company.rows(query)]


def started_over(company: Any) -> None:
    """Forget all that was extracted, of this warehouse."""
    with company.warehouse.begin() as connection:
        connection.exec_driver_sql(
            "truncate staging.customers, staging.payments, staging.support_tickets, staging.usage_daily, "
            "staging.subscriptions, staging.customer_attributes, ops.watermarks, ops.extractions, ops.quarantine"
        )


@pytest.fixture
def big(company, monkeypatch):
    """A company whose usage is big, as far as extraction knows."""
    monkeypatch.setattr(estimates, "READ_IN_PARTS_FROM_ROWS", 1_000)
    company.run(FILL + BAD + INDEXES)
    return company


def died_at(company: Any, share: float) -> None:
    groups = len({(n % 3 == 0, n // A_DAY, n % 4) for n in range(EVENTS)})
    with pytest.raises(DiedError):
        company.extract(progress=dying_at(share * groups))


@pytest.mark.parametrize("kind", ["timestamptz", "timestamp", "date"])
def test_parts_make_the_same_of_every_row_as_one_look_at_all_of_them(company, monkeypatch, kind):
    company.sections["business"] = {"timezone": "America/New_York"}
    company.sections["source"] = {"timezone": "Asia/Tokyo"}
    company.run(FILL + BAD)
    for table, column in (("usage_events", "occurred_at"), ("payments", "paid_at"), ("support_tickets", "opened_at")):
        company.run(f"alter table {table} alter {column} type {kind}")
    company.run(INDEXES)
    at_once = company.extract().entities
    once, reasons = staged(company), {name: company.reasons(name) for name in at_once}
    started_over(company)
    monkeypatch.setattr(estimates, "READ_IN_PARTS_FROM_ROWS", 100)
    assert company.extract().entities == at_once
    assert staged(company) == once
    assert {name: company.reasons(name) for name in at_once} == reasons
    assert at_once["usage_events"].rows_read == EVENTS + 9
    assert load_tables(company) == []


def test_a_first_load_that_died_late_goes_on_without_reading_what_it_has(big):
    big.extract()
    undisturbed = staged(big)
    started_over(big)
    died_at(big, 0.9)
    (parts, had) = big.rows(PARTS)[0]
    assert parts >= 12
    assert had >= 0.9 * parts - 1
    assert big.value("select count(*) from staging.usage_daily") == 0
    # Whatever is read again of the months that are there shows, and so does the number of rows read.
    big.run("update usage_events set event_type = 'read again' where occurred_at < '2026-08-01'; analyze usage_events")
    before = rows_read(big, "usage_events")
    report = big.extract().entities["usage_events"]
    assert rows_read(big, "usage_events") - before < 0.3 * EVENTS
    assert staged(big) == undisturbed
    assert report.rows_read == EVENTS + 9
    assert load_tables(big) == []
    assert big.extract(1).entities["usage_events"].mode == "recent"


def rows_read(company: Any, table: str) -> int:
    """Rows of a source table that any session has fetched, once the sessions before have told."""
    time.sleep(0.5)
    with company.owner.begin() as connection:
        connection.exec_driver_sql("select pg_stat_force_next_flush()")
        return int(
            connection.exec_driver_sql(
                f"select seq_tup_read + coalesce(idx_tup_fetch, 0) from pg_stat_user_tables where relname = '{table}'"
            ).scalar_one()
        )


def test_what_is_edited_while_a_load_is_dead_is_right_in_the_end(big, monkeypatch):
    monkeypatch.setattr(estimates, "READ_IN_PARTS_FROM_ROWS", 300)
    big.map_updates()
    died_at(big, 0.95)
    big.run(
        # In the days that are read again: one event more, one less, one that differs.
        "insert into usage_events values ('late', 'B', '2026-11-16 10:00+00', 'late', 5);"
        "delete from usage_events where event_id = (select max(event_id) from usage_events where occurred_at::date = "
        "'2026-11-17');"
        "update usage_events set quantity = 70 where event_id = (select max(event_id) from usage_events where "
        "occurred_at::date = '2026-11-18');"
        # Payments of long ago, by their updated_at; one moves to another month; one comes late.
        "update payments set status = 'refunded', updated_at = '2026-11-22 04:00+00' where payment_id = 'p20';"
        "update payments set paid_at = '2026-11-20', updated_at = '2026-11-22 04:00+00' where payment_id = 'p21';"
        "update payments set paid_at = '2026-01-20', updated_at = '2026-11-22 04:00+00' where payment_id = 'p380';"
        "insert into payments values ('late', 'A', '2026-11-19', 3, 'paid', null)"
    )
    report = big.extract(0.1)
    found = staged(big), report.entities
    started_over(big)
    monkeypatch.setattr(estimates, "READ_IN_PARTS_FROM_ROWS", 10**9)
    report = big.extract()
    assert found == (staged(big), report.entities)
    assert big.value("select status from staging.payments where payment_id = 'p20'") == "refunded"


def test_a_cut_in_the_source_costs_no_more_than_the_part_it_hits(big):
    cut: list[int] = []

    def progress(entity: str, _rows: int) -> None:
        if entity == "usage_events" and not cut and big.rows(PARTS)[0][1] == 5:
            query = (
                "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database() "
                "and pid <> pg_backend_pid()"
            )
            with big.owner.begin() as connection:
                cut.append(connection.exec_driver_sql(query).scalar_one())

    with pytest.raises((TransientError, SourceError)):
        big.extract(progress=progress)
    assert cut[0] >= 1
    assert big.value("select count(*) from staging.customers") == 0
    (_, had) = big.rows(PARTS)[0]
    assert had >= 5
    big.run("update usage_events set event_type = 'read again' where occurred_at < '2026-02-01'")
    big.extract()
    assert big.value("select count(*) from staging.usage_daily where event_type = 'read again'") == 0
    assert big.value("select sum(events) from staging.usage_daily") == EVENTS


@pytest.mark.parametrize("change", ["mapping", "zone", "age", "clock", "server"])
def test_a_load_that_can_not_be_trusted_is_begun_anew(big, change):
    died_at(big, 0.5)
    big.run("update usage_events set event_type = 'read again'")
    if change == "mapping":
        big.map(usage_events="select customer_id, occurred_at, event_type, 2 as quantity from usage_events")
    elif change == "zone":
        big.sections["business"] = {"timezone": "America/New_York"}
    elif change == "server":  # a crash empties unlogged tables
        with big.warehouse.begin() as connection:
            connection.exec_driver_sql("truncate staging.load_parts, staging.load_usage_events")
    big.now += {"age": timedelta(days=7, seconds=1), "clock": -timedelta(days=1)}.get(change, timedelta(0))
    big.extract()
    assert big.value("select count(distinct event_type) from staging.usage_daily") == 1
    assert load_tables(big) == []


def test_a_load_that_nothing_goes_on_from_is_dropped(big):
    big.extract()
    big.map(usage_events="select customer_id, occurred_at, event_type, 2 as quantity from usage_events")
    died_at(big, 0.5)
    assert "load_usage_events" in load_tables(big)
    big.map(usage_events="select customer_id, occurred_at, event_type, quantity from usage_events")
    assert big.extract(1).entities["usage_events"].mode == "recent"
    assert load_tables(big) == []


def test_rows_that_were_refused_are_read_again_once_they_are_mended(big):
    big.sections["extract"] = {"max_quarantined_share": 0.1}
    big.run("update usage_events set customer_id = 'typo' where occurred_at < '2026-02-01'")
    with pytest.raises(QuarantineError):
        big.extract()
    big.run("update usage_events set customer_id = 'A' where customer_id = 'typo'")
    report = big.extract()
    assert report.entities["usage_events"].rows_used == EVENTS
    assert load_tables(big) == []


def test_a_source_that_can_not_find_a_month_is_looked_through_a_few_times_only(big):
    big.map(usage_events="select customer_id, occurred_at, event_type, quantity from usage_events offset 0")
    died_at(big, 0.6)
    (parts, had) = big.rows(PARTS)[0]
    assert (parts, had) == (estimates.SCANS, 2)
    big.run("update usage_events set event_type = 'read again' where occurred_at < '2026-03-01'")
    big.extract()
    assert big.value("select count(*) from staging.usage_daily where event_type = 'read again'") == 0
    assert big.value("select sum(events) from staging.usage_daily") == EVENTS


def died_after_the_parts(company: Any) -> None:
    """Read all parts, and fail at the customers."""
    select = "select customer_id, signed_up_at, contactable{} from customers"
    company.map(customers=select.format(", 1 / (length(customer_id) - 1) as sold"))
    with pytest.raises(DataContractError, match="division by zero"):
        company.extract()
    (parts, had) = company.rows(PARTS)[0]
    assert parts == had >= 4
    company.map(customers=select.format(""))


def test_a_source_that_lags_is_read_again_from_its_own_last_day(big):
    big.now += timedelta(days=60)
    big.run("delete from usage_events where occurred_at > '2026-12-01'")
    died_after_the_parts(big)
    big.run("insert into usage_events values ('late', 'B', '2026-11-15 10:00+00', 'late', 5)")
    big.extract()
    assert big.value("select events from staging.usage_daily where event_type = 'late'") == 1


def test_without_the_warehouse_everything_is_read_at_once(big):
    died_at(big, 0.5)
    report = big.extract(warehouse=None)
    assert report.entities["usage_events"].rows_used == EVENTS
    assert load_tables(big) == []


def test_a_failure_after_the_parts_leaves_them_for_the_next_extraction(big):
    died_after_the_parts(big)
    big.run("update usage_events set event_type = 'read again' where occurred_at < '2026-10-01'")
    big.extract()
    assert big.value("select count(*) from staging.usage_daily where event_type = 'read again'") == 0

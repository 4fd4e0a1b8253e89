"""Reading only what changed gives what reading everything gives, and late events are corrected or counted."""

from __future__ import annotations

import tracemalloc
from datetime import date

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from churn.errors import DataContractError
from churn.extract import describe_source, preview

EVENT = "insert into usage_events values ('e', 'A', '{}', 'login', 1)"


def test_late_events_within_late_days_correct_the_rollup_and_older_ones_are_counted(company):
    company.run(EVENT.format("2026-11-21 10:00+00"))
    company.run(EVENT.format("2026-11-01 10:00+00"))
    company.extract()
    company.run(EVENT.format("2026-11-14 00:00+00"))
    company.run(EVENT.format("2026-11-13 23:59+00"))
    company.run(EVENT.format("2026-11-01 10:00+00"))
    company.run("insert into usage_events values ('e', 'nobody', '2026-11-01', 'login', 1)")
    company.run("insert into usage_events values ('e', 'A', '2026-11-01', 'login', 'NaN')")
    company.run(EVENT.format("2020-11-01 10:00+00"))
    report = company.extract(1)
    assert report.entities["usage_events"].mode == "recent"
    assert report.entities["usage_events"].late_rows == 0
    staged = "select usage_date, events from staging.usage_daily order by usage_date"
    days = [(date(2026, 11, 1), 1), (date(2026, 11, 14), 1), (date(2026, 11, 21), 1)]
    assert company.rows(staged) == days
    report = company.extract(6)
    assert report.entities["usage_events"].mode == "recent and late"
    assert report.entities["usage_events"].late_rows == 2
    assert company.rows(staged) == days
    assert company.extract(1).entities["usage_events"].mode == "recent"
    assert company.extract(0, full=True).entities["usage_events"].rows_used == 6


def test_events_that_went_from_the_days_read_again_go_from_the_rollup(company):
    company.run(EVENT.format("2026-11-21 10:00+00"))
    company.run(EVENT.format("2026-11-10 10:00+00"))
    company.extract()
    company.run("delete from usage_events")
    report = company.extract(1)
    assert report.entities["usage_events"].rows_deleted == 1
    assert company.rows("select usage_date from staging.usage_daily") == [(date(2026, 11, 10),)]


def test_a_source_that_stood_still_is_read_from_its_own_last_day(company):
    company.run(EVENT.format("2026-11-01 10:00+00"))
    company.extract()
    company.run(EVENT.format("2026-11-02 10:00+00"))
    company.extract(3)
    assert company.value("select count(*) from staging.usage_daily") == 2


def test_by_updated_at_only_what_changed_is_read_and_once_a_week_everything(company):
    company.map_updates()
    company.run("update customers set updated_at = '2026-11-01'")
    company.run("update customers set updated_at = '2026-11-10' where customer_id = 'B'")
    assert company.extract().entities["customers"].mode == "full"
    company.run("delete from customers where customer_id = 'A'")
    company.run("insert into customers values ('C', '2026-11-22', null, '2026-11-22'), ('D', '2026-11-22', null, null)")
    report = company.extract(1)
    assert report.entities["customers"].mode == "changed"
    assert report.entities["customers"].rows_read == 3
    assert report.entities["customers"].rows_changed == 2
    current = "select customer_id from staging.customers where valid_to = '9999-12-31' order by customer_id"
    assert [row[0] for row in company.rows(current)] == ["A", "B", "C", "D"]
    report = company.extract(6)
    assert report.entities["customers"].mode == "full"
    assert report.entities["customers"].rows_deleted == 1
    assert [row[0] for row in company.rows(current)] == ["B", "C", "D"]


def test_a_future_updated_at_does_not_hide_later_changes(company):
    company.map_updates()
    company.run("update customers set updated_at = '2030-01-01'")
    company.extract()
    company.run("update customers set contactable = false, updated_at = '2026-11-22 12:00' where customer_id = 'B'")
    company.extract(1)
    assert company.value("select count(*) from staging.customers where contactable = false") == 1


EDITS = st.lists(
    st.tuples(
        st.sampled_from(["add", "edit", "delete", "late", "event", "bad"]),
        st.integers(0, 5),
        st.integers(1, 9),
        st.integers(0, 6),
    ),
    max_size=8,
)
STATE = (
    "select customer_id, signed_up_at, contactable, attributes from staging.customers where valid_to = '9999-12-31'",
    "select subscription_id, k.customer_id, plan, mrr, started_at, ended_at from staging.subscriptions "
    "join staging.customer_keys as k using (customer_key) where valid_to = '9999-12-31'",
    "select k.customer_id, usage_date, event_type, events, quantity from staging.usage_daily "
    "join staging.customer_keys as k using (customer_key)",
)


def apply(company, kind, row, value, ago):
    stamp = f"timestamp '{company.now:%Y-%m-%d %H:%M}' - interval '{ago} days'"
    company.run(
        {
            "add": f"insert into subscriptions values ('s{row}', 'A', 'p', {value}, '2026-01-01', null, 1, null, "
            f"'{company.now}') ; delete from subscriptions where ctid <> (select max(ctid) from subscriptions) "
            f"and subscription_id = 's{row}'",
            "edit": f"update subscriptions set mrr = {value}, updated_at = '{company.now}' "
            f"where subscription_id = 's{row}'",
            "delete": f"delete from subscriptions where subscription_id = 's{row}'",
            "late": f"insert into usage_events values ('e', 'A', {stamp}, 'type{row}', {value})",
            "event": f"insert into usage_events values ('e', 'B', '{company.now}', 'type{row}', {value})",
            "bad": f"insert into usage_events values ('e', 'nobody', {stamp}, 'type{row}', 'NaN')",
        }[kind]
    )


@settings(max_examples=5, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(nights=st.lists(EDITS, min_size=1, max_size=4))
def test_incremental_nights_give_what_a_full_reload_gives(company, nights):
    company.map_updates()
    for night in nights:
        for edit in night:
            apply(company, *edit)
        company.extract(1)
    company.extract(7)
    nightly = [sorted(company.rows(query), key=str) for query in STATE]
    with company.warehouse.begin() as connection:
        connection.execute(
            sa.text(
                "truncate staging.customers, staging.subscriptions, staging.payments, staging.support_tickets, "
                "staging.usage_daily, staging.customer_attributes, ops.watermarks, ops.extractions, ops.quarantine"
            )
        )
    company.extract()
    assert [sorted(company.rows(query), key=str) for query in STATE] == nightly


def test_a_failure_on_the_way_leaves_staging_as_it_was(company):
    company.run("insert into usage_events values ('e', 'A', '2026-11-20', 'login', 1)")
    company.extract()
    company.run("insert into customers values ('C', '2026-01-01', null)")
    company.run("create function broken() returns int language plpgsql as $$ begin return 1 / 0; end $$")
    company.map(usage_events="select customer_id, occurred_at, event_type, broken() as quantity from usage_events")
    with pytest.raises(DataContractError, match=r"source/usage_events.sql: .*division by zero") as raised:
        company.extract(1)
    assert raised.value.exit_code == 12
    company.map(usage_events="select customer_id, occurred_at, event_type from usage_events")
    with pytest.raises(KeyboardInterrupt), company.extracting():
        raise KeyboardInterrupt
    assert company.value("select count(*) from staging.customers") == 2
    assert company.value("select max(run_id) from ops.watermarks") == 1


def test_a_big_table_passes_through_in_little_memory(company):
    company.run(
        "insert into usage_events select 'e', 'A', timestamp '2026-01-01' + n * interval '1 minute', "
        "'type' || n % 500, 1 from generate_series(1, 300000) as n"
    )
    seen = []
    tracemalloc.start()
    report = company.extract(progress=lambda entity, rows: seen.append((entity, rows)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    groups = company.value("select count(*) from staging.usage_daily")
    assert report.entities["usage_events"].rows_used == 300_000
    assert groups > 100_000
    assert max(rows for entity, rows in seen if entity == "usage_events") == groups
    assert peak < 16 * 2**20


def test_a_preview_counts_what_would_be_read_and_writes_nothing(company):
    company.run(EVENT.format("2026-11-21 10:00+00"))
    company.run(EVENT.format("2026-11-21 11:00+00"))
    with company.warehouse.begin() as connection:
        found = preview(company.source, connection, company.settings, started_at=company.now)
    assert {one.entity: (one.mode, one.rows) for one in found} == {
        "customers": ("full", 2),
        "subscriptions": ("full", 0),
        "payments": ("full", 0),
        "support_tickets": ("full", 0),
        "usage_events": ("full", 2),
    }
    assert company.value("select count(*) from staging.customer_keys") == 0


def test_the_report_knows_the_first_and_last_day_of_the_data(company):
    company.run("insert into payments values ('p', 'A', '2024-12-31', 1, 'paid')")
    company.run(EVENT.format("2026-11-21 10:00+00"))
    report = company.extract()
    assert (report.first_date, report.last_date) == (date(2024, 12, 31), date(2026, 11, 21))


def test_doctor_says_whether_a_bound_reaches_the_table(company):
    company.map(
        support_tickets=None,
        payments="select payment_id, customer_id, paid_at, amount from payments",
        subscriptions="select distinct on (subscription_id) *, 1 as one from subscriptions",
    )
    found = {one.entity: one for one in describe_source(company.source, company.settings)}
    assert {name: one.status for name, one in found.items()} == {
        "customers": "ok",
        "subscriptions": "fail",
        "payments": "fail",
        "support_tickets": "absent",
        "usage_events": "ok",
    }
    columns = "customer_id, occurred_at, event_type"
    for hidden in (
        f"select {columns} from usage_events limit 1000000",
        f"select {columns}, count(*) over () as quantity from usage_events",
        "select customer_id, max(occurred_at) as occurred_at, event_type from usage_events group by 1, 3",
    ):
        company.map(usage_events=hidden)
        found = {one.entity: one for one in describe_source(company.source, company.settings)}
        assert found["usage_events"].status == "warn", hidden
    company.map(usage_events=f"select {columns} from usage_events union all select {columns} from usage_events")
    found = {one.entity: one for one in describe_source(company.source, company.settings)}
    assert found["usage_events"].status == "ok"

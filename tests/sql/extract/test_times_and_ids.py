"""Times land on the business's clock and ids survive, whatever the source's types."""

from __future__ import annotations

from datetime import date, datetime

import pytest

AMSTERDAM = {"business": {"timezone": "Europe/Amsterdam"}}
# In Amsterdam clocks go back at 2026-10-25 03:00 CEST and forward at 2026-03-29 02:00 CET.
COMMON = "create table customers (customer_id {}, signed_up_at {}); create table subscriptions (subscription_id {},"
TABLES = COMMON + " customer_id {}, mrr numeric, started_at {}, ended_at date);"
USAGE = "create table usage_events (customer_id {}, occurred_at {}, event_type text);"
SELECTS = {
    "customers": "select customer_id, signed_up_at from customers",
    "subscriptions": "select subscription_id, customer_id, mrr, started_at, ended_at from subscriptions",
    "usage_events": "select customer_id, occurred_at, event_type from usage_events",
}


def company_of(make_company, identity="text", time="timestamptz"):
    tables = (TABLES + USAGE).format(identity, time, identity, identity, time, identity, time)
    return make_company(tables, SELECTS)


@pytest.mark.parametrize(
    ("kind", "zone", "written", "expected"),
    [
        ("timestamptz", None, "2026-10-25 00:30+00", datetime(2026, 10, 25, 2, 30)),
        ("timestamptz", None, "2026-10-25 01:30+00", datetime(2026, 10, 25, 2, 30)),
        ("timestamptz", None, "2026-10-24 22:00+00", datetime(2026, 10, 25, 0, 0)),
        ("timestamptz", None, "2026-10-25 22:59:59.999999+00", datetime(2026, 10, 25, 23, 59, 59, 999999)),
        ("timestamptz", None, "2026-10-25 23:00+00", datetime(2026, 10, 26, 0, 0)),
        ("timestamp", None, "2026-03-29 02:30", datetime(2026, 3, 29, 2, 30)),
        ("timestamp", "UTC", "2026-03-29 00:59", datetime(2026, 3, 29, 1, 59)),
        ("timestamp", "UTC", "2026-03-29 01:00", datetime(2026, 3, 29, 3, 0)),
        ("timestamp", "America/New_York", "2026-03-28 19:30", datetime(2026, 3, 29, 0, 30)),
        ("date", "America/New_York", "2026-03-29", datetime(2026, 3, 29, 0, 0)),
    ],
)
def test_a_time_is_shown_on_the_businesss_clock(make_company, kind, zone, written, expected):
    company = company_of(make_company, time=kind)
    company.sections = AMSTERDAM | {"source": {"timezone": zone}}
    company.run(f"insert into customers values ('A', '{written}')")
    company.run(f"insert into usage_events values ('A', '{written}', 'login')")
    company.extract()
    assert company.rows("select signed_up_at, signed_up_date from staging.customers") == [(expected, expected.date())]
    assert company.rows("select usage_date from staging.usage_daily") == [(expected.date(),)]
    company.extract(1)
    assert company.value("select count(*) from staging.usage_daily") == 1


@pytest.mark.parametrize("kind", ["timestamptz", "timestamp", "date"])
def test_days_read_again_begin_at_the_businesss_midnight(make_company, kind):
    company = company_of(make_company, time=kind)
    company.sections = {"business": {"timezone": "America/New_York"}, "source": {"timezone": "Asia/Tokyo"}}
    company.run("insert into customers values ('A', '2020-01-01')")
    company.run(
        "insert into usage_events select 'A', t, 'login' "
        "from generate_series(timestamp '2026-10-20', timestamp '2026-11-20', interval '30 minutes') as t"
    )
    company.extract()
    staged = "select usage_date, events from staging.usage_daily order by usage_date"
    before = company.rows(staged)
    report = company.extract(1)
    assert report.entities["usage_events"].mode == "recent"
    assert report.entities["usage_events"].rows_changed == report.entities["usage_events"].rows_deleted == 0
    assert company.rows(staged) == before


def test_a_changed_zone_restages_usage_and_corrects_rows_in_place(make_company):
    company = company_of(make_company)
    company.run("insert into customers values ('A', '2026-01-01 23:30+00')")
    company.run("insert into usage_events values ('A', '2026-01-01 23:30+00', 'login')")
    company.extract()
    company.sections = AMSTERDAM
    company.extract(1)
    assert company.rows("select signed_up_date from staging.customers") == [(date(2026, 1, 2),)]
    assert company.rows("select usage_date from staging.usage_daily") == [(date(2026, 1, 2),)]


IDS = ["plain", "O'Neil", 'say "hi"', "tab\tnew\nline\r", "back\\slash \\N", "💡 émoji", "a,b;c", " ", "\\.", "%s :x"]


def test_quotes_emoji_and_line_breaks_in_ids_survive(make_company):
    company = company_of(make_company)
    for identity in IDS:
        company.run("insert into customers values (:i, '2026-01-01')", i=identity)
        company.run("insert into subscriptions values (:i, :i, 1, '2026-01-01', null)", i=identity)
        company.run("insert into usage_events values (:i, '2026-01-01', :i)", i=identity)
    report = company.extract()
    assert all(counts.rows_used == len(IDS) for counts in report.entities.values())
    joined = company.rows(
        "select k.customer_id, s.subscription_id, u.event_type from staging.customer_keys as k "
        "join staging.subscriptions as s using (customer_key) join staging.usage_daily as u using (customer_key)"
    )
    assert sorted(joined) == sorted((identity, identity, identity) for identity in IDS)


@pytest.mark.parametrize(
    ("kind", "written", "expected"),
    [
        ("bigint", "-42", "-42"),
        ("smallint", "7", "7"),
        ("uuid", "0F5E7C1A-0000-4000-8000-000000000001", "0f5e7c1a-0000-4000-8000-000000000001"),
        ("varchar(9)", "x y", "x y"),
        ("char(6)", "x y", "x y"),
    ],
)
def test_ids_of_any_type_are_text(make_company, kind, written, expected):
    company = company_of(make_company, identity=kind)
    company.run(f"insert into customers values ('{written}', '2026-01-01')")
    company.run(f"insert into subscriptions values ('{written}', '{written}', 1, '2026-01-01', null)")
    company.run(f"insert into usage_events values ('{written}', '2026-11-20', 'login')")
    report = company.extract()
    assert all(counts.rows_used == 1 for counts in report.entities.values())
    assert company.rows("select customer_id from staging.customer_keys") == [(expected,)]
    assert company.rows("select subscription_id from staging.subscriptions") == [(expected,)]


def test_a_source_with_its_own_encoding_and_date_style_reads_the_same(make_company):
    company = company_of(make_company, time="timestamp")
    name = company.owner.url.database
    company.run(
        f"alter database {name} set datestyle = 'SQL, DMY'; alter database {name} set client_encoding = 'LATIN1'"
    )
    company.source.dispose()
    company.run("set client_encoding = 'UTF8'; insert into customers values ('café', '2026-02-01')")
    company.extract()
    assert company.rows("select customer_id, signed_up_date from staging.customers") == [("café", date(2026, 2, 1))]

"""Edits, deletions and returns in the source become versions in staging; what did not change is not written."""

from __future__ import annotations

from datetime import date, datetime

from churn.schema import BEGINNING, FOREVER

SUBSCRIPTION = "insert into subscriptions values ('s', 'A', 'basic', {}, '2026-01-01', null, 1, null, {})"
VERSIONS = "select mrr, valid_from, valid_to from staging.subscriptions order by valid_from"


def test_an_edit_a_deletion_and_a_return_are_versions_one_after_the_other(company):
    company.run(SUBSCRIPTION.format(10, "null"))
    company.extract()
    company.run("update subscriptions set mrr = 20")
    assert company.extract(1).entities["subscriptions"].rows_changed == 1
    company.run("delete from subscriptions")
    assert company.extract(1).entities["subscriptions"].rows_deleted == 1
    company.run(SUBSCRIPTION.format(20, "null"))
    company.extract(3)
    assert company.rows(VERSIONS) == [
        (10, BEGINNING, datetime(2026, 11, 22, 3, 15)),
        (20, datetime(2026, 11, 22, 3, 15), datetime(2026, 11, 23, 3, 15)),
        (20, datetime(2026, 11, 26, 3, 15), FOREVER),
    ]


def test_a_version_holds_from_updated_at_where_that_lies_between_the_version_before_and_now(company):
    company.map_updates()
    company.run(SUBSCRIPTION.format(10, "'2026-11-20 10:00+00'"))
    company.extract()
    company.run("update subscriptions set mrr = 20, updated_at = '2026-11-23 01:00+00'")
    company.extract(1)
    company.run("update subscriptions set mrr = 30, updated_at = '2027-01-01'")
    company.extract(1)
    company.run("update subscriptions set mrr = 40, updated_at = '2026-11-23 00:30+00'")
    company.extract(1, full=True)
    company.run("update subscriptions set mrr = 50")
    company.extract(0, full=True)
    assert [(mrr, start) for mrr, start, _ in company.rows(VERSIONS)] == [
        (10, BEGINNING),
        (20, datetime(2026, 11, 23, 1, 0)),
        (30, datetime(2026, 11, 23, 3, 15)),
        (40, datetime(2026, 11, 24, 3, 15)),
        (50, datetime(2026, 11, 24, 3, 15, 0, 1)),
    ]
    ends = [end for *_, end in company.rows(VERSIONS)]
    assert ends == [*[start for _, start, _ in company.rows(VERSIONS)][1:], FOREVER]


def test_an_extraction_without_changes_writes_nothing(company):
    company.run(SUBSCRIPTION.format(10, "null"))
    company.run("insert into payments values ('p', 'A', '2026-01-01', 1, 'paid')")
    company.run("insert into usage_events values ('e', 'A', '2026-11-20', 'login', 1)")
    company.run("insert into support_tickets values ('t', 'A', '2026-01-01', null, 'P1', 3)")
    company.extract()
    tables = ("customers", "subscriptions", "payments", "support_tickets", "usage_daily", "customer_keys")
    written = [company.rows(f"select xmin, ctid from staging.{table}") for table in tables]
    report = company.extract(1)
    assert all(counts.rows_changed == counts.rows_deleted == 0 for counts in report.entities.values())
    assert all(counts.rows_read == counts.rows_used > 0 for counts in report.entities.values())
    assert [company.rows(f"select xmin, ctid from staging.{table}") for table in tables] == written


def test_a_row_that_can_no_longer_be_used_keeps_its_last_good_version(company):
    company.run(SUBSCRIPTION.format(10, "null"))
    company.extract()
    company.run("update subscriptions set mrr = null")
    report = company.extract(1)
    assert report.entities["subscriptions"].rows_quarantined == 1
    assert [(mrr, end) for mrr, _, end in company.rows(VERSIONS)] == [(10, FOREVER)]


def test_the_rows_of_a_deleted_customer_end_with_the_customer(company):
    company.run(SUBSCRIPTION.format(10, "null"))
    company.extract()
    company.run("delete from customers where customer_id = 'A'")
    report = company.extract(1)
    assert report.entities["customers"].rows_deleted == 1
    assert company.reasons("subscriptions") == {"customer_unknown": 1}
    assert [end for *_, end in company.rows(VERSIONS)] == [datetime(2026, 11, 22, 3, 15)]


def test_a_customer_key_is_given_in_the_order_of_ids_and_stays(company):
    company.extract()
    company.run("insert into customers values ('AA', '2025-01-01', null), ('0', '2025-01-01', null)")
    company.run("delete from customers where customer_id = 'A'")
    company.extract(1)
    company.run("insert into customers values ('A', '2025-01-01', null)")
    company.extract(1)
    keys = "select customer_id from staging.customer_keys order by customer_key"
    assert [row[0] for row in company.rows(keys)] == ["A", "B", "0", "AA"]
    current = "select count(*) from staging.customers where valid_to = '9999-12-31' and customer_key = 1"
    assert company.value(current) == 1


def test_attributes_hold_from_a_day_before_they_were_learned(company):
    company.run("alter table customers add country text, add size real, add vip bool, add note numeric")
    company.map(
        customers="select customer_id, signed_up_at, contactable, country, size, vip, note as score from customers"
    )
    company.run("update customers set country = 'NL', size = 'NaN', vip = true where customer_id = 'A'")
    company.run(
        "update customers set country = 'FR', size = 2.5, score = 0".replace("score", "note")
        + " where customer_id = 'B'"
    )
    report = company.extract()
    assert report.attributes == (
        ("country", "category"),
        ("size", "number"),
        ("vip", "category"),
        ("score", "number"),
    )
    company.run("update customers set country = 'BE', vip = null where customer_id = 'A'")
    company.extract(1)
    company.extract(1)
    first, second = datetime(2026, 11, 21, 3, 15), datetime(2026, 11, 22, 3, 15)
    rows = company.rows(
        "select customer_key, name, text_value, number_value, valid_from, valid_to "
        "from staging.customer_attributes order by customer_key, name, valid_from"
    )
    assert rows == [
        (1, "country", "NL", None, first, second),
        (1, "country", "BE", None, second, FOREVER),
        (1, "vip", "true", None, first, second),
        (2, "country", "FR", None, first, FOREVER),
        (2, "score", None, 0.0, first, FOREVER),
        (2, "size", None, 2.5, first, FOREVER),
    ]
    current = "select attributes from staging.customers where customer_key = 1 and valid_to = '9999-12-31'"
    assert company.value(current) == {"country": "BE"}
    company.run("delete from customers where customer_id = 'B'")
    company.extract(1)
    closed = "select count(*) from staging.customer_attributes where customer_key = 2 and valid_to = '9999-12-31'"
    assert company.value(closed) == 0


def test_a_changed_mapping_corrects_rows_in_place_and_makes_no_version(company):
    company.run(SUBSCRIPTION.format(120, "null"))
    company.extract()
    company.map(
        subscriptions="select subscription_id, customer_id, mrr / 12 as mrr, started_at, ended_at from subscriptions"
    )
    report = company.extract(1)
    assert report.entities["subscriptions"].mode == "full"
    assert report.entities["subscriptions"].rows_changed == 1
    assert company.rows(VERSIONS) == [(10, BEGINNING, FOREVER)]
    assert company.value("select columns from ops.watermarks where entity = 'subscriptions'") == [
        "subscription_id",
        "customer_id",
        "mrr",
        "started_at",
        "ended_at",
    ]


def test_an_entity_that_is_no_longer_mapped_keeps_its_rows_and_is_named(company):
    company.run("insert into payments values ('p', 'A', '2026-01-01', 1, 'paid')")
    company.extract()
    company.map(payments=None)
    report = company.extract(1)
    assert "payments" not in report.entities
    assert report.no_longer_mapped == ("payments",)
    assert company.value("select count(*) from staging.payments") == 1


def test_an_end_without_an_end_is_open(company):
    company.run(
        "insert into subscriptions values ('s', 'A', null, 1, '2026-01-01', 'infinity', 0, 'infinity'),"
        "('t', 'A', null, 1, '2026-01-01', '9999-12-31', 12, '2026-03-01'),"
        "('u', 'A', null, 1, '2026-01-01', '2027-01-01', 12, '2026-03-01')"
    )
    company.extract()
    query = "select ended_date, billing_months, discount_until from staging.subscriptions order by subscription_id"
    assert company.rows(query) == [
        (None, None, None),
        (None, 12, date(2026, 3, 1)),
        (date(2027, 1, 1), 12, date(2026, 3, 1)),
    ]


def test_severe_is_what_the_template_lists(company):
    company.run(
        "insert into support_tickets select s, 'A', '2026-01-01', null, s, null "
        "from unnest(array['high', 'URGENT ', 'Critical', 'p1', '1', 'sev1', 'low', '2', 'highest']) as s"
    )
    company.extract()
    rows = company.rows("select severity from staging.support_tickets where is_severe")
    assert {row[0] for row in rows} == {"high", "URGENT ", "Critical", "p1", "1", "sev1"}

"""A table that was emptied by mistake is no business event: the extraction refuses, and staging stays."""

from __future__ import annotations

import pytest

from churn.errors import DataContractError

PAYMENTS = "insert into payments select n, 'A', timestamp '2026-01-01' + n * interval '1 hour', 5, 'paid', null {}"
EVENTS = "insert into usage_events select n, 'A', timestamp '2026-11-15' + n * interval '1 hour', 'e' || n, 1 {}"
NUMBERS = "from generate_series(1, 150) as n"


@pytest.mark.parametrize("kept", [0, 50])
def test_payments_that_vanish_at_once_stop_the_extraction(company, kept):
    company.run(PAYMENTS.format(NUMBERS))
    company.extract()
    company.run(f"delete from payments where cast(payment_id as integer) > {kept}")
    with pytest.raises(DataContractError, match=r"rows of payments have vanished .*max_deleted_share = 0.3") as caught:
        company.extract(1)
    assert caught.value.exit_code == 12
    assert "payments.sql" in caught.value.hint
    assert company.value("select count(*) from staging.payments where valid_to = '9999-12-31'") == 150


def test_payments_that_vanish_are_noticed_the_same_night_where_changes_are_read_by_updated_at(company):
    company.map_updates()
    company.run(PAYMENTS.format(NUMBERS).replace("null", "timestamp '2026-11-01'"))
    company.extract()
    assert company.extract(1).entities["payments"].mode == "changed"
    company.run("delete from payments where cast(payment_id as integer) > 50")
    with pytest.raises(DataContractError, match=r"rows of payments have vanished .*max_deleted_share = 0.3"):
        company.extract(2)
    company.sections["extract"] = {"max_deleted_share": 1.0}
    counts = company.extract().entities["payments"]
    assert (counts.mode, counts.rows_deleted) == ("full", 100)
    assert company.extract(1).entities["payments"].mode == "changed"


def test_usage_that_vanishes_from_the_days_read_again_stops_the_extraction(company):
    company.run(EVENTS.format(NUMBERS))
    company.extract()
    company.run("delete from usage_events")
    with pytest.raises(DataContractError, match="rows of usage_events have vanished"):
        company.extract(1)
    assert company.value("select count(*) from staging.usage_daily") == 150


def test_a_few_deletions_are_business_and_many_are_when_the_config_says_so(company):
    company.run(PAYMENTS.format(NUMBERS))
    company.extract()
    company.run("delete from payments where cast(payment_id as integer) <= 40")
    assert company.extract(1).entities["payments"].rows_deleted == 40
    company.run("delete from payments")
    company.sections["extract"] = {"max_deleted_share": 1.0}
    assert company.extract(1).entities["payments"].rows_deleted == 110

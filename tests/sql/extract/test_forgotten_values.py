"""A forgotten customer does not come back as an attribute of another one."""

from __future__ import annotations

from typing import cast

import pytest

from churn.extract import QuarantineError
from churn.extract.forgotten import empty_forgotten_values
from churn.forgetting.traces import Traces
from churn.sqlfiles import read_sql
from churn.tombstones import Tombstones
from tests.sql.extract.conftest import SELECTS
from tests.sql.extract.test_forgotten import Counting, forget, mentions


@pytest.fixture
def referred(company):
    """A and B were recommended: by whom says an attribute."""
    company.run("alter table customers add referred_by text, add note text, add tier text, add cash int")
    company.run(
        "update customers set referred_by = 'CUST-77', note = 'friend of CUST-78, at night', tier = '7', cash = 10427;"
        "update customers set referred_by = 'CUST-77-EU', note = '10427' where customer_id = 'B'"
    )
    more = ", referred_by, note, tier, cash from"
    company.map(customers=SELECTS["customers"].replace(" from", more))
    return company


def attributes(company):
    return dict(company.rows("select customer_id, attributes from staging.customers where valid_to = '9999-12-31'"))


def test_values_that_name_a_forgotten_customer_are_empty(referred):
    forget(referred, "CUST-77", "CUST-78", "10427", "7")
    counts = referred.extract().entities["customers"]
    assert attributes(referred) == {
        "A": {"tier": "7", "cash": 10427},
        "B": {"referred_by": "CUST-77-EU", "tier": "7", "cash": 10427},
    }
    assert (counts.rows_used, counts.rows_forgotten) == (2, 0)
    assert mentions(referred, "CUST-78") == []


def test_what_was_emptied_makes_no_new_version(referred):
    forget(referred, "CUST-77")
    referred.extract()
    assert referred.extract(1).entities["customers"].rows_changed == 0


@pytest.mark.parametrize("customer_id", ["CUST-77", "CUST-78", "10427"])
def test_what_forgetting_emptied_makes_no_new_version(referred, customer_id):
    referred.extract()
    traces = Traces(customer_id, None)
    needles = {"needle": customer_id, "json_needle": traces.json_id, "pattern": traces.value_pattern}
    with referred.warehouse.begin() as connection:
        done = connection.execute(read_sql("forget/attributes.sql").statement, needles).one()
    assert tuple(done) == (1, 1)
    forget(referred, customer_id)
    assert referred.extract(1).entities["customers"].rows_changed == 0


def test_no_error_names_whom_it_counts(company):
    company.sections["extract"] = {"max_quarantined_share": 0}
    company.run("insert into customers values ('10427', '2025-01-01', true)")
    company.run("insert into usage_events values ('e', '10427', '2026-11-20', 'login', 'NaN')")
    with pytest.raises(QuarantineError, match="1 of 1 rows of usage_events") as raised:
        company.extract()
    assert raised.value.quarantine[0].samples == ("10427 2026-11-20 login",)
    assert "10427" not in str(raised.value) + raised.value.hint


def test_nobody_forgotten_changes_nothing(referred):
    referred.extract()
    assert attributes(referred)["A"]["referred_by"] == "CUST-77"


class CountingValues(Counting):
    """Remembers how many values it was asked about at a time."""

    def naming(self, values):
        return self.forgotten(values)


def test_values_are_looked_at_a_few_thousand_at_a_time(warehouse):
    counting = CountingValues()
    with warehouse.begin() as connection:
        connection.exec_driver_sql(
            "create temporary table load_customers on commit drop as "
            "select jsonb_build_object('a', cast(mod(n, 20000) as text), 'b', n) as attributes "
            "from generate_series(1, 40000) as n"
        )
        assert empty_forgotten_values(connection, cast(Tombstones, counting)) == 400
    assert sum(counting.asked) == 20_000
    assert max(counting.asked) <= 5_000

"""A forgotten customer does not come back: the rows count as read and as nothing else."""

from __future__ import annotations

from typing import Any, cast

import pytest
import sqlalchemy as sa

from churn.errors import ConfigError, DataContractError
from churn.extract import estimates
from churn.extract.forgotten import find_forgotten
from churn.tombstones import ForgetKey, Tombstones
from tests.sql.extract.test_parts import INDEXES, died_at

KEY = "0123456789abcdef0123456789abcdef"
ROWS = """
insert into customers values ('gone', '2025-01-01 10:00+00', true), ('gone', '2025-01-01 10:00+00', true);
insert into subscriptions values ('s1', 'gone', 'p', 1, '2026-01-01'), ('s2', 'gone', 'p', null, '2026-01-01'),
    ('s3', 'A', 'p', 1, '2026-01-01');
insert into payments values ('p1', 'gone', '2026-01-01', 1, 'paid'), ('p2', 'gone', null, 1, 'paid'),
    ('p3', 'A', '2026-01-01', 1, 'paid'), ('p4', 'A', null, 1, 'paid');
insert into support_tickets values ('t1', 'gone', '2026-01-01');
insert into usage_events values ('e1', 'gone', '2026-11-20', 'login', 1), ('e2', 'gone', '2026-11-20', 'login', 1),
    ('e3', 'gone', null, 'login', 1), ('e4', 'A', '2026-11-20', 'login', 1);
"""


def forget(company: Any, *ids: str) -> None:
    """Put the tombstones there that `churn forget` leaves."""
    key = ForgetKey(KEY.encode())
    company.sections["forget"] = {"key": KEY}
    with company.warehouse.begin() as connection:
        for customer_id in ids:
            connection.execute(
                sa.text(
                    "insert into ops.tombstones (digest, forgotten_at, run_id, rows, key_mark) "
                    "values (:digest, '2026-01-01', 1, '{}', :mark)"
                ),
                {"digest": key.digest(customer_id), "mark": key.mark},
            )


def mentions(company: Any, word: str) -> list[str]:
    """Tables of the warehouse with a row in which a word stands."""
    tables = company.rows(
        "select format('%I.%I', n.nspname, c.relname) from pg_class as c inner join pg_namespace as n "
        "on c.relnamespace = n.oid where n.nspname in ('staging', 'ops', 'scores') and c.relkind in ('r', 'p')"
    )
    said = "select count(*) from {} as t where cast(t.* as text) like '%{}%'"
    return [name for (name,) in tables if company.value(said.format(name, word))]


@pytest.mark.parametrize("days", [0, 1], ids=["first", "incremental"])
def test_rows_of_a_forgotten_customer_are_read_and_left_out(company, days):
    if days:
        company.extract()
    forget(company, "gone")
    company.run(ROWS)
    counts = company.extract(days).entities
    figures = {
        name: (one.rows_read, one.rows_used, one.rows_quarantined, one.rows_forgotten) for name, one in counts.items()
    }
    # A night that reads the last days alone does not meet events without a time.
    usage = (3, 1, 0, 2) if days and counts["usage_events"].mode == "recent" else (4, 1, 0, 3)
    assert figures == {
        "customers": (4, 2, 0, 2),
        "subscriptions": (3, 1, 0, 2),
        "payments": (4, 1, 1, 2),
        "support_tickets": (1, 0, 0, 1),
        "usage_events": usage,
    }
    told = f"select entity, rows_forgotten from ops.extractions where run_id = {company.runs} order by entity"
    assert dict(company.rows(told)) == {name: figure[3] for name, figure in figures.items()}
    assert mentions(company, "gone") == []


def test_parts_that_wait_for_the_next_extraction_hold_nothing_of_a_forgotten_customer(company, monkeypatch):
    monkeypatch.setattr(estimates, "READ_IN_PARTS_FROM_ROWS", 100)
    company.run(
        "insert into usage_events select 'e' || n, case when n % 4 = 0 then 'gone' else 'A' end, "
        "timestamptz '2025-11-01 12:00+00' + n * interval '8 hours', 'type' || n % 4, 1 from generate_series(0, 1157) n"
    )
    company.run(INDEXES)
    forget(company, "gone")
    died_at(company, 0.2)
    assert company.value("select count(*) from staging.load_usage_events") > 100
    assert mentions(company, "gone") == []
    counts = company.extract().entities["usage_events"]
    assert (counts.rows_read, counts.rows_used, counts.rows_quarantined) == (1158, 868, 0)
    assert counts.rows_forgotten == 290
    assert mentions(company, "gone") == []


def test_rows_of_a_forgotten_customer_that_are_touched_between_parts_count_once(company, monkeypatch):
    monkeypatch.setattr(estimates, "READ_IN_PARTS_FROM_ROWS", 100)
    company.map_updates()
    company.run(
        "insert into payments select 'paid-' || n, case when n % 4 = 0 then 'gone' else 'A' end, "
        "timestamptz '2025-11-01 12:00+00' + n * interval '1 day', n, 'paid', timestamptz '2025-11-01 12:00+00' "
        "from generate_series(0, 369) as n"
    )
    company.run(INDEXES)
    forget(company, "gone")
    select = "select customer_id, signed_up_at, contactable{} from customers"
    company.map(customers=select.format(", 1 / (length(customer_id) - 1) as sold"))
    with pytest.raises(DataContractError, match="division by zero"):
        company.extract()
    assert company.value("select count(*) from staging.load_payments") == 370
    assert mentions(company, "gone") == []
    assert company.value("select count(*) from staging.load_payments where payment_id = 'paid-40'") == 0
    company.map(customers=select.format(""))
    company.run(
        # Two of the forgotten customer's are touched, one of which moves to another day, and one of another's.
        "update payments set updated_at = '2026-11-22 04:00+00' where payment_id in ('paid-40', 'paid-41');"
        "update payments set updated_at = '2026-11-22 04:00+00', paid_at = '2026-02-01' where payment_id = 'paid-80';"
        "insert into payments values ('new', 'gone', '2026-02-01', 1, 'paid', '2026-11-22 04:00+00')"
    )
    counts = company.extract().entities["payments"]
    assert (counts.rows_read, counts.rows_used, counts.rows_forgotten) == (371, 277, 94)


def test_without_the_key_nothing_is_extracted(company):
    forget(company, "gone")
    company.sections["forget"] = {}
    with pytest.raises(ConfigError, match="forgotten"):
        company.extract()


class Counting:
    """Remembers how many ids it was asked about at a time."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def forgotten(self, ids: Any) -> list[str]:
        asked = list(ids)
        self.asked.append(len(asked))
        return [one for one in asked if one.endswith("77")]


def test_ids_are_looked_at_a_few_thousand_at_a_time(warehouse):
    counting = Counting()
    with warehouse.begin() as connection:
        connection.exec_driver_sql(
            "create temporary table load_payments on commit drop as "
            "select cast(mod(n, 20000) as text) as customer_id from generate_series(1, 40000) as n"
        )
        find_forgotten(connection, cast(Tombstones, counting), "payments")
        found = connection.exec_driver_sql("select count(*) from forgotten_customers").scalar_one()
    assert sum(counting.asked) == 20_000
    assert max(counting.asked) <= 5_000
    assert found == 200

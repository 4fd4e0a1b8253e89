"""A mapping that breaks the contract is refused with the file, the reason and the mend; nothing is written."""

from __future__ import annotations

import pytest

from churn.errors import DataContractError, SourceError
from churn.extract import describe_source, extract
from churn.warehouse import open_database

SUBSCRIPTIONS = "select subscription_id, customer_id, mrr, started_at, ended_at from subscriptions"
WRONG = {
    "missing table": ("subscriptions", "select 1 from orders", ["orders", "source/subscriptions.sql"]),
    "missing column": ("subscriptions", "select price from subscriptions", ["price", "subscriptions.sql"]),
    "syntax": ("subscriptions", "select from where", ["syntax error", "subscriptions.sql"]),
    "contract column": ("subscriptions", "select subscription_id from subscriptions", ["lacks customer_id, mrr"]),
    "wrong type": (
        "subscriptions",
        "select subscription_id, customer_id, cast(mrr as text) as mrr, started_at, ended_at from subscriptions",
        ["subscriptions.mrr is text", "cast(mrr as numeric)"],
    ),
    "misspelt": (
        "subscriptions",
        f"{SUBSCRIPTIONS.replace(' from', ', plan as plann from')}",
        ["knows no column plann", "did you mean plan?"],
    ),
    "twice": ("customers", "select *, signed_up_at from customers", ["signed_up_at more than once"]),
    "attribute date": (
        "customers",
        "select customer_id, signed_up_at, current_date as born from customers",
        ["attribute born is date", "age in days"],
    ),
    "attribute json": ("customers", "select customer_id, signed_up_at, jsonb '1' as j from customers", ["j is jsonb"]),
    "attribute name": ("customers", 'select customer_id, signed_up_at, 1 as "Size" from customers', ['"Size"']),
    "statements": ("customers", "select 1; select 2", ["several statements"]),
    "write": ("customers", "-- hello\ndelete from customers", ["begins with DELETE"]),
    "hidden write": ("customers", "with d as (delete from customers returning 1) select 1", ["customers.sql"]),
    "empty": ("customers", "-- nothing\n", ["holds no statement"]),
}


def test_a_wrong_mapping_is_refused_with_its_file_and_the_mend(company):
    good = {name: (company.folder / "source" / f"{name}.sql").read_text() for name in ("customers", "subscriptions")}
    for name, (entity, select, words) in WRONG.items():
        company.map(**{entity: select})
        with pytest.raises(DataContractError) as raised:
            company.extract()
        assert raised.value.exit_code == 12
        assert all(word in str(raised.value) for word in words), (name, str(raised.value))
        assert raised.value.hint
        company.map(**good)
    assert company.extract().entities["customers"].rows_used == 2


def test_a_missing_required_mapping_is_refused_and_depends_on_the_definition(company):
    company.map(subscriptions=None)
    with pytest.raises(DataContractError, match=r"subscriptions.sql.*churn init"):
        company.extract()
    assert describe_source(company.source, company.settings)[0].status == "fail"
    company.sections["churn"] = {"definition": "inactivity"}
    assert "subscriptions" not in company.extract().entities
    company.sections["source"] = {"sql_dir": str(company.folder / "elsewhere")}
    with pytest.raises(DataContractError, match=r"elsewhere/customers.sql.*churn init"):
        company.extract(1)


def test_a_select_may_hold_comments_semicolons_colons_and_percent_signs(company):
    company.map(
        customers="/* ; */ with c as (select *, ';' as \"semi;colon\" from customers)\n"
        "select customer_id, signed_up_at::timestamptz, ':x %s %%' || $q$;$q$ as note, '12:30:00' as at_ from c "
        "where customer_id like '%' -- all; of them\n;\n-- the end"
    )
    company.extract()
    notes = "select distinct text_value from staging.customer_attributes order by 1"
    assert [row[0] for row in company.rows(notes)] == ["12:30:00", ":x %s %%;"]


def test_enumerations_domains_and_many_attributes_are_accepted(company):
    many = ", ".join(f"{n} as number_{n}" for n in range(90))
    company.run("create type tier as enum ('gold'); create domain cash as numeric check (value >= 0)")
    company.map(
        customers=f"select customer_id, signed_up_at, 'gold'::tier as tier, 5::cash as cash, {many} from customers"
    )
    report = company.extract()
    assert len(report.attributes) == 92
    assert report.attributes[:2] == (("tier", "category"), ("cash", "number"))
    assert company.value("select count(*) from staging.customer_attributes") == 2 * 92


def test_an_empty_optional_entity_is_fine(company):
    report = company.extract()
    assert report.entities["usage_events"].rows_read == 0
    assert company.extract(1).entities["usage_events"].mode == "full"


def test_an_unreachable_source_is_a_source_error(company, server_home):
    source = open_database("postgresql://nobody@127.0.0.1:9/none", "source")
    with pytest.raises(SourceError, match="can't be reached"), company.warehouse.begin() as connection:
        extract(source, connection, company.settings, run_id=1, started_at=company.now, progress=lambda _e, _r: None)


def test_a_mapping_that_would_write_is_stopped_by_the_session(company):
    company.run(
        "create function sneak() returns text language plpgsql as $$ begin delete from customers; return 'x'; end $$"
    )
    company.map(customers="select customer_id, signed_up_at, sneak() as x from customers")
    with pytest.raises(DataContractError, match="read-only"):
        company.extract()

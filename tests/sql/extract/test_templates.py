"""The templates that `churn init` writes work as they are, and with their commented lines, on tables of those names."""

from __future__ import annotations

from churn.extract import describe_source
from churn.sqlfiles import resource_folder

TABLES = """
create table customers (customer_id uuid, signed_up_at date, country text, employees int, contactable bool,
    updated_at timestamp);
create table subscriptions (subscription_id int, customer_id uuid, plan text, mrr numeric, started_at date,
    ended_at date, billing_months int, discount_until date, currency text, updated_at timestamp);
create table payments (payment_id int, customer_id uuid, paid_at timestamp, amount numeric, status text,
    currency text, updated_at timestamp);
create table usage_events (event_id int, customer_id uuid, occurred_at timestamp, event_type text, quantity int);
create table support_tickets (ticket_id int, customer_id uuid, opened_at timestamp, closed_at timestamp,
    severity int, satisfaction int, updated_at timestamp);
"""


def test_the_templates_fit_tables_of_those_names_with_and_without_the_optional_lines(make_company):
    folder = resource_folder("sql") / "source"
    templates = {file.stem: file.read_text(encoding="utf-8") for file in folder.glob("*.sql")}
    company = make_company(TABLES, templates)
    assert {one.status for one in describe_source(company.source, company.settings)} == {"ok"}
    assert len(company.extract().entities) == 5
    company.map(**{name: text.replace("    -- ", "    ") for name, text in templates.items()})
    assert {one.status for one in describe_source(company.source, company.settings)} == {"ok"}
    report = company.extract(1)
    assert report.attributes == (("country", "category"), ("employees", "number"))
    assert "event_id" in report.columns["usage_events"]

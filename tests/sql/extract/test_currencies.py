"""One currency a run: rows in another one stop it before staging is touched."""

from __future__ import annotations

import pytest

from churn.errors import DataContractError
from tests.sql.extract.conftest import SELECTS

EUR = {"currency": "EUR"}
WITH_CURRENCY = {name: SELECTS[name].replace(" from ", ", currency from ") for name in ("payments", "subscriptions")}
PAYMENT = "insert into payments (payment_id, customer_id, paid_at, amount, status, currency) values "
SUBSCRIPTION = "insert into subscriptions (subscription_id, customer_id, mrr, started_at, currency) values "


def test_a_row_in_another_currency_stops_the_run_and_what_was_staged_stays(company):
    company.sections["business"] = EUR
    company.map(**WITH_CURRENCY)
    company.run(PAYMENT + "('p', 'A', '2026-01-01', 10, 'paid', 'EUR')")
    company.extract()
    company.run(
        PAYMENT + "('q', 'A', '2026-01-02', 1, 'paid', 'USD'), ('r', 'A', '2026-01-02', 1, 'failed', 'usd '), "
        "('s', 'B', '2026-01-03', 1, 'paid', 'GBP'), ('t', 'A', '2026-01-04', 1, 'paid', 'EUR')"
    )
    with pytest.raises(DataContractError, match=r"others: GBP \(1 row\), USD \(2 rows\)") as refused:
        company.extract(1)
    assert refused.value.exit_code == 12
    assert "convert" in refused.value.hint
    assert company.rows("select payment_id from staging.payments") == [("p",)]


def test_subscriptions_are_held_to_the_same_currency(company):
    company.sections["business"] = EUR
    company.map(**WITH_CURRENCY)
    company.run(SUBSCRIPTION + "('s', 'A', 10, '2026-01-01', 'CHF')")
    with pytest.raises(DataContractError, match=r"source/subscriptions.sql: .* CHF \(1 row\)"):
        company.extract()


def test_null_empty_and_lower_case_count_as_the_business_currency(company):
    company.sections["business"] = EUR
    company.map(**WITH_CURRENCY)
    company.run(
        PAYMENT + "('p', 'A', '2026-01-01', 1, 'paid', null), ('q', 'A', '2026-01-02', 1, 'paid', ' '), "
        "('r', 'A', '2026-01-03', 1, 'paid', ' eur')"
    )
    company.extract()
    assert company.value("select count(*) from staging.payments") == 3


def test_an_unmapped_currency_is_never_looked_at(company):
    company.run(PAYMENT + "('p', 'A', '2026-01-01', 1, 'paid', 'USD')")
    company.extract()
    assert company.value("select count(*) from staging.payments") == 1


def test_after_another_business_currency_every_row_is_looked_at_again(company):
    company.sections["business"] = EUR
    company.map_updates()
    company.map(payments=WITH_CURRENCY["payments"].replace(" from ", ", updated_at from "))
    company.run(PAYMENT + "('p', 'A', '2026-01-01', 1, 'paid', 'EUR')")
    company.run("update payments set updated_at = '2026-01-01'")
    company.extract()
    company.sections["business"] = {"currency": "USD"}
    with pytest.raises(DataContractError, match=r"business.currency = USD.*EUR \(1 row\)"):
        company.extract(1)

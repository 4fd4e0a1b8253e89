"""What the checks find in campaigns before a night is published."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from churn import schema
from churn.sqlfiles import read_sql
from tests.sql.campaigns.office import RUN, Marketing
from tests.sql.staging_tables import AS_OF, Staging


@pytest.fixture
def office(staging: Staging) -> Marketing:
    made = Marketing(staging)
    made.campaign("nightly")
    return made


def problems(office: Marketing, check: str) -> list[str]:
    file = read_sql(f"checks/{check}.sql")
    values = {"as_of": AS_OF, "run_id": RUN}
    return sorted(office.connection.scalars(file.statement, {name: values[name] for name in file.params}).all())


def test_an_outcome_of_the_future_or_of_nobody_is_found(office: Marketing) -> None:
    office.outcomes("nightly", 1, 0, 1, group="treatment", entered=-44, matured=0)
    assert problems(office, "campaign_outcomes") == []
    office.outcomes("nightly", 2, 0, 1, group="treatment", entered=-43, matured=1)
    office.outcomes("nightly", 3, 0, 1, group="treatment", entered=-44, matured=0)
    office.connection.execute(sa.delete(schema.campaign_members).where(schema.campaign_members.c.customer_key == 3))
    assert problems(office, "campaign_outcomes") == [
        "customer_key 2, nightly: measured before 2025-07-02",
        "customer_key 3, nightly: measured but no member",
    ]


def test_contacts_of_the_holdout_are_warned_of(office: Marketing) -> None:
    for key, group in [(1, "treatment"), (2, "holdout"), (3, "holdout"), (4, "holdout")]:
        office.member("nightly", key, group)
    for key, sent in [(1, -3), (2, -31), (2, -3), (3, -32), (4, 0)]:
        office.contact("nightly", key, sent)
    assert problems(office, "campaign_contacts") == [
        "nightly: 1 customers held out were contacted between 2025-05-31 and 2025-06-28"
    ]
    assert read_sql("checks/campaign_contacts.sql").header["severity"] == "warn"


def test_save_rates_that_can_t_be_are_found(office: Marketing) -> None:
    office.rates()
    assert problems(office, "save_rates") == []
    office.connection.execute(sa.update(schema.save_rates).values(save_rate=-0.1, value="a", dimension="segment"))
    assert problems(office, "save_rates") == ["contact, a: no rate of the offer itself", "contact, a: save rate -0.1"]

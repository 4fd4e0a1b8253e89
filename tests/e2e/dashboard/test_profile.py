"""`churn profile` on a source with known faults, and on the company: exact figures, and the same as the job's own."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from churn.config import CONFIG_FILE, Settings, load_settings
from churn.connections import open_source
from churn.errors import DataContractError
from churn.init import render_config
from churn.profiling import Profile, page_of, profile
from churn.sqlfiles import read_sql
from churn.warehouse import run_ddl
from tests.conftest import MakeDatabase
from tests.e2e.company import AS_OF, Office, night_of

NOW = datetime(2025, 7, 1, 3, tzinfo=UTC)
DAY = date(2025, 6, 30)

TABLES = """
create table customers (id text, since timestamp, country text, always text, email text);
insert into customers select 'c' || n, '2024-12-31', case when n % 4 = 0 then 'DE' else 'FR' end, 'x', n || '@x.example'
from generate_series(1, 60) as n;
insert into customers values ('c1', '2024-12-31', null, 'x', 'again@x.example');

create table payments (id text, customer text, at timestamp, amount numeric, status text);
insert into payments select 'first' || n, 'c' || n, '2025-01-01 10:00', 10, 'paid' from generate_series(1, 40) as n;
insert into payments select 'again' || n, 'c' || n, '2025-01-21 15:00', 20, 'paid' from generate_series(1, 30) as n;
insert into payments values
('first1', 'c1', '2025-01-01 10:00', 10, 'paid'),
('orphan', 'nobody', '2025-01-21', 10, 'failed'),
('never', 'c2', null, 10, 'failed'),
('endless', 'c2', 'infinity', 10, 'failed'),
('ahead', 'c2', '2031-01-01', 10, 'failed'),
('whose', null, '2025-01-21', 'NaN', 'failed');

create table subscriptions (id text, customer text, mrr numeric, start date, "end" date);
insert into subscriptions values
('1', 'c1', 9, '2025-03-01', '2025-05-01'), ('2', 'c1', 9, '2025-05-06', null),
('3', 'c2', 9, '2025-03-01', '2025-05-01'),
('4', 'c3', 9, '2025-03-01', '2025-04-20'), ('5', 'c3', 9, '2025-04-20', null),
('6', 'c3', 9, '2025-03-05', '2025-04-10'),
('7', 'c4', 0, '2025-03-01', '2025-05-01');
"""
MAPPING = {
    "customers": "select id as customer_id, since as signed_up_at, country, always, email from customers",
    "payments": "select id as payment_id, customer as customer_id, at as paid_at, amount, status from payments -- mine",
    "subscriptions": "select id as subscription_id, customer as customer_id, mrr, start as started_at, "
    '"end" as ended_at from subscriptions',
}


@pytest.fixture
def settings(make_database: MakeDatabase, tmp_path: Path) -> Settings:
    url = make_database()
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        run_ddl(connection, TABLES)
    config = {
        "source.url": url,
        "warehouse.url": "postgresql://nobody@127.0.0.1:1/none",
        "churn.definition": "inactivity",
    }
    (tmp_path / CONFIG_FILE).write_text(render_config(config), encoding="utf-8")
    (tmp_path / "source").mkdir()
    for name, select in MAPPING.items():
        (tmp_path / "source" / f"{name}.sql").write_text(select, encoding="utf-8")
    return load_settings(tmp_path / CONFIG_FILE)


def look(settings: Settings) -> Profile:
    return profile(open_source(settings), settings, NOW, DAY, 60)


def test_what_is_wrong_with_rows_is_counted(settings: Settings) -> None:
    by_entity = {row["entity"]: row for row in look(settings).overview.rows}
    payments = by_entity["payments"]
    wrong = ("rows", "customers", "without_time", "ahead", "without_customer", "duplicates", "orphans")
    assert [payments[name] for name in wrong] == [76, 41, 2, 1, 1, 1, 1]
    assert payments["unusable"] == 6
    assert (payments["first_date"], payments["last_date"]) == (date(2025, 1, 1), date(2025, 1, 21))
    assert by_entity["customers"]["duplicates"] == 1


def test_columns_weeks_and_gaps_are_exact(settings: Settings) -> None:
    entities = {part.name: part for part in look(settings).entities}
    columns = {row["column_name"]: row for row in entities["customers"].columns.rows}
    assert (columns["country"]["missing"], columns["country"]["distinct_values"]) == (1, 2)
    tops = [(row["column_name"], row["value"], row["rows"]) for row in entities["customers"].tops.rows]
    assert tops == [("always", "x", 61), ("country", "FR", 45), ("country", "DE", 15)]  # nobody's email
    amount = next(row for row in entities["payments"].columns.rows if row["column_name"] == "amount")
    assert (amount["smallest"], amount["median"], amount["largest"]) == (10, 10, 20)  # NaN is no number
    assert sum(row["rows"] for row in entities["payments"].histograms.rows) == 75
    assert [row["rows"] for row in entities["payments"].weeks.rows] == [41, 0, 0, 32]
    assert entities["payments"].gaps is not None
    (gap,) = entities["payments"].gaps.rows
    assert (gap["from_date"], gap["to_date"], gap["days"]) == (date(2025, 1, 2), date(2025, 1, 20), 19)


def test_the_curve_of_silence_counts_who_has_not_come_back_yet(settings: Settings) -> None:
    parts = look(settings).tryout.parts[0].answers
    curve = {row["days"]: row for row in parts["purchase-curve"].rows}
    assert (curve[20]["silences"], curve[20]["came_back"]) == (70, 30)
    assert list(curve) == [20]  # 160 days ago 30 paid last: their day 160 is not over, and 10 are too few
    assert curve[20]["still_silent"] == pytest.approx(4 / 7)
    assert curve[20]["come_back_later"] == pytest.approx(0)
    tried = {row["days"]: row for row in parts["purchase-settings"].rows}
    assert (tried[30]["customers"], tried[30]["silent"]) == (40, 40)
    assert (tried[90]["active_before"], tried[90]["churned"]) == (40, 40)  # 1 January lies 180 days before
    assert tried[180]["churn_rate"] is None  # the source does not reach back 360 days


def test_contracts_are_tried_by_horizon_and_grace(settings: Settings) -> None:
    tried = next(part.answers["contract-settings"] for part in look(settings).tryout.parts
                 if "contract-settings" in part.answers)  # fmt: skip
    found = {(row["horizon_days"], row["grace_days"]): (row["customers"], row["churned"]) for row in tried.rows}
    assert found[60, 0] == (3, 2)  # as of 1 May: c1 is late, c2 has left, c3 has two adjoining ones, c4 pays nothing
    assert found[60, 7] == (3, 1)
    assert (30, settings.churn.grace_days) in found


def test_the_grace_that_is_set_is_tried_too(settings: Settings) -> None:
    own = settings.model_copy(update={"churn": settings.churn.model_copy(update={"grace_days": 10})})
    tried = look(own).tryout.parts[-1].answers["contract-settings"].rows
    assert {row["grace_days"] for row in tried} == {0, 7, 10, 14, 30, 60}


def test_when_it_happens_is_by_the_business_clock(settings: Settings) -> None:
    activity = look(settings).activity
    assert activity is not None
    name, answer = activity
    counts = {(row["weekday"], row["hour"]): row["rows"] for row in answer.rows}
    assert (name, counts) == ("payments", {(3, 10): 41, (2, 15): 30, (2, 0): 2})


def test_the_page_says_what_to_mend_and_needs_no_warehouse(settings: Settings) -> None:
    page = page_of(look(settings), settings, NOW)
    for said in (
        "1 of customers whom customers.sql does not give",
        "customers.email looks like an id",
        "always the same",
    ):
        assert said in page
    assert "@x.example" not in page
    assert not re.search(r"""(?:src|href)=["'](?!#)""", page.split("<script", 1)[0])


def test_what_takes_too_long_is_left_out_and_told(settings: Settings) -> None:
    slow = "select id as customer_id, since as signed_up_at from customers where pg_sleep(0.1) is not null"
    (settings.sql_dir / "customers.sql").write_text(slow, encoding="utf-8")
    found = profile(open_source(settings), settings, NOW, DAY, 1)
    assert found.entities[0].columns.rows == []
    page = page_of(found, settings, NOW)
    assert "takes longer than 1 seconds" in page
    assert "customers: not looked at" in page
    assert "customers: no rows" not in page
    assert "purchase-curve" in found.tryout.parts[0].answers  # the others go on


def test_a_mapping_that_the_source_refuses_is_named(settings: Settings) -> None:
    (settings.sql_dir / "payments.sql").write_text("select nothing from payments", encoding="utf-8")
    with pytest.raises(DataContractError, match=r"source/payments\.sql"):
        look(settings)


def test_the_company_churns_as_the_label_says(published: Office) -> None:
    """What is counted in the source is what the label of the same day counts in staging."""
    settings = published.settings
    published.tell(night_of(AS_OF))
    found = profile(open_source(settings), settings, night_of(AS_OF), AS_OF, 120)
    tried = next(part.answers["contract-settings"].rows for part in found.tryout.parts
                 if "contract-settings" in part.answers)  # fmt: skip
    assert len(tried) == 15
    for row in (one for one in tried if one["horizon_days"] == 30 and one["grace_days"] in (0, 14)):
        start = AS_OF - timedelta(days=row["horizon_days"] + row["grace_days"])
        (label,) = published.rows(
            f"select count(*) as customers, count(*) filter (where l.churned) as churned "
            f"from ({read_sql('labels/contractual.sql').body}) as l",
            as_of=start,
            horizon_days=row["horizon_days"],
            grace_days=row["grace_days"],
        )
        assert row["start_date"] == start
        assert label["churned"] > 0
        assert (row["customers"], row["churned"]) == (label["customers"], label["churned"])
    rows = {row["entity"]: row["rows"] for row in found.overview.rows}
    (counted,) = published.source_rows(
        "select count(*) as rows from usage_events, tonight where occurred_at < told_until"
    )
    assert rows["usage_events"] == counted["rows"]

"""The figures by month and the cohorts are those of the slow and obvious oracle, to the last digit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from churn.config import Settings
from churn.config.sections import BusinessSection, ChurnSection, SourceSection
from churn.demo.company import CompanySettings, simulate_company
from churn.demo.load import load_company, source_sql_dir
from churn.extract import extract
from churn.kpis import store_kpis
from churn.partitions import ensure_month
from churn.sqlfiles import read_sql
from churn.warehouse import Database, open_database
from churn.windows import add_months
from tests.conftest import MakeDatabase
from tests.reference import kpi_oracle as oracle
from tests.reference.random_company import fill
from tests.sql.conftest import staging, staging_database
from tests.sql.kpis.company_months import Definition
from tests.sql.nights import Nights, score
from tests.sql.staging_tables import AS_OF, Staging

__all__ = ["staging", "staging_database"]

RUN = 1
AMONG = ("as_of_date", "run_id", "avg_clv")
CHECKS = ("kpi_months", "cohort_months")
NAMES = ("Loyal", "Quiet")


def settings_of(definition: Definition, rules: oracle.Rules) -> Settings:
    section = ChurnSection(
        definition=definition,
        horizon_days=rules.horizon,
        grace_days=rules.grace,
        inactivity_days=rules.inactivity,
    )
    return Settings(churn=section)


def rows_of(connection: sa.Connection, table: str) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(sa.text(f"select * from {table}")).mappings()]


def known_of(connection: sa.Connection, rules: oracle.Rules, definition: Definition) -> oracle.Known:
    is_contractual = definition == "contractual"
    return oracle.Known(
        rules if is_contractual else oracle.Rules(rules.as_of, rules.horizon, 0, rules.inactivity),
        rows_of(connection, "staging.customers"),
        rows_of(connection, "staging.subscription_periods"),
        rows_of(connection, "staging.payments"),
        segments_known(connection, rules.as_of),
        is_contractual,
    )  # fmt: skip


def segments_known(connection: sa.Connection, as_of: date) -> dict[tuple[date, int], str]:
    """The segments of first days before as_of, and those of the night itself."""
    query = """
        select as_of_date, customer_key, segment from scores.month_segments where as_of_date < :as_of
        union all
        select as_of_date, customer_key, segment
        from scores.customer_scores inner join scores.segment_nights using (as_of_date, run_id, segment_id)
        where as_of_date = :as_of and run_id = :run_id
    """
    rows = connection.execute(sa.text(query), {"as_of": as_of, "run_id": RUN})
    return {(row[0], row[1]): row[2] for row in rows}


def stored(connection: sa.Connection, table: str, *keys: str) -> dict[tuple[Any, ...], dict[str, Any]]:
    return {
        tuple(row[key] for key in keys): {k: v for k, v in row.items() if k not in (*keys, *AMONG)}
        for row in rows_of(connection, f"scores.{table}")
    }


def make(connection: sa.Connection, definition: Definition, rules: oracle.Rules) -> int:
    """Write the night's rows alone."""
    for table in ("kpi_months", "cohort_months"):
        ensure_month(connection, table, rules.as_of)
        connection.execute(sa.text(f"delete from scores.{table}"))
    return store_kpis(connection, settings_of(definition, rules), rules.as_of, RUN)


def assert_agrees(connection: sa.Connection, definition: Definition, rules: oracle.Rules) -> None:
    known = known_of(connection, rules, definition)
    rows = make(connection, definition, rules)
    months = stored(connection, "kpi_months", "month", "dimension", "value")
    cohorts = stored(connection, "cohort_months", "signup_month", "months_since")
    assert rows == len(months) + len(cohorts)
    assert months == oracle.kpi_months(known)
    assert cohorts == oracle.cohort_months(known)
    for check in CHECKS:
        statement = read_sql(f"checks/{check}.sql").statement
        assert connection.scalars(statement, {"as_of": rules.as_of, "run_id": RUN}).all() == []


def score_night(staging: Staging, as_of: date, keys: range) -> None:
    """Score most customers on a night, and all of them in another run of it, in another segment."""
    nights = Nights(staging)
    nights.month(as_of)
    for run_id, names in ((RUN, NAMES), (RUN + 1, ("Other", "Another"))):
        for segment_id, name in enumerate(names):
            nights.segment(as_of, run_id, segment_id, name)
        some = [key for key in keys if key % 3 or run_id != RUN]
        nights.insert("scores.customer_scores", *(score(as_of, run_id, key % 2, key) for key in some))


def give_segments(connection: sa.Connection, keys: range, first: date) -> None:
    """Put most customers into a segment on the first days of most months."""
    month = first.replace(day=1)
    while month <= AS_OF:
        if month.month % 5:
            ensure_month(connection, "month_segments", month)
            rows = [
                {"day": month, "key": key, "id": key % 2, "segment": NAMES[(key + month.month) % 2]}
                for key in keys
                if (key + month.month) % 4
            ]
            connection.execute(sa.text("insert into scores.month_segments values (:day, :key, :id, :segment)"), rows)
        month = add_months(month, 1)


RULES = [
    oracle.Rules(AS_OF),
    oracle.Rules(AS_OF - timedelta(days=12), grace=0, horizon=31, inactivity=28),
    oracle.Rules(AS_OF - timedelta(days=200), grace=45, horizon=90, inactivity=180),
]


@pytest.mark.parametrize("definition", ["contractual", "inactivity"])
@pytest.mark.parametrize("seed", range(5))
def test_random_companies_agree_with_the_oracle(staging: Staging, seed, definition):
    fill(staging, seed)
    give_segments(staging.connection, range(1, 9), AS_OF - timedelta(days=740))
    for rules in RULES:
        score_night(staging, rules.as_of, range(1, 9))
        assert_agrees(staging.connection, definition, rules)


def test_without_payments_there_is_no_revenue_but_mrr(staging: Staging):
    fill(staging, 3)
    staging.connection.execute(sa.text("delete from staging.payments"))
    assert_agrees(staging.connection, "contractual", RULES[0])
    assert make(staging.connection, "inactivity", RULES[0]) == 0


# ---------------------------------------------------------------- churn is that of the labels


def labels_of(
    connection: sa.Connection, definition: Definition, rules: oracle.Rules, at: date, days: int
) -> dict[int, bool]:
    """Who churned within some days of a date, by the SQL that models learn from."""
    file = read_sql(f"labels/{definition}.sql")
    values = {
        "as_of": at,
        "horizon_days": days,
        "grace_days": rules.grace,
        "inactivity_days": rules.inactivity,
    }
    return {row[0]: row[1] for row in connection.execute(file.statement, {name: values[name] for name in file.params})}


def resumed_date(connection: sa.Connection, key: int, since: date) -> date:
    """The day on which a customer inside a gap pays again."""
    query = "select min(started_date) from staging.subscription_periods as p "
    where = "where p.customer_key = :key and p.mrr > 0 and p.started_date >= :since"
    return connection.execute(sa.text(query + where), {"key": key, "since": since}).scalar_one()


def assert_churn_is_the_labels(connection: sa.Connection, definition: Definition, rules: oracle.Rules) -> int:
    """Compare every customer of every month whose churn is known, and return how many there were."""
    make(connection, definition, rules)
    compared = 0
    shown = sa.text("select * from kpi_calendar where is_shown order by month")
    for month in connection.execute(shown).mappings().all():
        rows = connection.execute(
            sa.text("select * from kpi_customer_months where is_start and month = :month"), dict(month)
        ).mappings()
        found = {row["customer_key"]: row for row in rows}
        if month["is_horizon_known"]:
            expected = labels_of(connection, definition, rules, month["month"], rules.horizon)
            assert {key: r["is_horizon_churned"] for key, r in found.items() if r["is_horizon_start"]} == expected
        if month["is_provisional"]:
            continue
        expected = labels_of(connection, definition, rules, month["month"], (month["month_end"] - month["month"]).days)
        for key in set(found) - set(expected):
            resumed = resumed_date(connection, key, month["month"]) + timedelta(days=1)
            rest = (month["month_end"] - resumed).days
            labels = labels_of(connection, definition, rules, resumed, rest) if rest > 0 else {key: False}
            expected[key] = labels[key]
        assert {key: row["is_churned"] for key, row in found.items()} == expected
        compared += len(expected)
    return compared


@pytest.mark.parametrize("definition", ["contractual", "inactivity"])
@pytest.mark.parametrize("seed", range(5))
def test_churn_of_every_month_is_that_of_the_labels(staging: Staging, seed, definition):
    fill(staging, seed)
    assert sum(assert_churn_is_the_labels(staging.connection, definition, rules) for rules in RULES) > 10


# ---------------------------------------------------------------- any periods at all

PERIODS = st.lists(
    st.tuples(
        st.integers(1, 4),
        st.integers(-150, -1),
        st.one_of(st.none(), st.integers(0, 70)),
        st.sampled_from(["0", "0.01", "19.99", "30"]),
        st.sampled_from(["basic", "pro", None]),
    ),
    min_size=1,
    max_size=12,
)


@hypothesis_settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(periods=PERIODS, grace=st.sampled_from([0, 1, 14, 40]))
def test_any_periods_add_up_and_agree_with_the_oracle(staging: Staging, periods, grace):
    staging.connection.execute(sa.text("delete from staging.subscriptions"))
    for key, started, days, mrr, plan in periods:
        ended = None if days is None else started + days
        staging.subscription(key, started, ended, mrr=Decimal(mrr), plan=plan)
    assert_agrees(staging.connection, "contractual", oracle.Rules(AS_OF, grace=grace))


# ---------------------------------------------------------------- a simulated company


@pytest.fixture
def simulated(
    make_database: MakeDatabase, warehouse: Database, tmp_path: Path
) -> Iterator[tuple[sa.Connection, oracle.Rules]]:
    """Nine months of a simulated company in Berlin, extracted."""
    url = make_database()
    source = open_database(url, "source")
    company = simulate_company(CompanySettings(as_of=AS_OF, customers=90, history_days=270))
    filler = open_database(url, "warehouse")
    with filler.begin() as connection:
        load_company(company, connection)
    section = SourceSection(sql_dir=source_sql_dir())
    settings = Settings(source=section, business=BusinessSection(timezone="Europe/Berlin"))
    with warehouse.begin() as connection:
        extract(
            source,
            connection,
            settings,
            run_id=1,
            started_at=datetime.combine(AS_OF, time(3), UTC),
            progress=lambda _entity, _rows: None,
        )
        yield connection, oracle.Rules(AS_OF)
    for database in (source, filler):
        database.dispose()


@pytest.mark.parametrize("definition", ["contractual", "inactivity"])
def test_a_simulated_company_agrees_with_the_oracle_and_its_churn_with_the_labels(simulated, definition):
    connection, rules = simulated
    keys = connection.scalars(sa.text("select customer_key from staging.customer_keys")).all()
    give_segments(connection, range(min(keys), max(keys) + 1), AS_OF - timedelta(days=270))
    assert_agrees(connection, definition, rules)
    assert assert_churn_is_the_labels(connection, definition, rules) > 200


def test_the_month_to_date_ends_with_the_customers_who_are_scored(simulated):
    connection, rules = simulated
    make(connection, "contractual", rules)
    scored = connection.execute(
        sa.text(
            "select count(*), sum(p.mrr) from ({}) as p".format(read_sql("features/population_contractual.sql").body)
        ),
        {"as_of": rules.as_of},
    ).one()
    last = "select customers_end, mrr_end from scores.kpi_months where dimension = 'all' order by month desc limit 1"
    assert connection.execute(sa.text(last)).one() == scored

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from churn.demo.blocks import BLOCK_CUSTOMERS
from churn.demo.company import Company, CompanySettings, simulate_company
from churn.demo.hazard import RENEWAL_DAYS
from churn.demo.load import TABLES, source_sql_dir
from churn.demo.people import PLANS
from churn.errors import UsageError

AS_OF = date(2026, 7, 1)
CUSTOMERS = 600
HORIZON_DAYS, GRACE_DAYS = 30, 14
LEARNED_LATER = ["ended_at", "closed_at", "satisfaction", "updated_at"]
HAPPENS_AT = {
    "customers": "signed_up_at",
    "subscriptions": "started_at",
    "payments": "paid_at",
    "usage_events": "occurred_at",
    "support_tickets": "opened_at",
}


def _simulate(**changes) -> Company:
    return simulate_company(CompanySettings(**{"as_of": AS_OF, "customers": CUSTOMERS, **changes}))


def _tables(company: Company) -> dict[str, pd.DataFrame]:
    batches: dict[str, list[pa.RecordBatch]] = {}
    for name, batch in company.tables():
        batches.setdefault(name, []).append(batch)
    return {name: pa.Table.from_batches(parts).to_pandas() for name, parts in batches.items()}


@pytest.fixture(scope="module")
def company() -> Company:
    return _simulate()


@pytest.fixture(scope="module")
def tables(company) -> dict[str, pd.DataFrame]:
    return _tables(company)


@pytest.fixture(scope="module")
def company_with_future() -> Company:
    return _simulate(future_days=365)


@pytest.fixture(scope="module")
def tables_with_future(company_with_future) -> dict[str, pd.DataFrame]:
    return _tables(company_with_future)


@pytest.fixture(scope="module")
def paid(tables) -> pd.DataFrame:
    rows = tables["subscriptions"]
    rows = rows[rows.mrr > 0].sort_values(["customer_id", "started_at", "subscription_id"])
    return rows.assign(started_date=_dates(rows.started_at), ended_date=_dates(rows.ended_at))


@pytest.fixture(scope="module")
def main(paid) -> pd.DataFrame:
    """Paid rows without add-ons, each beside the customer's next one."""
    rows = paid[paid["plan"].isin(PLANS)]
    following = rows.groupby("customer_id").shift(-1)
    return rows.assign(
        next_date=following.started_date,
        next_at=following.started_at,
        next_plan=following["plan"],
        next_mrr=following.mrr,
        gap_days=(following.started_date - rows.ended_date).dt.days,
    )


def _dates(instants: pd.Series) -> pd.Series:
    return instants.dt.tz_localize(None).dt.floor("D")


def _start(day: date) -> pd.Timestamp:
    return pd.Timestamp(day, tz="UTC")


# ---------------------------------------------------------------- what is told


def test_the_same_settings_give_the_same_company(tables):
    again = _tables(_simulate())
    for name, rows in tables.items():
        pd.testing.assert_frame_equal(again[name], rows)


def test_another_seed_gives_another_company(tables):
    other = _tables(_simulate(seed=8, customers=50))
    assert not other["customers"].signed_up_at.equals(tables["customers"].signed_up_at[:50])


def test_tables_are_those_of_the_source_contract_in_bounded_batches(company):
    seen = []
    for name, batch in company.tables():
        assert set(batch.schema.names) == set(TABLES[name])
        assert len(batch) < 100_000
        seen.append(name)
    assert list(dict.fromkeys(seen)) == list(TABLES)
    for name in TABLES:
        assert (source_sql_dir() / f"{name}.sql").read_text(encoding="utf-8").startswith("-- ")


def test_a_future_does_not_change_the_past(tables, tables_with_future):
    for name, rows in tables.items():
        told = tables_with_future[name]
        before = told[told[HAPPENS_AT[name]] < _start(AS_OF)].reset_index(drop=True)
        fixed = [column for column in rows if column not in LEARNED_LATER]
        pd.testing.assert_frame_equal(before[fixed], rows[fixed])
        for column in set(rows) & {"ended_at", "closed_at"}:
            known = rows[column].notna()
            assert (before[column][known] == rows[column][known]).all()
            assert (before[column][~known].isna() | (before[column][~known] >= _start(AS_OF))).all()


def test_the_future_is_told_when_asked_for(tables_with_future):
    for name, column in HAPPENS_AT.items():
        latest = tables_with_future[name][column].max()
        assert _start(AS_OF) < latest < _start(AS_OF + timedelta(days=365))


def test_no_fact_is_dated_on_or_after_as_of(tables):
    for name, rows in tables.items():
        for column in [c for c in rows if c.endswith("_at")]:
            assert (rows[column].dropna() < _start(AS_OF)).all(), (name, column)
    tickets = tables["support_tickets"]
    assert tickets.satisfaction[tickets.closed_at.isna()].isna().all()


def test_row_ids_are_unique_and_refer_to_customers(tables):
    known = set(tables["customers"].customer_id)
    for name, rows in tables.items():
        assert rows[TABLES[name][0]].is_unique
        assert set(rows.customer_id) <= known
    assert len(known) == CUSTOMERS


def test_tables_tell_nothing_hidden(tables):
    columns = {column for rows in tables.values() for column in rows}
    assert not columns & {"hazard", "frailty", "exposed", "churn_probability", "hazard_multiplier"}
    assert columns == {column for names in TABLES.values() for column in names}


# ---------------------------------------------------------------- what happens


def test_changes_of_plan_and_price_leave_no_gap(main):
    changed = main[(main.gap_days == 0) & ((main.next_plan != main["plan"]) | (main.next_mrr != main.mrr))]
    assert (changed.next_at == changed.ended_at).all()
    levels = {plan: level for level, plan in enumerate(PLANS)}
    step = changed.next_plan.map(levels) - changed["plan"].map(levels)
    assert (step > 0).sum() > 10
    assert (step < 0).sum() > 5
    dearer = changed[(step == 0) & changed.discount_until.isna()]
    assert ((dearer.next_mrr / dearer.mrr).between(1.04, 1.1)).all()
    assert len(dearer) > 50


def test_a_discounted_row_ends_with_its_discount(main):
    discounted = main[main.discount_until.notna()]
    over = discounted[pd.to_datetime(discounted.discount_until) == discounted.ended_date]
    over = over[over.gap_days == 0]
    assert len(over) > 30
    assert (over.next_mrr > over.mrr).mean() > 0.95  # a downgrade on the same day may cost less
    assert (pd.to_datetime(discounted.discount_until) >= discounted.ended_date).sum() == len(
        discounted[discounted.ended_date.notna()]
    )


def test_cover_breaks_for_2_to_9_days_or_for_25_days_and_more(main):
    gaps = main.gap_days[main.gap_days > 0]
    assert (gaps.between(2, 9) | gaps.between(25, 220)).all()
    assert gaps.between(2, 9).sum() > 10
    assert (gaps >= 25).sum() > 10


def test_some_customers_have_two_subscriptions_at_once(paid):
    add_ons = paid[paid["plan"] == "add_on"].merge(
        paid[paid["plan"] != "add_on"], on="customer_id", suffixes=("", "_main")
    )
    ended = add_ons.ended_at.fillna(_start(AS_OF))
    ended_main = add_ons.ended_at_main.fillna(_start(AS_OF))
    parallel = add_ons[(add_ons.started_at < ended_main) & (add_ons.started_at_main < ended)]
    assert 5 < parallel.customer_id.nunique() < CUSTOMERS / 8


def test_trials_and_free_plans_cost_nothing(tables):
    rows = tables["subscriptions"]
    nothing = rows[rows.mrr == 0]
    assert set(nothing["plan"]) == {"trial", "free"}
    assert (rows[rows.mrr > 0]["plan"].isin([*PLANS, "add_on"])).all()


def test_rows_last_at_least_a_day(tables):
    rows = tables["subscriptions"].dropna(subset=["ended_at"])
    assert ((_dates(rows.ended_at) - _dates(rows.started_at)).dt.days >= 1).all()


def test_payments_succeed_fail_and_are_refunded(tables):
    payments = tables["payments"]
    shares = payments.status.value_counts(normalize=True)
    assert set(shares.index) == {"paid", "failed", "refunded"}
    assert 0.01 < shares["failed"] < 0.12
    assert ((payments.amount < 0) == (payments.status == "refunded")).all()


def test_use_follows_the_week_and_the_year_and_needs_a_subscription(tables):
    usage = tables["usage_events"]
    weekday = usage.occurred_at.dt.day_of_week.value_counts()
    assert weekday[[5, 6]].max() < 0.6 * weekday[[0, 1, 2, 3, 4]].min()
    assert usage.event_type.nunique() == 5
    first = tables["subscriptions"].groupby("customer_id").started_at.min()
    assert (usage.occurred_at > usage.customer_id.map(first)).all()


def test_about_8_percent_are_not_contactable(tables):
    assert 0.04 < 1 - tables["customers"].contactable.mean() < 0.12


# ---------------------------------------------------------------- the truth


@pytest.fixture(scope="module")
def churn_dates(tables_with_future) -> pd.DataFrame:
    """Churn dates by methods.md, slow and obvious: ends of paid cover not resumed within the grace period."""
    paid = tables_with_future["subscriptions"].query("mrr > 0")
    paid = paid.assign(started=_dates(paid.started_at), ended=_dates(paid.ended_at))
    pairs = paid.dropna(subset=["ended"]).merge(paid, on="customer_id", suffixes=("", "_other"))
    resumed = pairs.started_other.between(pairs.ended, pairs.ended + pd.Timedelta(days=GRACE_DAYS))
    later = (pairs.ended_other > pairs.ended) | pairs.ended_other.isna()
    pairs["goes_on"] = resumed | ((pairs.started_other < pairs.ended) & later)
    ends = pairs.groupby(["customer_id", "ended"], as_index=False).goes_on.any()
    return ends[~ends.goes_on].rename(columns={"ended": "churn_date"})


def _active(subscriptions: pd.DataFrame, as_of: date) -> set[str]:
    started, ended = _dates(subscriptions.started_at), _dates(subscriptions.ended_at)
    day = pd.Timestamp(as_of)
    covers = (started < day) & ((day <= ended) | ended.isna()) & (subscriptions.mrr > 0)
    return set(subscriptions.customer_id[covers])


def test_true_probabilities_are_of_active_customers_and_calibrated(
    company_with_future, tables_with_future, churn_dates
):
    subscriptions, ends = tables_with_future["subscriptions"], churn_dates
    expected = observed = variance = 0.0
    for month in pd.date_range("2023-10-01", "2027-04-01", freq="MS"):
        truth = company_with_future.true_probabilities(month.date(), HORIZON_DAYS, GRACE_DAYS)
        assert set(truth.customer_id) == _active(subscriptions, month.date())
        assert truth.churn_probability.between(0, 1).all()
        window = (ends.churn_date >= month) & (ends.churn_date < month + pd.Timedelta(days=HORIZON_DAYS))
        observed += truth.customer_id.isin(ends.customer_id[window]).sum()
        expected += truth.churn_probability.sum()
        variance += (truth.churn_probability * (1 - truth.churn_probability)).sum()
    assert expected > 200
    assert abs(observed - expected) < 3.5 * np.sqrt(variance)


def test_true_probabilities_rank_those_who_leave_first(company_with_future, churn_dates):
    ends = churn_dates
    truth = company_with_future.true_probabilities(AS_OF, 90, GRACE_DAYS)
    window = (ends.churn_date >= pd.Timestamp(AS_OF)) & (ends.churn_date < pd.Timestamp(AS_OF) + pd.Timedelta(days=90))
    left = truth.customer_id.isin(ends.customer_id[window])
    assert truth.churn_probability[left].mean() > 2 * truth.churn_probability[~left].mean()


def test_true_probabilities_are_the_same_whatever_future_is_told(company, company_with_future):
    truth = company.true_probabilities(AS_OF, HORIZON_DAYS, GRACE_DAYS)
    pd.testing.assert_frame_equal(truth, company_with_future.true_probabilities(AS_OF, HORIZON_DAYS, GRACE_DAYS))


def test_monthly_churn_is_a_few_percent(company):
    months = pd.date_range("2024-01-01", "2026-06-01", freq="MS")
    truth = [company.true_probabilities(month.date(), HORIZON_DAYS, GRACE_DAYS) for month in months]
    assert 0.02 < pd.concat(truth).churn_probability.mean() < 0.055


def test_annual_customers_leave_only_by_their_renewal(company):
    annual = company.people.annual
    hazard = company.history.hazard[annual].astype(float) > 0
    dates = company.timeline.dates()
    paid = company.timeline.origin + company.people.paid_day[annual].astype(int)
    for days, first in zip(hazard, paid, strict=True):
        renewals = [pd.Timestamp(first) + pd.DateOffset(years=years) for years in range(1, 5)]
        ahead = [(renewal - pd.Timestamp(day)).days for day in dates[days] for renewal in renewals]
        assert all(min(d for d in ahead[n : n + 4] if d >= 0) < RENEWAL_DAYS for n in range(0, len(ahead), 4))


def test_contact_harms_a_minority_who_use_little(company):
    effects = company.contact_effects()
    assert (effects.hazard_multiplier > 0).all()
    harmed = effects.hazard_multiplier.to_numpy() > 1
    assert 0.05 < harmed.mean() < 0.25
    assert company.people.engagement[harmed].mean() < company.people.engagement[~harmed].mean() - 0.3


# ---------------------------------------------------------------- edges


def test_one_customer_and_one_day_are_enough():
    tables = _tables(_simulate(customers=1, history_days=1))
    assert list(tables) == list(TABLES)
    assert len(tables["customers"]) == 1


def test_more_than_one_block_fits_together():
    company = _simulate(customers=BLOCK_CUSTOMERS + 30, history_days=120)
    tables = _tables(company)
    assert tables["customers"].customer_id.nunique() == BLOCK_CUSTOMERS + 30
    truth = company.true_probabilities(AS_OF, HORIZON_DAYS, GRACE_DAYS)
    assert set(truth.customer_id) == _active(tables["subscriptions"], AS_OF)


@pytest.mark.parametrize("wrong", [{"customers": 0}, {"history_days": 0}, {"future_days": 366}])
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(UsageError):
        CompanySettings(as_of=AS_OF, **wrong)


@pytest.mark.parametrize(
    ("as_of", "horizon_days", "grace_days"),
    [(date(2020, 1, 1), 30, 14), (AS_OF, 400, 14), (AS_OF, 0, 14), (AS_OF, 30, 5), (AS_OF, 30, 30)],
)
def test_windows_without_a_truth_are_refused(company, as_of, horizon_days, grace_days):
    with pytest.raises(UsageError):
        company.true_probabilities(as_of, horizon_days, grace_days)

"""A mapping that lets the outcome in: training stops and names the column; what was published stays."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from churn.errors import LeakageError
from churn.pipeline import run_train
from tests.e2e.company import AS_OF, Office, night_of

LATER = night_of(AS_OF) + timedelta(hours=4)

# What the source says tonight of whoever has no subscription any more.
_GONE = """
    left join (
        select s.customer_id, max(s.ended_at) as ended_at
        from public.subscriptions as s cross join public.tonight as t
        where s.started_at < t.told_until
        group by s.customer_id
        having bool_and(coalesce(s.ended_at < t.told_until, false))
    ) as gone on c.customer_id = gone.customer_id
"""

_COPIES = {
    "status": "case when gone.customer_id is null then 'active' else 'former' end",
    "churned": "case when gone.customer_id is null then 0 else 1 end",
    "ended_on": "cast(cast(gone.ended_at as date) as text)",
    "valid_until": "coalesce(cast(cast(gone.ended_at as date) as text), '9999-12-31')",
    "ended_at": "extract(epoch from gone.ended_at)",
}

_HONEST = {
    "last_seen": "cast(c.signed_up_at + (abs(hashtext(c.customer_id)) % 9000000) * interval '1 second' as text)",
    "sales_region": "'region ' || (abs(hashtext(c.customer_id)) % 40)",
    "floor_space": "case when abs(hashtext(c.customer_id)) % 3 > 0 then abs(hashtext(c.customer_id)) % 1000 end",
    "is_partner": "abs(hashtext(c.customer_id)) % 50 = 0",
}


def map_attributes(office: Office, attributes: dict[str, str]) -> None:
    """Map further columns of customers."""
    more = "".join(f", {value} as {name}" for name, value in attributes.items())
    (office.folder / "source" / "customers.sql").write_text(
        f"select c.customer_id, c.signed_up_at, c.country, c.industry, c.employees, c.contactable, c.updated_at {more} "
        f"from public.customers as c cross join public.tonight as t {_GONE} where c.signed_up_at < t.told_until",
        encoding="utf-8",
    )


def champion(office: Office) -> str:
    return str(office.value("select model_version from ops.models where kind = 'churn' and status = 'champion'"))


def map_plans(office: Office, plan: str) -> None:
    mapping = office.folder / "source" / "subscriptions.sql"
    mapping.write_text(mapping.read_text(encoding="utf-8").replace("s.plan,", f"{plan} as plan,"), encoding="utf-8")


def assert_refused(office: Office, *columns: str) -> list[str]:
    """Training stops and names columns, these alone where any are given; champion and published night stay."""
    shown, used = office.shown(), champion(office)
    with pytest.raises(LeakageError) as refused:
        run_train(office.job(now=LATER))
    found = re.search(r"Training stopped, ([a-z0-9_, ]+) may know the outcome", refused.value.message)
    assert found is not None
    named = found[1].split(", ")
    assert not columns or sorted(named) == sorted(columns)
    assert "out of the mapping" in refused.value.hint
    (row,) = office.rows("select status, exit_code from bi.job_runs order by run_id desc limit 1")
    assert (row["status"], row["exit_code"]) == ("failed", 13)
    assert office.shown() == shown
    assert champion(office) == used
    return named


def test_attributes_that_copy_the_outcome_stop_training_until_they_are_left_out(office: Office) -> None:
    map_attributes(office, _HONEST | _COPIES)
    assert_refused(office, *(f"attribute_{name}" for name in _COPIES))
    map_attributes(office, _HONEST)
    assert run_train(office.job(now=LATER + timedelta(hours=1))).rows > 0


def test_an_end_that_is_read_early_into_the_plan_stops_training(office: Office) -> None:
    map_plans(office, "case when s.ended_at < t.told_until then 'cancelled' else s.plan end")
    assert_refused(office, "plan")


def test_a_test_far_above_what_published_nights_came_to_stops_training(office: Office) -> None:
    add = (
        "insert into ops.model_performance (model_version, evaluation, from_as_of_date, to_as_of_date, "
        "customer_months, churners, auc_roc, auc_roc_low, auc_roc_high) "
        "select 'churn-earlier', :evaluation, p.from_as_of_date, p.to_as_of_date, 3000, 120, :auc, :auc - 0.03, "
        ":auc + 0.03 from ops.model_performance as p where p.model_version = :champion"
    )
    for evaluation, auc in (("out_of_time", 0.97), ("realised", 0.4)):
        office.change_warehouse(add, evaluation=evaluation, auc=auc, champion=champion(office))
    (feature,) = assert_refused(office)
    assert office.value("select count(*) from ops.feature_sets where :feature = any(numbers)", feature=feature) > 0

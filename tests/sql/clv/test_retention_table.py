"""The life table of renewals: months of tenure where billing is monthly, billing periods where it is longer."""

from __future__ import annotations

GRACE = 15


def table(staging):
    rows = staging.run("clv/retention_table.sql", grace_days=GRACE)
    return {(row["plan"], row["billing_months"], row["renewals"]): (row["at_risk"], row["churned"]) for row in rows}


def test_a_monthly_contract_comes_up_at_every_month_of_paid_tenure_until_it_ends(staging):
    staging.subscription(1, -200, -200 + 70)
    assert table(staging) == {("basic", 1, 0): (1, 0), ("basic", 1, 1): (1, 0), ("basic", 1, 2): (1, 1)}


def test_a_month_counts_once_it_was_seen_whole_with_its_grace(staging):
    staging.subscription(1, -31 - GRACE)
    staging.subscription(2, -30 - GRACE)
    assert table(staging) == {("basic", 1, 0): (1, 0)}


def test_a_yearly_contract_comes_up_at_its_renewals_alone(staging):
    staging.subscription(1, -800, billing_months=12)
    staging.subscription(2, -800, -800 + 365, billing_months=12)
    assert table(staging) == {("basic", 12, 0): (2, 1), ("basic", 12, 1): (1, 0)}


def test_who_ends_between_renewals_came_up_for_the_one_of_that_period(staging):
    staging.subscription(1, -800, -800 + 500, billing_months=12)
    assert table(staging) == {("basic", 12, 0): (1, 0), ("basic", 12, 1): (1, 1)}


def test_who_ends_in_the_month_after_a_renewal_came_up_for_the_last(staging):
    staging.subscription(1, -800, -800 + 375, billing_months=12)
    assert table(staging) == {("basic", 12, 0): (2, 1)}


def test_a_return_enters_at_the_tenure_that_was_paid_for_and_a_lapse_ends_nothing(staging):
    staging.subscription(1, -600, -600 + 60)
    staging.subscription(1, -300, -300 + 40)
    staging.subscription(1, -300 + 45, -300 + 60)
    found = table(staging)
    assert found[("basic", 1, 0)] == (1, 0)
    assert found[("basic", 1, 2)][0] == 1
    assert sum(churned for _, churned in found.values()) == 2


def test_a_month_belongs_to_the_plan_and_billing_of_its_dearest_subscription(staging):
    staging.subscription(1, -70, -40, plan="basic", subscription_id="s")
    staging.subscription(1, -40, plan="team", mrr=90, subscription_id="s2")
    staging.subscription(1, -70, plan="add_on", mrr=5)
    staging.subscription(2, -70, plan=None)
    found = table(staging)
    assert found == {("basic", 1, 0): (1, 0), ("", 1, 0): (1, 0)}


def test_free_plans_and_what_begins_on_the_night_do_not_count(staging):
    staging.subscription(1, -100, mrr=0)
    staging.subscription(2, 0)
    assert table(staging) == {}


def test_what_starts_on_as_of_is_not_known_yet(staging):
    # Sixteen months are 487 days to the day, so the last of them was seen whole, grace included, on as_of.
    staging.subscription(1, -487 - GRACE, -GRACE)
    staging.subscription(1, 0, subscription_id="again")
    assert table(staging)["basic", 1, 15] == (1, 1)

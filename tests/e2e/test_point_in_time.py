"""What happens on or after as_of changes nothing of the night; what arrives late changes no kept snapshot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from tests.e2e.company import AS_OF, Office, midnight_of, night_of
from tests.e2e.conftest import MakeOffice

TWO_DAYS_LATER = night_of(AS_OF + timedelta(days=2))
MIDNIGHT = midnight_of(AS_OF)
MINUTES = int((TWO_DAYS_LATER - MIDNIGHT) / timedelta(minutes=1))

# The views that the features and models of the night decide.
SCORED = ("customer_scores", "segments", "at_risk_customers")

# What can happen to the source at :at, to customer number :who; :n is new every time.
_OF_WHOM = "customer_id = :customer"
CHANGES = {
    "a new customer": """
        insert into customers values ('N' || :n, :at, 'DE', 'retail', 7, true, :at);
        insert into subscriptions values (:n, 'N' || :n, 'pro', 99, :at, null, 1, null, :at);
        insert into usage_events values (:n, 'N' || :n, :at, 'export', 3)
    """,
    "a new subscription": """
        insert into subscriptions values (:n, :customer, 'pro', 990, :at, null, 12, cast(:at as date) + 30, :at)
    """,
    "a new trial": "insert into subscriptions values (:n, :customer, 'free', 0, :at, null, 1, null, :at)",
    "a payment": "insert into payments values (:n, :customer, :at, 12345.67, 'paid', :at)",
    "a failed payment": "insert into payments values (:n, :customer, :at, 50, 'failed', :at)",
    "a refund": "insert into payments values (:n, :customer, :at, -50, 'refunded', :at)",
    "a burst of usage": """
        insert into usage_events
        select :n + i, :customer, :at, case when i % 2 = 0 then 'export' else 'first seen ' || :n end, 1000
        from generate_series(1, 50) as i
    """,
    "a ticket": "insert into support_tickets values (:n, :customer, :at, null, 'urgent', null, :at)",
    "a ticket closed at once": "insert into support_tickets values (:n, :customer, :at, :at, 'urgent', 1, :at)",
    "a cancellation": "update subscriptions set ended_at = :at, updated_at = :at "
    f"where {_OF_WHOM} and started_at < :at and (ended_at is null or ended_at >= :midnight)",
    "a cancellation that updated_at keeps quiet about": "update subscriptions set ended_at = :at "
    f"where {_OF_WHOM} and started_at < :at and (ended_at is null or ended_at >= :midnight)",
    "a cancellation taken back": "update subscriptions set ended_at = null, updated_at = :at "
    "where ended_at >= :midnight",
    "a new price": f"update subscriptions set mrr = mrr * 7, updated_at = :at where {_OF_WHOM} and started_at < :at",
    "a new plan": "update subscriptions set plan = 'golden', billing_months = 12, updated_at = :at "
    f"where {_OF_WHOM} and started_at < :at",
    "a discount": "update subscriptions set discount_until = cast(:at as date), updated_at = :at "
    f"where {_OF_WHOM} and started_at < :at",
    "a payment charged back": "update payments set status = 'refunded', amount = -amount, updated_at = :at "
    f"where {_OF_WHOM} and paid_at < :at",
    "tickets closed": "update support_tickets set closed_at = :at, satisfaction = 1, updated_at = :at "
    "where opened_at < :at and (closed_at is null or closed_at >= :midnight)",
    "tickets closed that updated_at keeps quiet about": "update support_tickets set closed_at = :at, satisfaction = 1 "
    "where opened_at < :at and closed_at is null",
    "a customer who moves": "update customers set country = 'XX', industry = 'elsewhere', employees = 99999, "
    f"updated_at = :at where {_OF_WHOM}",
    "another amount": "update payments set amount = amount * 9, updated_at = greatest(updated_at, :at) "
    "where paid_at >= :midnight",
    "other usage": "update usage_events set quantity = quantity * 9, event_type = 'export' "
    "where occurred_at >= :midnight",
    "payments deleted": "delete from payments where paid_at >= :at",
    "usage deleted": "delete from usage_events where occurred_at >= :at",
    "tickets deleted": "delete from support_tickets where opened_at >= :at",
    "subscriptions deleted": "delete from subscriptions where started_at >= :at",
    "customers deleted": """
        delete from usage_events where customer_id in (select customer_id from customers where signed_up_at >= :at);
        delete from payments where customer_id in (select customer_id from customers where signed_up_at >= :at);
        delete from support_tickets where customer_id in (select customer_id from customers where signed_up_at >= :at);
        delete from subscriptions where customer_id in (select customer_id from customers where signed_up_at >= :at);
        delete from customers where signed_up_at >= :at
    """,
}


@dataclass(frozen=True)
class Change:
    """Something that happens to the source `minutes` after as_of begins, to the `who`-th customer on the list."""

    what: str
    minutes: int
    who: int = 0


changes = st.builds(
    Change,
    st.sampled_from(sorted(CHANGES)),
    st.one_of(st.just(0), st.integers(0, MINUTES - 1)),
    st.integers(0, 59),
)


def apply(office: Office, number: int, change: Change) -> None:
    statements = CHANGES[change.what].split(";\n")
    values = {
        "at": MIDNIGHT + timedelta(minutes=change.minutes),
        "midnight": MIDNIGHT,
        "n": 10_000_000 + 100 * number,
        "customer": office.value(
            "select customer_id from bi.at_risk_customers where priority_rank = :rank", rank=change.who + 1
        ),
    }
    for statement in statements:
        named = {name: value for name, value in values.items() if f":{name}" in statement}
        office.change_source(statement, **named)


def scored(office: Office) -> dict[str, list[str]]:
    shown = office.shown()
    return {view: shown[view] for view in SCORED}


def recompute(office: Office, now: datetime = TWO_DAYS_LATER) -> None:
    """Run the night again, by default two days later, features and fitted models anew, the list too."""
    office.change_warehouse("delete from ops.models where kind in ('segments', 'clv')")
    office.change_warehouse("delete from ops.segment_outcomes")
    office.nightly(now=now, recompute=True, replace_list=True)


@pytest.fixture(scope="module")
def tonight(make_office: MakeOffice) -> Callable[[], tuple[Office, dict[str, Any], dict[str, list[str]]]]:
    """Make an office with every row read again by each extraction; with it what was computed on the night itself."""
    first = make_office()
    features = first.features()
    recompute(first, now=night_of(AS_OF))
    shown = scored(first)

    def make() -> tuple[Office, dict[str, Any], dict[str, list[str]]]:
        return make_office(extract__full_compare_days=1), features, shown

    return make


# What undoes others comes first.
ORDERED = sorted(CHANGES, key=lambda what: ("deleted" not in what and "taken back" not in what, what))
EVERYTHING_AT_MIDNIGHT = [Change(what, 0, who) for who, what in enumerate(ORDERED)]
EVERYTHING_LATER = [Change(what, 60 * who, who) for who, what in enumerate(ORDERED)]


@settings(
    max_examples=6,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(changes, min_size=5, max_size=25))
@example(EVERYTHING_AT_MIDNIGHT)
@example(EVERYTHING_LATER)
def test_nothing_that_happens_on_or_after_as_of_moves_features_or_scores(
    tonight: Callable[[], tuple[Office, dict[str, Any], dict[str, list[str]]]], happenings: list[Change]
) -> None:
    office, features, shown = tonight()
    for number, change in enumerate(happenings):
        apply(office, number, change)
    recompute(office)
    assert differing(features, office.features()) == {}
    assert scored(office) == shown


def differing(one: dict[str, Any], other: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What is not alike, by customer."""
    return {key: (one.get(key), other.get(key)) for key in one.keys() | other.keys() if one.get(key) != other.get(key)}


LATE_ROWS = """
    insert into payments values (20000001, :customer, :at, 777, 'failed', :learned);
    insert into usage_events select 20000000 + i, :customer, :at, 'export', 9 from generate_series(1, 40) as i;
    insert into support_tickets values (20000001, :customer, :at, null, 'urgent', null, :learned);
    insert into subscriptions values (20000001, :customer, 'extra', 400, :at, null, 1, null, :learned)
"""


def without_figures(shown: dict[str, list[str]]) -> dict[str, list[str]]:
    """What a rerun keeps: all but the figures of the business and of activity, which count what is known by now."""
    return {
        view: rows
        for view, rows in shown.items()
        if not view.startswith(("kpi_", "retention_cohorts", "customer_activity"))
    }


def test_rows_that_arrive_late_move_no_kept_snapshot(office: Office) -> None:
    features, shown = office.features(), office.shown()
    customer = office.value("select customer_id from bi.at_risk_customers where priority_rank = 1")
    late = {"customer": customer, "at": MIDNIGHT - timedelta(days=3), "learned": TWO_DAYS_LATER - timedelta(hours=1)}
    for statement in LATE_ROWS.split(";\n"):
        office.change_source(statement, **{name: value for name, value in late.items() if f":{name}" in statement})

    office.nightly(now=TWO_DAYS_LATER)
    assert office.features() == features
    assert without_figures(office.shown()) == without_figures(shown)

    office.nightly(now=TWO_DAYS_LATER, recompute=True)
    assert differing(features, office.features()).keys() == {customer}
    mrr = "select mrr from bi.customer_scores where customer_id = :customer"
    (before,) = [row for row in shown["customer_scores"] if f'"customer_id": "{customer}"' in row]
    assert f'"mrr": {office.value(mrr, customer=customer) - 400}' in before


def test_the_property_can_fail(office: Office) -> None:
    """The same changes a moment before as_of do move features and scores."""
    features, shown = office.features(), scored(office)
    for number, what in enumerate(("a payment", "a burst of usage", "a ticket", "a new price")):
        apply(office, number, Change(what, -1, number))
    recompute(office)
    assert len(differing(features, office.features())) == 4
    assert scored(office) != shown

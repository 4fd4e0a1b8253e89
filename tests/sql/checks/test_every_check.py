"""Every check passes on a night in which nothing is wrong, and catches what it is there for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from churn import schema
from churn.sqlfiles import sql_folder
from churn.warehouse import Database
from tests.sql.checks.whole_night import WholeNight

FILES = {check.name: check for check in sql_folder("checks")}

UNTOUCHED = {
    "scores.attempt_segments": "emptied by the next attempt; what becomes of it is in scores.customer_scores",
    "scores.attempt_risk": "as above",
    "scores.attempt_clv": "as above",
    "scores.attempt_reasons": "as above",
    "ops.writer": "who writes, not what",
    "ops.run_stages": "the ledger of the stage that runs the checks",
    "ops.check_results": "what the checks say",
    "ops.past_nights": "nights that are no longer kept, put there once the night is published",
    "ops.alerts": "what is told of the checks",
    "ops.exports": "written by `churn export`",
    "ops.campaign_recordings": "written by `churn campaign record`",
    "ops.tombstones": "written by `churn forget`",
    "ops.performance_figures": "written by `churn train`, which judges them itself",
    "ops.threshold_tradeoff": "as above",
    "ops.calibration_bins": "as above",
    "ops.model_curves": "as above",
}
"""Tables without a check, and why."""


@pytest.fixture(scope="module")
def whole_night(staging_database: Database) -> Iterator[WholeNight]:
    with staging_database.engine.connect() as connection:
        yield WholeNight(connection)


@pytest.fixture
def night(whole_night: WholeNight) -> Iterator[WholeNight]:
    with whole_night.undone():
        yield whole_night


SCORES = "update scores.customer_scores set {} where as_of_date = :as_of and run_id = :run_id and customer_key = 1"
FIGURE = (
    "update ops.table_figures set value = {}, usual = {} where table_name = '{}' and figure = '{}' "
    "and as_of_date = :as_of"
)
PUBLISHED = (
    "insert into ops.published (as_of_date, run_id, list_run_id, published_at, in_sample) "
    "values (cast(:as_of as date) - {}, {}, {}, timestamp '2025-07-01', false)"
)
BEFORE = (
    "insert into ops.table_figures (run_id, as_of_date, table_name, figure, value) "
    "values (:run_id, cast(:as_of as date) - 3, '{}', '{}', {})"
)

CASES: list[tuple[str, list[str], str]] = [
    ("amounts", [FIGURE.format(9e6, 9e4, "staging.subscriptions", "mrr"),
                 FIGURE.format(400, 400, "staging.subscriptions", "open")],
     "staging.subscriptions: mrr 9000000.00, usually 90000.00"),
    ("amounts", [FIGURE.format(2, 1, "staging.payments", "per_customer"),
                 FIGURE.format(400, 400, "staging.payments", "customers")],
     "payments a customer in 28 days 2.00, usually 1.00"),
    ("amounts", [FIGURE.format(0.5, 0.01, "staging.payments", "repeated_share"),
                 FIGURE.format(400, 400, "staging.payments", "rows")], "50.0 % equal to another in customer"),
    ("at_risk_list", ["update staging.customers set contactable = false where customer_key = 1"], "not to be"),
    ("at_risk_list", [SCORES.format("customer_key = 9")], "customer_key 1: on the list but not scored"),
    ("campaign_balance", ["update scores.campaign_lists set smallest_balance_p = 0.0001"], "unevenly drawn"),
    ("campaign_contacts", ["update ops.campaign_members set campaign_group = 'holdout'",
                           "update ops.campaign_contacts set sent_date = cast(:as_of as date) - 1"], "spring: 1"),
    ("campaign_lists", ["update scores.campaign_lists set listed = 3"], "but 2 rows, 1 held out"),
    ("campaign_lists", ["delete from scores.campaign_lists"], "rows on a list of no campaign: 2"),
    ("campaign_lists", ["update scores.campaign_balance set holdout = 7"], "8 members by segment, but 2"),
    ("campaign_members", ["delete from ops.campaigns"], "spring: 1 members of a campaign that nobody knows"),
    ("campaign_members", ["update ops.campaign_results set measured_treatment = 2"], "2 of 1 members measured"),
    ("campaign_outcomes", ["update ops.campaign_outcomes set matured_date = cast(:as_of as date) + 1"], "measured"),
    ("churn_drivers", ["update scores.churn_drivers set customers_affected = 5"], "logins: a value out of its range"),
    ("clv_backtests", ["update ops.clv_backtests set realised = 'NaN'"], "cohort: 10 predicted, NaN realised"),
    ("clv_backtests", ["update ops.clv_deciles set customers = 3"], "tenths of 3 customers, not of 4"),
    ("clv_totals", ["update scores.clv_totals set clv = 1999.99 where dimension = 'segment'"], "1999.99 in total"),
    ("cohort_months", ["update scores.cohort_months set retained = 5 where months_since = 0"], "5 of 4"),
    ("customer_attributes", ["update staging.customer_attributes set number_value = 1 where customer_key = 1"],
     "country: not a text, nor a number"),
    ("customer_attributes", ["update staging.customer_attributes set customer_key = 9 where customer_key = 1"],
     "customer_key 9: attributes of a customer that nobody knows"),
    ("customer_keys", ["update staging.customers set customer_key = 2 where customer_key = 1"],
     "customer_key 2: not the key of that customer_id"),
    ("customer_keys", ["update staging.customers set signed_up_date = signed_up_date + 1 where customer_key = 1"],
     "customer_key 1: signed up on another day"),
    ("customer_offers", ["delete from scores.customer_offers where customer_key = 1"], "customer_key 1: listed or"),
    ("customer_scores", [SCORES.format("churn_probability = 1.01")], "customer_key 1: a value out of its range"),
    ("customer_scores", [SCORES.format("customer_key = 9")], "customer_key 1: not scored"),
    ("customers", ["update ops.snapshots set customers = 1000",
                   "insert into ops.snapshots (as_of_date, origin, population, basis_digest, feature_set_id, "
                   "customers, is_current, run_id, created_at) select as_of_date - 1, origin, population, "
                   "basis_digest, feature_set_id, 1300, true, run_id, created_at from ops.snapshots"],
     "1000 customers, 1300 on"),
    ("extractions", ["update ops.extractions set rows_used = 5 where entity = 'payments'"],
     "payments: 7 rows read, 5 used, 2 in quarantine, 1 to be forgotten"),
    ("extractions", ["update ops.quarantine set rows = 1 where entity = 'payments'"],
     "payments: 2 rows in quarantine, reasons for 1"),
    ("feature_drift", ["update ops.feature_drift set status = 'warn'"], "logins: PSI 0.10"),
    ("feature_drift_score", ["update ops.feature_drift set status = 'fail', psi = 3, feature = 'churn_probability'"],
     "the probabilities have moved"),
    ("feature_snapshots", ["update ops.snapshots set customers = 5"], "4 rows for 5 customers"),
    ("feature_snapshots", ["update scores.feature_snapshots set numbers = '{Infinity}' where customer_key = 1"],
     "1 with a value that can't be"),
    ("feature_snapshots", ["update scores.feature_snapshots set customer_key = 9 where customer_key = 1"],
     "1 of customers that nobody knows"),
    ("freshness", [FIGURE.format(4, "null", "staging.usage_daily", "age_days")],
     "staging.usage_daily: the latest row is of 2025-06-27, 4 days before"),
    ("freshness", ["delete from ops.table_figures where table_name = 'staging.payments' and figure = 'age_days'"],
     "staging.payments: the latest row is of 2025-06-26"),
    ("group_outcomes", ["update scores.group_outcomes set churned = 5"], "segment Loyal: 5 of 4"),
    ("insights", ["delete from scores.insights where priority = 5"], "Did the campaign work? is not answered"),
    ("kpi_months", ["update scores.kpi_months set mrr_end = 201"], "mrr does not add up"),
    ("list_limits", ["update scores.at_risk_list set save_rate = -1 where customer_key = 1"], "is not expected to pay"),
    ("list_size", [PUBLISHED.format(3, ":run_id", ":run_id"), BEFORE.format("scores.at_risk_list", "rows", 12),
                   FIGURE.format(0, 12, "scores.at_risk_list", "rows")], "0 customers on the list, usually 12"),
    ("models", ["delete from ops.models where kind = 'clv'"], "clv: clv-1 is not in the registry"),
    ("models", ["delete from ops.model_events where kind = 'churn'"], "churn: churn-1 is not in the registry"),
    ("month_segments", ["update scores.month_segments set segment = 'Other' where customer_key = 1"],
     "segment_id 1: 2 names"),
    ("month_segments", ["update scores.month_segments set segment_id = 2 where customer_key = 1"],
     "Loyal: the name of 2 segments"),
    ("null_shares", [FIGURE.format(0.31, 0.2, "scores.customer_scores", "null_share.plan"),
                     FIGURE.format(1000, 1000, "scores.customer_scores", "rows")],
     "scores.customer_scores.plan: 31.0 % missing, usually 20.0 %"),
    ("payments", ["update staging.payments set customer_key = 9 where payment_id = 'p1'"], "payment p1: of a"),
    ("payments", ["update staging.payments set amount = 'NaN' where payment_id = 'p1'"], "payment p1: an amount"),
    ("probability_mass", [FIGURE.format(0.26, 0.2, "scores.customer_scores", "mean_probability"),
                          FIGURE.format(10000, 10000, "scores.customer_scores", "rows")],
     "26.00 % are expected to leave, usually 20.00 %"),
    ("probability_mass", [FIGURE.format(0.41, "null", "scores.customer_scores", "mean_probability"),
                          FIGURE.format(1000, "null", "scores.customer_scores", "rows")],
     "41.00 % are expected to leave, in the test of its model 20.00 %"),
    ("probability_mass", [FIGURE.format(0.2, 0.05, "scores.customer_scores", "extreme_share")],
     "20.0 % of the probabilities are below 0.001 or above 0.999, usually 5.0 %"),
    ("published", [PUBLISHED.format(3, 999, 999)], "2025-06-28: run 999 shows nothing"),
    ("realised", ["update ops.realised_nights set churners = 5"], "2025-06-01: 5 of 4 left"),
    ("realised", ["update ops.realised_figures set value = 1.1"], "2025-06-01: auc_roc of 1.1"),
    ("save_rates", ["update scores.save_rates set save_rate = 1.1"], "email, : save rate 1.1"),
    ("segment_history", ["update ops.segment_outcomes set churned = 5"], "segment_id 1: 5 of 4 left"),
    ("segment_history", ["update ops.segment_events set model_version = 'gone'"], "born with an unknown gone"),
    ("segment_moves", [SCORES.format("previous_segment = 'Other'")], "customer_key 1: a move"),
    ("segment_nights", ["update scores.segment_nights set customers = 3"], "Loyal: 3 customers, but 4 scores"),
    ("subscriptions", ["update staging.subscriptions set ended_at = started_at - interval '1 day' where mrr = 50"],
     "subscription s1: ends before it starts"),
    ("subscriptions", ["update staging.subscriptions set customer_key = 9 where customer_key = 1"],
     "subscription s1: of a customer that nobody knows"),
    ("subscriptions", ["update staging.subscriptions set mrr = 'NaN' where customer_key = 1"], "an mrr that is"),
    ("support_tickets", ["update staging.support_tickets set closed_at = opened_at - interval '1 day'"], "ticket t1:"),
    ("ticket_customers", ["update staging.support_tickets set customer_key = 9 where ticket_id = 't1'"], "ticket t1:"),
    ("usage_daily", ["update staging.usage_daily set customer_key = 9 where customer_key = 1"],
     "customer_key 9, 2025-06-30: usage of a customer that nobody knows"),
    ("usage_daily", ["update staging.usage_daily set events = 0 where customer_key = 1"],
     "customer_key 1, 2025-06-30, login: a type, a count"),
    ("value_tiers", [SCORES.format("value_tier = 'gold'")], "gold: not a tier"),
    ("volume", [PUBLISHED.format(3, ":run_id", ":run_id"), BEFORE.format("staging.customers", "rows", 1000),
                FIGURE.format(500, 1000, "staging.customers", "rows")], "staging.customers: 500 customers, usually"),
    ("volume", [PUBLISHED.format(3, ":run_id", ":run_id"), BEFORE.format("staging.usage_daily", "rows", 17),
                BEFORE.format("staging.usage_daily", "age_days", 1),
                FIGURE.format(0, 17, "staging.usage_daily", "rows"),
                FIGURE.format(8, 1, "staging.usage_daily", "age_days")], "0 rows in 7 days, usually 17"),
    ("volume_change", [FIGURE.format(0, 17, "staging.support_tickets", "rows")], "0 tickets in 28 days, usually 17"),
    ("volume_change", [FIGURE.format(1251, 1000, "staging.customers", "rows")], "1251 customers, usually 1000"),
    ("watermarks", ["delete from ops.extractions where entity = 'payments'"], "payments: read by run"),
    ("week_changes", ["update scores.week_changes set figure = 'NaN'"], "mrr, all: 50 to NaN"),
]  # fmt: skip


def test_a_night_in_which_nothing_is_wrong_passes_every_check(night: WholeNight) -> None:
    found = {name: result.detail for name, result in night.checked().items() if not result.passed}
    assert found == {}


@pytest.mark.parametrize(
    ("check", "changes", "problem"), CASES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_check_catches_what_it_is_there_for(night: WholeNight, check: str, changes: list[str], problem: str) -> None:
    for change in changes:
        night.change(change)
    assert problem in str(night.checked(check)[check].detail)


def test_an_entity_that_is_no_longer_mapped_stops_no_night_once_its_extraction_is_tidied_away(
    night: WholeNight,
) -> None:
    """The watermark stays when the ledger of its run goes (`keep.runs_days`), whoever comes to extract afterwards."""
    later = "insert into ops.extractions (run_id, entity, mode, rows_read, rows_used, rows_changed, rows_deleted, "
    later += (
        "rows_quarantined, rows_forgotten, late_rows) values (:run_id + 1, 'customers', 'full', 4, 4, 0, 0, 0, 0, 0)"
    )
    night.change(later)
    night.change("update ops.watermarks set run_id = run_id + 1 where entity = 'customers'")
    night.change("delete from ops.extractions where run_id = :run_id")
    night.change("delete from ops.quarantine where run_id = :run_id")
    assert [name for name, found in night.checked("watermarks", "extractions").items() if not found.passed] == []
    night.change("update ops.watermarks set run_id = run_id - 1 where entity = 'customers'")
    assert "customers: read by run" in str(night.checked("watermarks")["watermarks"].detail)


def test_every_check_has_a_case_that_it_catches() -> None:
    assert {check for check, *_ in CASES} == set(FILES)


def test_every_table_that_a_night_or_an_extraction_writes_has_a_check() -> None:
    looked_at = {table.strip() for check in FILES.values() for table in check.header["reads"].split(",")}
    tables = set(schema.metadata.tables)
    assert tables - looked_at == set(UNTOUCHED)
    assert looked_at <= tables


def test_the_night_has_rows_in_every_table_that_is_checked(night: WholeNight) -> None:
    looked_at = {table.strip() for check in FILES.values() for table in check.header["reads"].split(",")}
    empty = [
        table
        for table in sorted(looked_at - {"ops.published"})
        if not night.connection.exec_driver_sql(f"select exists (select 1 from {table})").scalar()
    ]
    assert empty == []


@pytest.mark.parametrize("check", sorted(FILES))
def test_a_check_names_every_table_that_it_reads(check: str) -> None:
    named = {table.strip() for table in FILES[check].header["reads"].split(",")}
    assert named == {
        table for table in schema.metadata.tables if f" {table} as " in " ".join(FILES[check].body.split())
    }


def test_what_a_check_tells_is_short_and_has_some_examples(night: WholeNight) -> None:
    night.change("update staging.subscriptions set mrr = 'NaN'")
    found = night.checked("subscriptions")["subscriptions"]
    assert found.rows == 4
    assert str(found.detail).count(";") == 2
    night.change("update staging.subscriptions set subscription_id = rpad(subscription_id, 200, 'x')")
    night.change("update ops.feature_drift set feature = rpad('f', 900, 'x'), status = 'warn'")
    assert len(str(night.checked("feature_drift")["feature_drift"].detail)) < 610


def test_what_must_never_be_shown_stops_publishing_and_the_rest_is_shown() -> None:
    warn = {name for name, check in FILES.items() if check.header["severity"] == "warn"}
    assert warn == {
        "amounts", "campaign_balance", "campaign_contacts", "campaign_members", "customers", "feature_drift",
        "freshness",
        "list_size", "null_shares", "probability_mass", "published", "realised", "support_tickets", "volume_change",
    }  # fmt: skip

"""What the doctor finds in the two databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from churn.config import Settings
from churn.doctor import Finding, examine
from churn.warehouse import Database, run_ddl

TABLES = """
create table if not exists customers (customer_id text, signed_up_at timestamp);
create table if not exists payments (payment_id int, customer_id text, paid_at timestamp, amount numeric, status text);
create table if not exists usage_events (customer_id text, occurred_at timestamp, event_type text, quantity float8);
truncate customers, payments, usage_events
"""
SELECTS = {
    "customers": "select customer_id, signed_up_at from customers",
    "payments": "select payment_id, customer_id, paid_at, amount, status from payments",
    "usage_events": "select customer_id, occurred_at, event_type, quantity from usage_events",
}


class Patient:
    """An installation whose one database is source and warehouse."""

    def __init__(self, warehouse: Database, url: str, folder: Path) -> None:
        self.warehouse, self.url, self.folder = warehouse, url, folder
        self.source = url
        self.alerts: dict[str, Any] = {}
        (folder / "source").mkdir()
        for name, select in SELECTS.items():
            self.map(name, select)
        with sa.create_engine(url, poolclass=sa.NullPool).begin() as connection:
            run_ddl(connection, TABLES)

    def map(self, name: str, select: str) -> None:
        (self.folder / "source" / f"{name}.sql").write_text(select)

    def execute(self, statement: str, **values: object) -> None:
        with sa.create_engine(self.url, poolclass=sa.NullPool).begin() as connection:
            connection.execute(sa.text(statement), values)

    def examined(self, *, now: datetime | None = None) -> list[Finding]:
        settings = Settings(
            source={"url": self.source}, warehouse={"url": self.url}, alerts=self.alerts,
            churn={"definition": "inactivity"}, business={"timezone": "Europe/Berlin"},
        )  # fmt: skip
        return examine(settings.model_copy(update={"base_dir": self.folder}), now or datetime.now(UTC))

    def troubles(self, *, now: datetime | None = None) -> list[str]:
        return [f"{found.status} {found.what}" for found in self.examined(now=now) if found.status != "ok"]


@pytest.fixture
def patient(ledger: Database, ledger_url: str, tmp_path: Path) -> Patient:
    return Patient(ledger, ledger_url, tmp_path)


@pytest.fixture
def own(warehouse: Database, warehouse_url: str, tmp_path: Path) -> Patient:
    """A patient whose rights may be changed."""
    return Patient(warehouse, warehouse_url, tmp_path)


def has(troubles: list[str], *words: str) -> bool:
    return any(all(word in trouble for word in words) for trouble in troubles)


def test_every_trouble_has_its_mend_and_no_trouble_hides_another(patient, empty_database):
    patient.map("customers", "select nobody from customers")
    patient.url = patient.source = empty_database
    findings = patient.examined()
    troubles = [found for found in findings if found.status != "ok"]
    assert all(found.mend for found in troubles)
    assert all(found.exit_code for found in findings if found.status == "fail")
    said = " ".join(found.what for found in troubles)
    assert "revision none" in said
    assert "source customers" in said
    assert "source usage_events" in said


def test_readers_that_see_too_much_or_too_little_are_named(own):
    assert not has(own.troubles(), "reader")
    own.execute("grant usage on schema ops, staging to bi_reader")
    own.execute("grant usage on schema scores to public")
    own.execute("revoke select on bi.at_risk_customers from marketing_reader")
    own.execute("grant insert on bi.segments to marketing_reader")
    troubles = own.troubles()
    assert has(troubles, "warn", "bi_reader may look into schema ops, may look into schema scores")
    assert has(troubles, "warn", "marketing_reader can't read at_risk_customers")
    assert has(troubles, "warn", "marketing_reader may change bi.segments, may look into schema scores")
    own.execute("revoke usage on schema bi from bi_reader")
    assert has(own.troubles(), "bi_reader can't read", "more")


def test_a_clock_that_is_off_is_told_of_both_databases(patient):
    troubles = patient.troubles(now=datetime.now(UTC) - timedelta(seconds=90))
    assert has(troubles, "source: its clock is 90 s ahead of this machine's")
    assert has(troubles, "warehouse: its clock is 90 s ahead of this machine's")


def test_rows_are_counted_and_dated_in_business_time(patient):
    local = datetime.now(UTC).replace(tzinfo=None)
    patient.execute("insert into usage_events values ('c1', :at, 'login', 1)", at=local - timedelta(days=9))
    whats = {found.what for found in patient.examined()}
    assert any("source customers" in what and "0 counted; none has a time" in what for what in whats)
    assert any("source usage_events" in what and "; 1 counted; the newest of " in what for what in whats)
    assert has(patient.troubles(), "source usage_events: nothing new for 9 days")


def test_events_to_come_put_the_zone_in_doubt(patient):
    ahead = datetime.now(UTC).replace(tzinfo=None) + timedelta(hours=8)
    patient.execute("insert into usage_events values ('c1', :at, 'login', 1)", at=ahead)
    (found,) = [one for one in patient.examined() if "ahead of the clock" in one.what]
    assert (found.status, "Check source.timezone (Europe/Berlin)" in found.mend) == ("warn", True)


def test_rights_that_are_missing_are_named_one_by_one_and_hide_nothing(own):
    own.execute("create role clerk login")
    own.execute("grant select on customers to clerk")
    own.source = sa.make_url(own.url).set(username="clerk").render_as_string(hide_password=False)
    try:
        found = {one.what.split(":")[0]: one for one in own.examined() if one.what.startswith("source ")}
        assert found["source customers"].status == "ok"
        for name in ("payments", "usage_events"):
            assert (found[f"source {name}"].status, found[f"source {name}"].exit_code) == ("fail", 11)
            assert f"grant select on public.{name} to clerk;" in found[f"source {name}"].mend
    finally:
        own.execute("drop owned by clerk")
        own.execute("drop role clerk")


def test_a_table_that_was_emptied_is_told(patient):
    patient.execute(
        "insert into ops.extractions (run_id, entity, mode, rows_read, rows_used, rows_quarantined, rows_changed, "
        "rows_deleted, late_rows) values (1, 'payments', 'full', 1200, 1200, 0, 1200, 0, 0)"
    )
    told = [one for one in patient.examined() if one.what.startswith("source payments")]
    assert [(one.status, one.what) for one in told] == [
        ("fail", "source payments: is empty; 1,200 rows were extracted before")
    ]
    patient.execute("insert into payments values (1, 'c1', '2026-01-01', 1, 'paid')")
    assert not has(patient.troubles(), "source payments: is empty")


def test_a_condition_that_is_never_true_is_named(patient):
    patient.map("customers", "select customer_id, signed_up_at, signed_up_at as updated_at from customers where false")
    (found,) = [one for one in patient.examined() if one.what.startswith("source customers")]
    assert (found.status, "its condition is always false" in found.what) == ("warn", True)
    assert found.mend == "Mend the where of source/customers.sql."


def test_a_training_that_was_refused_is_not_called_none(patient):
    assert has(patient.troubles(), "model: none", "no model has been trained")
    patient.execute(
        "insert into ops.runs (job, as_of_date, status, started_at, config_digest, exit_code, error) "
        "values ('train', '2026-11-01', 'failed', '2026-11-01 03:00Z', '', 14, 'No signal: nothing. Map more.')"
    )
    (found,) = [one for one in patient.examined() if one.what.startswith("model")]
    assert found.what.endswith(
        "; no model was good enough: training was tried at 2026-11-01 03:00 UTC (run 1) and refused"
    )
    assert found.mend == "No signal: nothing. Map more. `churn train` tries again."


def test_a_look_that_takes_too_long_is_given_up(patient, monkeypatch):
    monkeypatch.setattr("churn.doctor.source._PATIENCE", "100ms")
    patient.map("usage_events", SELECTS["usage_events"] + " where pg_sleep(0.3) is not null")
    patient.execute("insert into usage_events select 'c1', '2026-01-01', 'login', 1 from generate_series(1, 3)")
    (found,) = [one for one in patient.examined() if one.what.startswith("source usage_events: about")]
    assert "the newest is not known" in found.what


def test_a_pooler_in_the_way_is_a_failure(patient, monkeypatch):
    monkeypatch.setattr("churn.doctor.warehouse.behind_pooler", lambda _: True)
    (found,) = [one for one in patient.examined() if "pooler" in one.what]
    assert (found.status, found.exit_code) == ("fail", 15)


def test_customers_who_are_forgotten_need_their_key(patient):
    columns = "digest, forgotten_at, run_id, rows, key_mark"
    patient.execute(f"insert into ops.tombstones ({columns}) values ('\\x01', now(), 1, '{{}}', '\\x02')")
    (found,) = [one for one in patient.examined() if "forgotten" in one.what]
    assert (found.status, found.exit_code) == ("fail", 10)


def test_alerts_that_could_not_be_told_are_shown(patient):
    patient.alerts = {"webhook_url": "http://127.0.0.1:1/x"}
    patient.execute(
        "insert into ops.alerts (cause, severity, title, detail, opened_at, last_seen_at) "
        "values ('nightly failed 11', 'fail', 'The night is missing', 'x\nNext: churn nightly', now(), now())"
    )
    assert has(patient.troubles(), "alerts: 1 of 1 open causes could not be told")


def test_a_failure_that_is_open_is_a_warning_with_its_title(patient):
    entry = "insert into ops.alerts (cause, severity, title, detail, opened_at, last_seen_at) "
    patient.execute(entry + "values ('b', 'warn', 'Odd', 'x\nNext: churn status', now(), now())")
    assert not has(patient.troubles(), "alerts: open")
    patient.execute(entry + "values ('a', 'fail', 'The night is missing', 'x\nNext: churn nightly', now(), now())")
    (found,) = [one for one in patient.examined() if one.what.startswith("alerts: open since")]
    assert found.what.endswith("UTC: The night is missing")
    assert (found.status, found.mend) == ("warn", "churn nightly")

"""Bad input, as a user meets it: an exit code, one message with the mend, and what was published stays as it was."""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pyarrow.parquet
import pytest

from churn import embedded
from tests.conftest import MakeDatabase, MakeTemplate
from tests.e2e.bad_input_source import (
    AS_OF,
    ROWS,
    SECRET,
    SELECTS,
    Outcome,
    Shop,
    assert_one_message,
    fill_shop,
    free_port,
    run_process,
)

NOBODY_LISTENS = f"postgresql://clerk:{SECRET}@127.0.0.1:1/shop"
SOLO = """
insert into customers values ('solo', '2025-01-01', true);
insert into subscriptions values (1, 'solo', 'pro', 10, '2025-01-01', null, 1, null);
"""

MakeShop = Callable[[], Shop]


@pytest.fixture(scope="module")
def published_database(make_template: MakeTemplate, server_home: Path, tmp_path_factory: Any) -> str:
    """A shop with a published night, shared by the tests of one worker: none of them changes what is published."""
    name = f"bad_input_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    folder = tmp_path_factory.mktemp("fill")
    make_template(name, lambda url: fill_shop(url, folder, customers=40, night=AS_OF))
    return embedded.database_url(server_home, name)


@pytest.fixture(scope="module")
def published_rows(published_database: str, tmp_path_factory: Any) -> dict[str, list[str]]:
    rows = Shop(tmp_path_factory.mktemp("rows"), published_database).published()
    assert len(rows["customer_scores"]) == 32
    return rows


@pytest.fixture
def shop(published_database: str, published_rows: Any, tmp_path: Path) -> Iterator[Shop]:
    """A shop with a published night, which must be there unchanged after the test."""
    yield Shop(tmp_path, published_database)
    assert Shop(tmp_path / "after", published_database).published() == published_rows


@pytest.fixture
def make_shop(make_template: MakeTemplate, make_database: MakeDatabase, tmp_path: Path) -> MakeShop:
    """Make shops without a customer and with a migrated warehouse, each this test's alone."""

    def fill(url: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            fill_shop(url, Path(folder), customers=0, night=None)

    made: list[Shop] = []

    def make() -> Shop:
        url = make_database(make_template("empty_shop", fill))
        made.append(Shop(tmp_path / f"shop_{len(made)}", url))
        return made[-1]

    return make


@pytest.fixture(scope="module")
def knocked_at() -> Iterator[str]:
    """Address, with a wrong password, of a Postgres that asks for one."""
    with tempfile.TemporaryDirectory(prefix="churn-closed-") as closed:
        home = Path(closed) / ".churn"
        try:
            server = embedded.allow_tcp(home, free_port())
            with closing(psycopg2.connect(embedded.database_url(home, "postgres", libpq=True))) as connection:
                connection.autocommit = True
                connection.cursor().execute("create role clerk")
            embedded.set_login(home, "clerk", "the-right-password")
            yield f"postgresql://clerk:{SECRET}@127.0.0.1:{server.tcp_port}/postgres"
        finally:
            embedded.destroy(home)


# ---------------------------------------------------------------- databases that can't be reached


def test_an_unreachable_source_is_named_with_the_key_to_mend(shop):
    shop.configure(source__url=NOBODY_LISTENS)
    for command in ("nightly", "extract", "train"):
        done = shop.run(command, "--as-of", AS_OF)
        assert_one_message(done, 11, "source database can't be reached", "Connection refused", r"source\.url")
    done = shop.run("status")
    assert "failed" in done.out
    assert "Check host, port and database in source.url" in done.out
    assert SECRET not in done.text


def test_an_unreachable_warehouse_is_named_with_the_key_to_mend(shop):
    shop.configure(warehouse__url=NOBODY_LISTENS)
    for command in ("nightly", "migrate", "status", "doctor"):
        done = shop.run(command)
        assert done.code == 15
        assert "The warehouse database can't be reached" in done.text
        assert "Check host, port and database in warehouse.url" in done.text
        assert SECRET not in done.text


def test_a_host_that_does_not_exist_is_no_transient_trouble(shop):
    shop.configure(source__url=f"postgresql://clerk:{SECRET}@no-such-host.invalid/shop")
    assert_one_message(shop.nightly(), 11, "can't be reached", "no-such-host", r"source\.url")


def test_a_database_that_does_not_exist_is_said_to_be_missing(shop):
    shop.configure(source__url=shop.url.replace("/bad_input_", "/no_bad_input_"))
    assert_one_message(shop.nightly(), 11, "does not exist", r"source\.url")


def test_a_debugging_traceback_holds_no_password(shop):
    shop.configure(source__url=NOBODY_LISTENS)
    done = shop.nightly(AS_OF, "--debug")
    assert done.code == 11
    assert "Traceback" in done.err
    assert SECRET not in done.text


@pytest.mark.parametrize(("side", "code"), [("source", 11), ("warehouse", 15)])
def test_a_wrong_password_is_refused_without_being_shown(shop, knocked_at, side, code):
    shop.configure(**{f"{side}__url": knocked_at})
    assert_one_message(
        shop.nightly(), code, f"{side} database refused the login", "password authentication failed", f"{side}.url"
    )
    without_password = knocked_at.replace(f":{SECRET}", "")
    shop.configure(**{f"{side}__url": without_password})
    assert_one_message(shop.nightly(), code, "refused the login", "no password", f"{side}.url")


def test_a_process_of_its_own_ends_with_the_same_code_and_message(shop):
    shop.configure(source__url=NOBODY_LISTENS)
    done = run_process("-m", "churn", "nightly", "--as-of", AS_OF, folder=shop.folder)
    assert_one_message(done, 11, "source database can't be reached", r"source\.url")


# ---------------------------------------------------------------- configuration


def test_without_a_source_url_the_message_says_where_to_put_it(shop):
    shop.configure(source__url=None)
    assert_one_message(shop.nightly(), 10, r"source\.url is not set", r"churn\.toml", "CHURN_SOURCE__URL")


@pytest.mark.parametrize("url", [SECRET, f"mysql://clerk:{SECRET}@host/shop", f"postgresql://c:{SECRET}@h:port/shop"])
def test_what_is_no_postgres_url_is_refused_without_being_shown(shop, url):
    shop.configure(source__url=url)
    assert_one_message(shop.nightly(), 10, r"source\.url", "postgresql://user:password@host:5432/database")


def test_an_unknown_key_is_refused_with_the_nearest_known_one(shop):
    shop.configure(churn__horizon_days=30)
    shop.config.write_text(shop.config.read_text().replace("\nhorizon_days", "\nhorizon_dayz"))
    assert_one_message(shop.nightly(), 10, r"churn\.horizon_dayz: unknown key; did you mean horizon_days\? See")


def test_an_unknown_key_of_the_environment_is_refused(shop, monkeypatch):
    monkeypatch.setenv("CHURN_CHURN__HORIZON_DAYZ", "30")
    assert_one_message(shop.nightly(), 10, "horizon_dayz: unknown key", "did you mean horizon_days")
    monkeypatch.delenv("CHURN_CHURN__HORIZON_DAYZ")
    monkeypatch.setenv("CHURN_CHRUN__HORIZON_DAYS", "30")
    assert_one_message(shop.nightly(), 10, "CHURN_CHRUN__HORIZON_DAYS names no section")


def test_a_file_that_is_no_toml_is_refused(shop):
    shop.config.write_text("[source\n")
    assert_one_message(shop.nightly(), 10, r"churn\.toml is not valid TOML")


# ---------------------------------------------------------------- the mapping


@pytest.mark.parametrize(
    ("entity", "select", "words"),
    [
        ("customers", "select customer_id, signed_up_at from clients", ['"clients" does not exist', "customers.sql"]),
        ("customers", "select customer_id, born from customers", ['"born" does not exist', "customers.sql"]),
        ("payments", "select payment_id, customer_id, amount, status from payments", ["lacks paid_at", "payments.sql"]),
        (
            "subscriptions",
            SELECTS["subscriptions"].replace("mrr,", "cast(mrr as text) as mrr,"),
            [r"subscriptions\.mrr is text", r"cast\(mrr as numeric\) as mrr", "source/subscriptions.sql"],
        ),
        (
            "payments",
            SELECTS["payments"].replace("amount", "amount / 0 as amount"),
            ["division by zero", "source/payments.sql"],
        ),
        ("subscriptions", None, [r"no mapping \S+/source/subscriptions\.sql", "churn init", r"source\.sql_dir"]),
    ],
    ids=["table", "column", "contract column", "type", "value", "file"],
)
def test_a_mapping_that_does_not_fit_is_named_with_the_mend(shop, entity, select, words):
    shop.map(**{entity: select})
    assert_one_message(shop.nightly(), 12, *words)


# ---------------------------------------------------------------- dates


def test_a_night_of_the_future_is_refused_before_anything_is_read(shop):
    runs = shop.value("select count(*) from bi.job_runs")
    shop.configure(source__url=NOBODY_LISTENS)
    for command in ("nightly", "train", "extract"):
        done = shop.run(command, "--as-of", "2999-01-01")
        assert_one_message(done, 2, "2999-01-01 is in the future; today is", "earlier")
    assert shop.value("select count(*) from bi.job_runs") == runs


@pytest.mark.parametrize("text", ["30.06.2025", "2025-02-30", "2025-6-1", "20250630", "2025-W01-1", "yesterday", ""])
def test_what_is_no_date_is_refused_with_an_example(shop, text):
    assert_one_message(shop.nightly(text), 2, "is not a date", "Write it as 2026-11-21")


def test_a_night_before_any_data_is_refused_with_the_span_of_the_data(shop):
    assert_one_message(shop.nightly("2020-01-01"), 12, "No customer is active", "from 2024-01-05 to", "--as-of")
    assert_one_message(shop.run("train", "--as-of", "2020-01-01"), 12, "no data before 2020-01-01", "2024-01-05")


# ---------------------------------------------------------------- the warehouse


def test_a_warehouse_that_is_not_migrated_says_so(shop, empty_database):
    shop.configure(warehouse__url=empty_database)
    for command in ("nightly", "train", "extract", "status", "doctor"):
        done = shop.run(command)
        assert done.code == 15, done.text
        assert "churn migrate" in done.text
        assert "Traceback" not in done.text
    assert_one_message(shop.run("export", "scores"), 15, "churn migrate")


def test_a_warehouse_of_another_release_is_left_alone(make_shop):
    shop = make_shop()
    shop.execute(SOLO)
    assert shop.nightly().code == 0
    before = shop.published()
    shop.execute("update ops.alembic_version set version_num = '9999'")
    for command in ("nightly", "migrate", "status"):
        assert_one_message(shop.run(command), 15, "revision 9999", "newer release")
    shop.execute("delete from ops.alembic_version")
    assert_one_message(shop.nightly(), 15, "revision none", "churn migrate")
    assert shop.published() == before


# ---------------------------------------------------------------- few or no rows


def test_without_any_customer_nothing_is_published_and_the_message_says_why(make_shop):
    shop = make_shop()
    assert_one_message(shop.nightly(), 12, "No customer is active", "holds no usable row", "churn doctor")
    assert_one_message(shop.run("train", "--as-of", AS_OF), 12, "no data before", "holds no usable row")
    assert not any(shop.published().values())


def test_one_customer_is_scored_by_the_recency_rule_and_training_says_what_is_missing(make_shop):
    shop = make_shop()
    shop.execute(SOLO)
    done = shop.nightly()
    assert done.code == 0, done.err
    assert "Published 1 customer for 2025-06-30" in done.out
    (scored,) = shop.rows("select * from bi.customer_scores")
    assert (scored["customer_id"], scored["model_version"]) == ("solo", "recency-rule")
    assert scored["churn_probability"] is None
    assert [row["customers"] for row in shop.rows("select customers from bi.segments")] == [1]
    before = shop.published()
    done = shop.run("train", "--as-of", AS_OF)
    assert_one_message(done, 14, "too few churners", r"0 of \d+ customer-months", "At least 50 are needed")
    assert shop.published() == before


def test_without_a_churner_nights_are_published_and_training_counts_none(make_shop):
    shop = make_shop()
    shop.configure(train__snapshots=3)
    shop.execute(ROWS, customers=12)
    shop.execute("update subscriptions set ended_at = null")
    assert shop.nightly().code == 0
    before = shop.published()
    assert len(before["customer_scores"]) == 12
    done = shop.run("train", "--as-of", AS_OF)
    assert_one_message(done, 14, "too few churners", "0 of 36 customer-months churned in 3 matured snapshots")
    assert shop.published() == before


def feature_names(shop: Shop) -> set[str]:
    (row,) = shop.rows("select numbers from ops.feature_sets")
    return set(row["numbers"])


def test_an_empty_optional_entity_is_no_trouble(make_shop):
    shop = make_shop()
    shop.execute(SOLO)
    assert shop.nightly().code == 0
    assert {"mrr", "events_28d", "tickets_28d", "payments_paid_28d"} <= feature_names(shop)


def test_features_of_an_absent_optional_entity_are_not_there(make_shop):
    shop = make_shop()
    shop.execute(SOLO)
    shop.map(payments=None, usage_events=None, support_tickets=None)
    assert shop.nightly().code == 0
    names = feature_names(shop)
    assert {"mrr", "tenure_days"} <= names
    assert not {"events_28d", "tickets_28d", "payments_paid_28d", "frequency"} & names


# ---------------------------------------------------------------- ids


def test_customer_ids_may_be_text_integers_or_uuids(make_shop):
    shop = make_shop()
    shop.execute(ROWS, customers=10)
    values = "customer_id, mrr, clv, risk_score, risk_percentile"
    found = {}
    for night, kind in (("2025-06-28", "text"), ("2025-06-29", "integer"), ("2025-06-30", "uuid")):
        expression = {
            "text": "customer_id",
            "integer": "cast(substr(customer_id, 2) as integer)",
            "uuid": "cast(md5(customer_id) as uuid)",
        }[kind]
        shop.map(
            **{
                name: select.replace("customer_id", f"{expression} as customer_id", 1)
                for name, select in SELECTS.items()
            }
        )
        # A shop doesn't change its ids: each kind starts over.
        shop.execute("truncate staging.customers, staging.customer_keys, staging.subscriptions, ops.watermarks")
        done = shop.nightly(night)
        assert done.code == 0, done.err
        found[kind] = {row["customer_id"] for row in shop.rows(f"select {values} from bi.customer_scores")}
    assert found["text"] == {"c1", "c2", "c3", "c4", "c6", "c7", "c8", "c9"}
    assert found["integer"] == {name[1:] for name in found["text"]}
    expected = shop.rows("select cast(cast(md5(customer_id) as uuid) as text) as id from customers")
    assert found["uuid"] < {row["id"] for row in expected}


ODD_IDS = [
    'O\'Brien "Bob"',
    "🦄 é ß 漢字",
    "two\nlines",
    "tab\tand\rreturn",
    "back\\slash \\N \\.",
    "\\.",
    "NULL",
    "a,b;c",
    " spaces ",
    "100% :name %(x)s",
    "'; drop table ops.runs; --",
    "=1+1",
    "-5",
    "x" * 200,
]


def test_odd_ids_reach_the_views_and_every_export_as_they_are(make_shop, tmp_path):
    shop = make_shop()
    for number, customer_id in enumerate(ODD_IDS):
        shop.execute("insert into customers values (:id, '2025-01-01', true)", id=customer_id)
        shop.execute(
            "insert into subscriptions values (:n, :id, 'pro', 10, '2025-01-01', null, 1, null)",
            n=number,
            id=customer_id,
        )
        shop.execute("insert into usage_events values (:id, '2025-06-01', :id, 1)", id=customer_id)
    done = shop.nightly()
    assert done.code == 0, done.err
    assert {row["customer_id"] for row in shop.rows("select customer_id from bi.customer_scores")} == set(ODD_IDS)
    for fmt, read in {"csv": csv_ids, "jsonl": json_ids, "parquet": parquet_ids}.items():
        file = tmp_path / f"scores.{fmt}"
        assert shop.run("export", "scores", "--format", fmt, "-o", str(file)).code == 0
        assert sorted(read(file)) == sorted(ODD_IDS)
    shown = shop.run("export", "at-risk", "--include-holdout")
    assert sorted(row["customer_id"] for row in csv.DictReader(io.StringIO(shown.out, newline=""))) == sorted(
        guarded(name) for name in ODD_IDS
    )


def guarded(text: str) -> str:
    """Text as a CSV export writes it: a spreadsheet must not take it for a formula."""
    return f"'{text}" if text[0] in "=+-@\t\r" else text


def csv_ids(file: Path) -> list[str]:
    with file.open(newline="", encoding="utf-8") as lines:
        ids = [row["customer_id"] for row in csv.DictReader(lines)]
    return [name[1:] if guarded(name[1:]) == name else name for name in ids]


def json_ids(file: Path) -> list[str]:
    return [json.loads(line)["customer_id"] for line in file.read_bytes().splitlines()]


def parquet_ids(file: Path) -> list[str]:
    return pyarrow.parquet.read_table(file)["customer_id"].to_pylist()


# ---------------------------------------------------------------- values


def reasons(shop: Shop) -> dict[str, int]:
    found = shop.rows(
        "select check_name, rows from bi.data_quality where check_name like 'quarantine%' "
        "and run_id = (select max(run_id) from bi.job_runs)"
    )
    return {row["check_name"].removeprefix("quarantine:"): row["rows"] for row in found}


def test_a_customer_row_that_is_there_twice_counts_once_and_is_told(make_shop):
    shop = make_shop()
    shop.execute(ROWS, customers=30)
    shop.execute("insert into customers select * from customers where customer_id = 'c7'")
    assert shop.nightly().code == 0
    assert reasons(shop) == {"customers:duplicate_key": 1}
    assert shop.value("select count(*) from bi.customer_scores where customer_id = 'c7'") == 1


def test_too_many_unusable_rows_stop_the_night_with_counts_and_the_published_one_stays(make_shop):
    shop = make_shop()
    shop.execute(ROWS, customers=20)
    assert shop.nightly().code == 0
    before = shop.published()
    staged = shop.value("select count(*) from staging.customers")
    shop.execute("insert into customers select * from customers; update subscriptions set mrr = mrr + 1")
    done = shop.nightly(AS_OF, "--recompute", "--replace-list")
    assert_one_message(
        done,
        12,
        "20 of 40 rows of customers can't be used",
        r"extract\.max_quarantined_share = 0\.05",
        "20 duplicate key",
        r"source/customers\.sql.*distinct on",
    )
    assert shop.published() == before
    assert shop.value("select count(*) from staging.customers") == staged
    assert reasons(shop) == {"customers:duplicate_key": 20}
    assert "20 of 40 rows" in shop.run("status").out
    shop.configure(extract__max_quarantined_share=0.5)
    assert shop.nightly().code == 0


def test_nan_and_infinity_are_put_aside_and_told(make_shop):
    shop = make_shop()
    shop.execute(ROWS, customers=30)
    shop.execute(
        """
        alter table payments alter amount type double precision;
        alter table subscriptions alter mrr type double precision;
        update payments set amount = 'NaN' where payment_id = 3;
        update payments set amount = '-Infinity' where payment_id = 5;
        update subscriptions set mrr = 'Infinity' where subscription_id = 4;
        update usage_events set quantity = 'NaN' where customer_id = 'c1' and occurred_at < '2025-04-15';
        update payments set paid_at = 'infinity' where payment_id = 7;
        """
    )
    done = shop.nightly()
    assert done.code == 0, done.err
    assert reasons(shop) == {
        "payments:not_finite": 2,
        "payments:time_out_of_range": 1,
        "subscriptions:not_finite": 1,
        "usage_events:not_finite": 4,
    }
    scored = shop.rows("select * from bi.customer_scores")
    assert len(scored) == 23
    assert not any(str(value) in {"nan", "inf", "NaN", "Infinity"} for row in scored for value in row.values())


PARIS = {
    "customers": ["signed_up_at"],
    "subscriptions": ["started_at", "ended_at"],
    "payments": ["paid_at"],
    "usage_events": ["occurred_at"],
    "support_tickets": ["opened_at", "closed_at"],
}


def zoneless(select: str, columns: list[str], zone: str) -> str:
    for column in columns:
        select = select.replace(column, f"{column} at time zone '{zone}' as {column}", 1)
    return select


def test_times_with_and_without_zone_are_the_same_business_days_also_when_clocks_change(make_shop):
    nights = {}
    for zone in (None, "Europe/Paris", "America/New_York"):
        shop = make_shop()
        shop.execute(ROWS, customers=6)
        # Around the end of the day on which clocks go forward in Paris: 23 hours, from 23:00 to 22:00 UTC.
        shop.execute(
            """
            insert into payments values
                (9001, 'c1', '2025-03-29 22:59:59+00', 10, 'paid'),
                (9002, 'c1', '2025-03-29 23:00:00+00', 20, 'paid'),
                (9003, 'c1', '2025-03-30 21:59:59+00', 30, 'paid'),
                (9004, 'c1', '2025-03-30 22:00:00+00', 40, 'paid');
            """
        )
        shop.configure(business__timezone="Europe/Paris", source__timezone=zone)
        if zone is not None:
            shop.map(**{name: zoneless(SELECTS[name], columns, zone) for name, columns in PARIS.items()})
        done = shop.nightly("2025-03-31")
        assert done.code == 0, done.err
        days = shop.rows(
            "select cast(paid_date as text) as d from staging.payments where amount < 50 "
            "and payment_id like '900%' order by payment_id"
        )
        assert [row["d"][-5:] for row in days] == ["03-29", "03-30", "03-30", "03-31"]
        nights[zone] = shop.published()
    assert nights["Europe/Paris"] == nights[None]
    assert nights["America/New_York"] == nights[None]


def test_every_error_is_one_object_or_sentence_a_line(shop):
    done: Outcome = shop.nightly("2020-01-01")
    *events, message = done.err.strip().splitlines()
    assert [json.loads(line)["event"] for line in events][:2] == ["run started", "stage started"]
    assert message.startswith("churn: ")

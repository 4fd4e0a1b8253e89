"""Exports: stable columns, harmless text, whole files, folders that are brought up to date, tables of the company's."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pyarrow.parquet
import pytest
import sqlalchemy as sa

from churn.activation import Destination, activate, open_activation
from churn.config import Settings
from churn.errors import ChurnError, UsageError, WarehouseError
from churn.export import export, export_nights
from churn.night_rows import FieldType, Selection, What, reading
from churn.partitions import ensure_month
from churn.spreadsheets import harmless
from churn.sqlfiles import read_sql
from churn.warehouse import Database, open_database, run_ddl
from tests.sql.nights import Nights, score
from tests.sql.staging_tables import AS_OF, Staging

NOW = datetime(2025, 7, 2, 6, tzinfo=UTC)
FROZEN: dict[str, list[str]] = json.loads((Path(__file__).parent / "exported_columns.json").read_text("utf-8"))
LIST = Selection("at-risk")
SCORES = Selection("scores")
YESTERDAY = AS_OF - timedelta(days=1)


class Company:
    """A warehouse of customers who are all on the list of each night; every fourth is held out."""

    def __init__(self, warehouse: Database) -> None:
        self.warehouse = warehouse

    def add(self, names: list[str]) -> None:
        with self.warehouse.begin() as connection:
            for name in names:
                key = connection.scalar(
                    sa.text("insert into staging.customer_keys (customer_id) values (:n) returning customer_key"),
                    {"n": name},
                )
                Staging(connection).customer(int(key or 0), -400, customer_id=name)

    def publish(self, as_of: date = AS_OF, **scores: Any) -> int:
        """Publish a night, or the night anew."""
        with self.warehouse.begin() as connection:
            nights = Nights(Staging(connection))
            run_id = nights.run(as_of)
            ensure_month(connection, "at_risk_list", as_of)
            nights.segment(as_of, run_id, 1, "Loyal")
            for key in connection.scalars(sa.text("select customer_key from staging.customer_keys order by 1")).all():
                nights.insert("scores.customer_scores", score(as_of, run_id, 1, key, **scores))
                listed = score(as_of, run_id, 1, key, mrr=-5)
                listed.pop("lifecycle_stage")
                arm = "holdout" if key % 4 == 0 else "treatment"
                more = {"priority_rank": key, "segment": "Loyal", "campaign": "spring", "campaign_group": arm}
                nights.insert("scores.at_risk_list", listed | more)
        return run_id

    def opt_out(self, name: str, *, contactable: bool = False) -> None:
        self.run("update staging.customers set contactable = :c where customer_id = :n", c=contactable, n=name)

    def run(self, statement: str, **params: Any) -> list[dict[str, Any]]:
        with self.warehouse.begin() as connection:
            done = connection.execute(sa.text(statement), params)
            return [dict(row) for row in done.mappings()] if done.returns_rows else []

    def ledger(self) -> list[tuple[Any, ...]]:
        rows = self.run("select * from ops.exports order by export_id")
        return [(row["what"], row["as_of_date"], row["format"], row["rows"]) for row in rows]


@pytest.fixture
def company(warehouse: Database) -> Company:
    made = Company(warehouse)
    made.add([f"c{number}" for number in range(1, 9)])
    made.publish()
    return made


def rows_of(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file.read_text("utf-8"), newline="")))


# ---------------------------------------------------------------- columns and text


@pytest.mark.parametrize("what", sorted(FROZEN))
def test_columns_keep_their_places_and_new_ones_come_last(what):
    fields = Selection(what).fields
    assert list(fields)[: len(FROZEN[what])] == FROZEN[what]
    assert set(fields.values()) <= set(get_args(FieldType))


@pytest.mark.parametrize("what", sorted(FROZEN))
def test_a_file_has_the_columns_that_its_header_says_even_without_rows(company, what, tmp_path):
    company.run("delete from scores.at_risk_list")
    for fmt in ("csv", "parquet"):
        export(company.warehouse, Selection(what), None, fmt, tmp_path / fmt, at=NOW)
    written = next(csv.reader(io.StringIO((tmp_path / "csv").read_text("utf-8"), newline="")))
    assert written == pyarrow.parquet.read_table(tmp_path / "parquet").column_names == list(Selection(what).fields)
    assert "order by" in read_sql(f"export/{what.replace('-', '_')}.sql").body


VIEW_OF = {"at-risk": "at_risk_customers", "scores": "customer_scores_history", "segments": "segments"}
LEFT_OUT = {"scores": {"list_status", "offer", "expected_net_value"}}


def shown_and_exported(company: Company, what: What) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of the view and of the export of the latest night, the columns of the view that are not left out."""
    selection = Selection(what, holdout=what == "at-risk")
    with reading(company.warehouse, selection, None) as night:
        rows = [dict(zip(selection.fields, row, strict=True)) for part in night.batches() for row in part]
        as_of = night.as_of
    shown = company.run(f"select * from bi.{VIEW_OF[what]} where as_of_date = :d", d=as_of)
    wanted = [name for name in shown[0] if name not in LEFT_OUT.get(what, set())]
    key = "segment" if what == "segments" else "customer_id"
    found = [
        sorted(({name: row[name] for name in wanted} for row in side), key=lambda row: row[key])
        for side in (shown, rows)
    ]
    return found[0], found[1]


@pytest.mark.parametrize("what", sorted(FROZEN))
def test_an_export_says_all_that_the_view_of_the_same_rows_says(company, what):
    company.publish(AS_OF - timedelta(days=30), value_tier="high", mrr=7)
    company.publish(AS_OF, value_tier="high", mrr=9)
    shown, exported = shown_and_exported(company, what)
    assert exported == shown
    if what == "segments":
        (row,) = exported
        assert row["compared_date"] == AS_OF - timedelta(days=30)


@pytest.mark.parametrize("what", sorted(FROZEN))
def test_only_what_would_tempt_to_contact_a_held_out_customer_is_left_out(what):
    in_view = {key.removeprefix("column.") for key in read_sql(f"views/{VIEW_OF[what]}.sql").header if "column." in key}
    assert in_view - set(Selection(what).fields) == LEFT_OUT.get(what, set())


def test_the_segments_of_an_earlier_night_compare_with_a_month_before_it(company, tmp_path):
    for days, change in ((0, 9), (-30, 5), (-61, 2)):
        with company.warehouse.begin() as connection:
            nights = Nights(Staging(connection))
            as_of = AS_OF + timedelta(days=days)
            run_id = nights.run(as_of)
            figures = {"customers": change, "mrr": 10 * change, "avg_clv": change, "avg_churn_probability": change / 10}
            nights.segment(as_of, run_id, 1, "Loyal", realised_churn_rate=change / 100, **figures)
            nights.insert("scores.customer_scores", score(as_of, run_id, 1, 1, value_tier="high"))
            nights.insert("scores.customer_scores", score(as_of, run_id, 1, 2, value_tier="low"))
    export(company.warehouse, Selection("segments"), AS_OF - timedelta(days=30), "csv", tmp_path / "s", at=NOW)
    (row,) = rows_of(tmp_path / "s")
    assert row["compared_date"] == str(AS_OF - timedelta(days=61))
    assert (row["segment_id"], row["customers_before"], row["customers_change"]) == ("1", "2", "3")
    assert (row["mrr_before"], row["mrr_change"], row["avg_clv_change"]) == ("20.00", "30.00", "3.00")
    assert float(row["avg_churn_probability_change"]) == pytest.approx(0.3)
    assert float(row["realised_churn_rate_change"]) == pytest.approx(0.03)
    assert float(row["high_value_share"]) == 0.5


PLAIN_SIGNS = ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "\tx"]
HIDDEN_SIGNS = [" =1", "\u00a0=1", "\ufeff=1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff20x", "\u200b @x", " \ufeff=1"]


@pytest.mark.parametrize("text", [*PLAIN_SIGNS, *HIDDEN_SIGNS])
def test_text_that_a_spreadsheet_would_run_begins_with_an_apostrophe(text):
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", " ", "a=1", "1-1", "Müller", "'=1", "#1", "a\n=1"])
def test_other_text_is_left_as_it_is(text):
    assert harmless(text) == text


def test_in_a_csv_text_is_harmless_and_numbers_stay_numbers(warehouse, tmp_path):
    company = Company(warehouse)
    names = ["=HYPERLINK(1)", "\t=2", 'a"b,c\nd', "-5"]
    company.add(names)
    company.publish()
    file = tmp_path / "list.csv"
    export(warehouse, Selection("at-risk", holdout=True), None, "csv", file, at=NOW)
    found = rows_of(file)
    assert [row["customer_id"] for row in found] == ["'=HYPERLINK(1)", "'\t=2", 'a"b,c\nd', "'-5"]
    assert {row["mrr"] for row in found} == {"-5.00"}


# ---------------------------------------------------------------- one file


def test_the_ledger_tells_of_files_and_not_of_stdout(company, tmp_path, capsysbinary):
    export(company.warehouse, LIST, None, "csv", None, at=NOW)
    assert company.ledger() == []
    done = export(company.warehouse, LIST, None, "jsonl", tmp_path / "list", at=NOW)
    assert (done.rows, done.is_new) == (6, True)
    (row,) = company.run("select * from ops.exports")
    assert row["target"] == str(tmp_path / "list")
    assert (row["run_id"], row["with_holdout"], row["exported_at"], len(row["sha256"])) == (1, False, NOW, 64)
    assert capsysbinary.readouterr().out.count(b"\n") == 7


def test_the_same_export_again_touches_neither_file_nor_ledger(company, tmp_path):
    file = tmp_path / "list.csv"
    export(company.warehouse, LIST, None, "csv", file, at=NOW)
    before = file.stat()
    assert not export(company.warehouse, LIST, None, "csv", file, at=NOW).is_new
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert len(company.ledger()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["list.csv"]


def test_the_holdout_and_who_may_not_be_contacted_now_are_left_out(company, tmp_path):
    company.opt_out("c2")
    export(company.warehouse, LIST, None, "csv", tmp_path / "list", at=NOW)
    assert [row["customer_id"] for row in rows_of(tmp_path / "list")] == ["c1", "c3", "c5", "c6", "c7"]
    export(company.warehouse, Selection("at-risk", holdout=True), None, "csv", tmp_path / "all", at=NOW)
    assert [row["customer_id"] for row in rows_of(tmp_path / "all")] == ["c1", "c3", "c4", "c5", "c6", "c7", "c8"]


# ---------------------------------------------------------------- a folder of nights


@pytest.fixture
def nights(company: Company) -> Company:
    """Three published nights, of two months."""
    company.publish(YESTERDAY)
    company.publish(AS_OF + timedelta(days=2))
    return company


def brought_up(company: Company, folder: Path, selection: Selection = SCORES, **changes: Any) -> list[bool]:
    """Bring the folder up to date; for each night, whether it was written."""
    span = changes.get("span", (YESTERDAY, AS_OF + timedelta(days=9)))
    done = export_nights(company.warehouse, selection, span, changes.get("fmt", "csv"), folder, at=NOW)
    return [one.is_new for one in done]


def test_a_folder_has_one_file_for_each_published_night_of_the_span(nights, tmp_path):
    assert brought_up(nights, tmp_path) == [True, True, True]
    files = [f"scores-{day}.csv" for day in (YESTERDAY, AS_OF, AS_OF + timedelta(days=2))]
    assert sorted(path.name for path in tmp_path.iterdir()) == files
    assert [{row["as_of_date"] for row in rows_of(tmp_path / name)} for name in files] == [
        {name.removeprefix("scores-").removesuffix(".csv")} for name in files
    ]
    assert len(nights.ledger()) == 3
    assert brought_up(nights, tmp_path, span=(AS_OF, AS_OF), fmt="parquet") == [True]


def test_an_export_that_was_cut_off_goes_on_where_it_stopped(nights, tmp_path):
    span = (YESTERDAY, AS_OF + timedelta(days=9))
    cut: Iterator[Any] = export_nights(nights.warehouse, SCORES, span, "csv", tmp_path, at=NOW)
    next(cut)
    cut.close()  # type: ignore[attr-defined]
    assert brought_up(nights, tmp_path) == [False, True, True]
    assert brought_up(nights, tmp_path) == [False, False, False]


def test_a_night_that_is_there_is_not_read_again(nights, tmp_path, monkeypatch):
    brought_up(nights, tmp_path)
    monkeypatch.setattr("churn.export.runs.write_rows", None)
    assert brought_up(nights, tmp_path) == [False, False, False]


def test_what_changed_is_written_again(nights, tmp_path):
    brought_up(nights, tmp_path)
    (tmp_path / f"scores-{YESTERDAY}.csv").write_text("cut")
    nights.publish(AS_OF, mrr=99)
    (tmp_path / f"scores-{AS_OF + timedelta(days=2)}.csv").unlink()
    assert brought_up(nights, tmp_path) == [True, True, True]
    assert {row["mrr"] for row in rows_of(tmp_path / f"scores-{AS_OF}.csv")} == {"99.00"}
    nights.run("delete from scores.customer_scores where customer_key = 1 and as_of_date = :d", d=AS_OF)
    assert brought_up(nights, tmp_path) == [False, True, False]


def test_a_list_in_a_folder_follows_who_may_be_contacted(nights, tmp_path):
    assert brought_up(nights, tmp_path, LIST) == [True, True, True]
    assert brought_up(nights, tmp_path, LIST) == [False, False, False]
    nights.opt_out("c1")
    assert brought_up(nights, tmp_path, LIST) == [True, True, True]
    nights.opt_out("c1", contactable=True)
    nights.opt_out("c2")
    assert brought_up(nights, tmp_path, LIST) == [True, True, True]
    assert brought_up(nights, tmp_path, Selection("at-risk", holdout=True)) == [True, True, True]


def test_a_span_that_makes_no_sense_is_refused(nights, tmp_path):
    later = AS_OF + timedelta(days=50)
    for span, words in (((AS_OF, YESTERDAY), "is after --to"), ((later, later), "Nothing is published from")):
        with pytest.raises(UsageError, match=words):
            brought_up(nights, tmp_path, span=span)
    with pytest.raises(UsageError, match="There is no folder"):
        brought_up(nights, tmp_path / "nowhere")
    (tmp_path / "list.csv").write_text("x")
    with pytest.raises(UsageError, match=r"list\.csv is a file.*Give --output a folder"):
        brought_up(nights, tmp_path / "list.csv")


# ---------------------------------------------------------------- a table


@pytest.fixture
def crm(make_database: Any, company: Company) -> Iterator[Database]:
    """The company's own database, which a login of its own opens."""
    url = make_database()
    with open_database(url, "warehouse").begin() as connection:
        run_ddl(connection, "drop role if exists sender")
        run_ddl(connection, "create role sender login")
        run_ddl(connection, "create schema marketing")
        run_ddl(connection, "create schema closed")
        run_ddl(connection, "grant usage, create on schema marketing to sender")
    yield open_database(url, "activation", role="sender")
    with open_database(url, "warehouse").begin() as connection:
        run_ddl(connection, "drop owned by sender; drop role sender")


def put(company: Company, crm: Database, into: str = "marketing.at_risk", selection: Selection = LIST) -> int:
    with reading(company.warehouse, selection, None) as night:
        return activate(company.warehouse, crm, night, Destination.parse(into), at=NOW)


def held(crm: Database, table: str = "marketing.at_risk") -> list[tuple[date, str]]:
    with crm.begin() as connection:
        query = sa.text(f"select as_of_date, customer_id from {table} order by as_of_date, customer_id")
        return [tuple(row) for row in connection.execute(query)]


def test_the_list_is_put_into_a_new_table_with_types(company, crm):
    assert put(company, crm) == 6
    with crm.begin() as connection:
        columns = connection.execute(
            sa.text(
                "select attname, format_type(atttypid, atttypmod) from pg_attribute "
                "where attrelid = 'marketing.at_risk'::regclass and attnum > 0 order by attnum"
            )
        )
        types = {row[0]: row[1] for row in columns}
    assert list(types) == FROZEN["at-risk"]
    assert (types["as_of_date"], types["churn_probability"], types["value_at_risk"], types["priority_rank"]) == (
        "date", "double precision", "numeric", "bigint"
    )  # fmt: skip
    assert company.ledger() == [("at-risk", AS_OF, "table", 6)]


def test_done_twice_it_leaves_the_list_as_it_is_now_and_other_nights_alone(company, crm):
    put(company, crm)
    assert put(company, crm) == 6
    company.opt_out("c1")
    assert put(company, crm) == 5
    company.publish(AS_OF + timedelta(days=1))
    put(company, crm)
    there = held(crm)
    assert [name for day, name in there if day == AS_OF] == ["c2", "c3", "c5", "c6", "c7"]
    assert len(there) == len(set(there)) == 10


def test_a_failure_leaves_the_table_as_it_was(company, crm):
    put(company, crm)
    before = held(crm)
    with crm.begin() as connection:
        run_ddl(connection, "alter table marketing.at_risk add constraint few check (customer_id <> 'c9')")
    company.add(["c9"])
    company.publish(AS_OF)
    with pytest.raises(WarehouseError, match="few"):
        put(company, crm)
    assert held(crm) == before
    assert len(company.ledger()) == 1


def test_columns_of_the_company_are_left_alone_and_missing_ones_are_named(company, crm):
    put(company, crm)
    with crm.begin() as connection:
        run_ddl(connection, "alter table marketing.at_risk add column sent_at timestamptz")
    assert put(company, crm) == 6
    with crm.begin() as connection:
        run_ddl(connection, "alter table marketing.at_risk drop column why, alter column mrr type text")
    with pytest.raises(UsageError, match="lacks 1 columns") as lacking:
        put(company, crm)
    with crm.begin() as connection:
        run_ddl(connection, str(lacking.value).split("Add them: ")[1])
    with pytest.raises(UsageError, match="mrr is text, not numeric"):
        put(company, crm)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("at_risk", "is not the name of a table"),
        ("marketing.at risk", "is not the name of a table"),
        ('marketing."; drop table x; --', "is not the name of a table"),
        ("a.b.c", "is not the name of a table"),
        ("m" * 64 + ".t", "is not the name of a table"),
        ("bi.at_risk", "is not yours"),
        ("OPS.x", "is not yours"),
        ("pg_catalog.x", "is not yours"),
        ("information_schema.x", "is not yours"),
    ],
)
def test_only_a_table_of_the_companys_own_is_written_to(name, words):
    with pytest.raises(UsageError, match=words):
        Destination.parse(name)


def test_what_the_login_may_not_do_is_said_with_its_mend(company, crm):
    def mend(into: str, kind: type[ChurnError], words: str) -> str:
        with pytest.raises(kind, match=words) as caught:
            put(company, crm, into)
        return caught.value.hint

    assert "grant usage, create on schema" in mend("nowhere.x", UsageError, "has no schema nowhere")
    assert "grant usage, create on schema" in mend("closed.x", WarehouseError, "sender may not write")
    url = crm.engine.url.render_as_string(hide_password=False)
    with open_database(url, "warehouse").begin() as connection:
        run_ddl(connection, "create table marketing.theirs (n integer)")
        run_ddl(connection, "create view marketing.shown as select 1 as n; grant all on marketing.shown to sender")
    assert "grant select, insert, delete on" in mend("marketing.theirs", WarehouseError, "sender may not write")
    assert "another name" in mend("marketing.shown", UsageError, "is no table")


def test_the_table_is_in_the_warehouse_unless_another_database_is_named(company):
    url = company.warehouse.engine.url.render_as_string(hide_password=False)
    settings = Settings(warehouse={"url": url})
    with open_database(url, "warehouse").begin() as connection:
        run_ddl(connection, "create schema marketing authorization churn_job")
    assert put(company, open_activation(settings)) == 6
    assert len(held(company.warehouse)) == 6


def test_the_address_is_never_shown(company):
    url = "postgresql://me:swordfish-4711@127.0.0.1:1/crm"
    settings = Settings(activation={"url": url})
    assert "swordfish" not in repr(settings)
    with pytest.raises(WarehouseError, match="The activation database can't be reached") as caught:
        put(company, open_activation(settings))
    assert "swordfish" not in str(caught.value)
    assert "activation.url" in caught.value.hint


def test_who_reads_the_table_never_sees_half_a_list(company, crm):
    put(company, crm)
    with crm.begin() as connection:
        run_ddl(connection, "set local lock_timeout = '200ms'")
        run_ddl(connection, "lock table marketing.at_risk in access share mode")
        assert put(company, crm) == 6
